# SPDX-License-Identifier: Apache-2.0
"""`callwell config`: what is set, and from where."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING, Any, Final

import typer

from callwell.cli import output
from callwell.cli.flags import JsonOption, SomeProviderArgument
from callwell.client.settings import GENERAL, OF_ENVIRONMENT
from callwell.core.addresses import mask_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callwell.cli.settings import Setting, Settings
    from callwell.description.provider import Provider

COLUMNS: Final = ("provider", "setting", "value", "from")


def _list_names(names: Iterable[str]) -> str:
    """Names of settings as indented lines."""
    return textwrap.fill(", ".join(names), 78, initial_indent="  ", subsequent_indent="  ")


PRECEDENCE: Final = f"""\
\b
What counts, from the first to the last:
  1. an option, such as --deadline
  2. CALLWELL_<PROVIDER>_<ENVIRONMENT>_<SETTING>, CALLWELL_<PROVIDER>_<SETTING>;
     for an address also <PROVIDER>_<ENVIRONMENT>_BASE_URL, and for that of the
     default environment <PROVIDER>_BASE_URL
  3. CALLWELL_<SETTING>, for {", ".join(GENERAL)}
  4. callwell.toml: the one that CALLWELL_CONFIG names, or the nearest one in
     this folder and those above it, up to the home folder
  5. what comes with the provider, or with Callwell

\b
callwell.toml, by example:
  deadline = 30                  settings for all providers
  [PROVIDER]                     every setting
  key = "file:~/provider.key"    a place; a key itself is refused
  [PROVIDER.ENVIRONMENT]         settings of one environment
  account = "team-a"
  [NAME]                         a provider of your own
  folder = "descriptions/NAME"

\b
Settings for all providers:
{_list_names(GENERAL)}
Settings of one environment:
{_list_names(OF_ENVIRONMENT)}

Paths are relative to the file. A file that merely lies in a folder cannot set proxy, ca_file, key_header or the address
of another machine, for it may be anybody's: that takes a file in the home folder, or one that CALLWELL_CONFIG names.
"""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog=PRECEDENCE)
def config(provider: SomeProviderArgument = None, *, as_json: JsonOption = False) -> None:
    """Print what is set and from where. Of keys, the place is shown.

    Without a provider, what holds for all of them, and then what is special to each.
    """
    from callwell.cli.settings import Settings

    settings = Settings.here(quiet=True)
    rows = list(_of(settings, provider) if provider else _of_all(settings))
    if as_json:
        file = str(settings.file.path) if settings.file else None
        output.emit_json({"file": file, "settings": rows})
    else:
        output.emit(f"callwell.toml: {settings.file.path if settings.file else 'none'}\n")
        output.emit_table(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))
    for complaint in settings.unknown().values():
        output.say(complaint)
    for variable in settings.empty():
        output.say(f"{variable} is empty: it counts as not set")


def _of(settings: Settings, name: str) -> Iterator[dict[str, Any]]:
    described = settings.load(name)
    held = settings.of(described, {})
    for setting in held.values():
        yield _row(described.name, setting)
    for setting in _elsewhere(settings, described, held):
        yield _row(described.name, setting)


def _elsewhere(settings: Settings, described: Provider, held: Mapping[str, Setting]) -> Iterator[Setting]:
    """Addresses and keys of the environments that are not in use."""
    for name in described.profile.environments:
        if name != held["environment"].value:
            there = settings.of(described, {"environment": name})
            for setting in ("base_url", "key"):
                yield there[setting]._replace(name=f"{name}.{setting}")


def _of_all(settings: Settings) -> Iterator[dict[str, Any]]:
    from callwell.cli.settings import Setting

    general = {name: settings.general(name) for name in GENERAL}
    for setting in general.values():
        yield _row(None, setting)
    if clock := os.environ.get("CALLWELL_CLOCK"):
        yield _row(None, Setting("clock", clock, "env:CALLWELL_CLOCK"))
    for name in settings.names():
        described = settings.load(name)
        held = settings.of(described, {})
        for setting in (*held.values(), *_elsewhere(settings, described, held)):
            if setting != general.get(setting.name) and (setting.is_set or setting.value is not None):
                yield _row(name, setting)


def _row(provider: str | None, setting: Setting) -> dict[str, Any]:
    value = setting.value
    if isinstance(value, str):
        is_address = setting.name.rpartition(".")[2] in ("base_url", "proxy")
        value = output.clean(mask_address(value) if is_address else value)
    return {"provider": provider, "setting": setting.name, "value": value, "from": setting.where}

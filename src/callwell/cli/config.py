# SPDX-License-Identifier: Apache-2.0
"""`callwell config`: print the settings in effect and where each one comes from."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING, Any, Final

import typer

from callwell.cli import output
from callwell.cli.flags import JsonOption, OptionalProviderArgument
from callwell.cli.key_status import mask_place
from callwell.client.settings import ENVIRONMENT_SETTINGS, GLOBAL_SETTINGS
from callwell.core.addresses import mask_address
from callwell.state.urls import mask_state_url

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
Where a setting comes from, in order of precedence:
  1. an option, such as --deadline
  2. CALLWELL_<PROVIDER>_<ENVIRONMENT>_<SETTING>, CALLWELL_<PROVIDER>_<SETTING>;
     for an address also <PROVIDER>_<ENVIRONMENT>_BASE_URL, and for that of the
     default environment <PROVIDER>_BASE_URL
  3. CALLWELL_<SETTING>, for {", ".join(GLOBAL_SETTINGS)}
  4. callwell.toml: the file named by CALLWELL_CONFIG, or else the nearest one in
     this folder or above it, up to the home folder
  5. the provider's profile, or Callwell's default

\b
An example of callwell.toml:
  deadline = 30                  settings for all providers
  [PROVIDER]                     every setting
  key = "file:~/provider.key"    where the key is, never the key itself
  [PROVIDER.ENVIRONMENT]         settings of one environment
  account = "team-a"
  [NAME]                         your own provider
  folder = "descriptions/NAME"

\b
Settings for all providers:
{_list_names(GLOBAL_SETTINGS)}
Settings of one environment:
{_list_names(ENVIRONMENT_SETTINGS)}

Paths are relative to the file. Only a trusted file, in the home folder or named by CALLWELL_CONFIG, may set proxy,
ca_file, key_header or an address on another machine: anyone could have put a file into another folder.
"""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog=PRECEDENCE)
def config(provider: OptionalProviderArgument = None, *, as_json: JsonOption = False) -> None:
    """Print the settings in effect and where each one comes from. Keys are not printed, only where they are kept.

    Without PROVIDER, print the settings for all providers, and then what differs for each.
    """
    from callwell.cli.settings import Settings

    settings = Settings.discover(quiet=True)
    rows = list(_rows_of(settings, provider) if provider else _all_rows(settings))
    if as_json:
        file = str(settings.file.path) if settings.file else None
        output.emit_json({"file": file, "settings": rows})
    else:
        output.emit(f"callwell.toml: {settings.file.path if settings.file else 'none'}\n")
        output.emit_table(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))
    for complaint in settings.unknown_variables().values():
        output.say(complaint)
    for variable in settings.empty_variables():
        output.say(f"{variable} is empty and counts as not set")


def _rows_of(settings: Settings, name: str) -> Iterator[dict[str, Any]]:
    described = settings.load(name)
    values = settings.resolve(described, {})
    for setting in values.values():
        yield _to_row(described.name, setting)
    for setting in _other_environments(settings, described, values):
        yield _to_row(described.name, setting)


def _other_environments(settings: Settings, described: Provider, values: Mapping[str, Setting]) -> Iterator[Setting]:
    """The addresses and keys of the environments that are not in use."""
    for name in described.profile.environments:
        if name != values["environment"].value:
            others = settings.resolve(described, {"environment": name})
            for setting in ("base_url", "key"):
                yield others[setting]._replace(name=f"{name}.{setting}")


def _all_rows(settings: Settings) -> Iterator[dict[str, Any]]:
    from callwell.cli.settings import Setting

    general = {name: settings.general(name) for name in GLOBAL_SETTINGS}
    for setting in general.values():
        yield _to_row(None, setting)
    if clock := os.environ.get("CALLWELL_CLOCK"):
        yield _to_row(None, Setting("clock", clock, "env:CALLWELL_CLOCK"))
    for name in settings.names():
        described = settings.load(name)
        values = settings.resolve(described, {})
        for setting in (*values.values(), *_other_environments(settings, described, values)):
            if setting != general.get(setting.name) and (setting.is_set or setting.value is not None):
                yield _to_row(name, setting)


def _to_row(provider: str | None, setting: Setting) -> dict[str, Any]:
    value = setting.value
    if isinstance(value, str):
        is_address = setting.name.rpartition(".")[2] in ("base_url", "proxy")
        if setting.name == "state":
            value = mask_state_url(value)
        value = output.clean(mask_address(value) if is_address else mask_place(value))
    return {"provider": provider, "setting": setting.name, "value": value, "from": setting.origin}

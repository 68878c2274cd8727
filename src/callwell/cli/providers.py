# SPDX-License-Identifier: Apache-2.0
"""`callwell providers`: what is known, in which environments, and whether there is a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from callwell.cli import output
from callwell.cli.flags import JsonOption
from callwell.cli.key_status import read_key_status

if TYPE_CHECKING:
    from callwell.cli.settings import Settings
    from callwell.description.provider import Provider

COLUMNS = ("provider", "environment", "address", "key", "present", "operations")

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def providers(*, as_json: JsonOption = False) -> None:
    """Print the providers that can be named: environments, where the key is looked for, number of operations."""
    from callwell.cli.settings import Settings

    settings = Settings.here()
    known = [_described(settings, settings.load(name)) for name in settings.names()]
    if as_json:
        output.emit_json(known)
        return
    output.emit_table(
        COLUMNS,
        (
            (one["name"], name, at["base_url"], at["key"]["where"], at["key"]["present"], at["operations"])
            for one in known
            for name, at in one["environments"].items()
        ),
    )


def _described(settings: Settings, provider: Provider) -> dict[str, Any]:
    profile = provider.profile
    used = str(settings.of(provider, {})["environment"].value)
    all_of_it = [name for name in provider.api.operations if provider.rule(name).like is None]
    environments = {}
    for name, rule in profile.environments.items():
        held = settings.of(provider, {"environment": name})
        place = read_key_status(profile.key, str(held["key"].value))
        environments[name] = {
            "base_url": held["base_url"].value,
            "from": held["base_url"].where,
            "default": name == used,
            "key": {"where": place.where, "present": place.present, "right": place.right},
            "operations": len(all_of_it if rule.operations is None else rule.operations),
        }
    return {
        "name": provider.name,
        "title": profile.title,
        "docs": profile.docs,
        "environments": environments,
        "operations": len(all_of_it),
    }

# SPDX-License-Identifier: Apache-2.0
"""`callwell providers`: the providers, their environments, and whether a key is present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from callwell.cli import output
from callwell.cli.flags import JsonOption
from callwell.cli.key_status import read_key_status

if TYPE_CHECKING:
    from callwell.cli.settings import Settings
    from callwell.description.provider import Provider

COLUMNS = ("provider", "environment", "address", "key", "present", "operations", "left out")

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def providers(*, as_json: JsonOption = False) -> None:
    """Print the known providers: environments, addresses, key sources and number of operations."""
    from callwell.cli.settings import Settings

    settings = Settings.discover()
    rows = [_describe(settings, settings.load(name)) for name in settings.names()]
    if as_json:
        output.emit_json(rows)
        return
    output.emit_table(
        COLUMNS,
        (
            (
                row["name"],
                name,
                found["base_url"],
                found["key"]["location"],
                found["key"]["present"],
                found["operations"],
                row["left_out"],
            )
            for row in rows
            for name, found in row["environments"].items()
        ),
    )


def _describe(settings: Settings, provider: Provider) -> dict[str, Any]:
    profile = provider.profile
    default = str(settings.resolve(provider, {})["environment"].value)
    own_operations = [name for name in provider.api.operations if provider.rule(name).like is None]
    environments = {}
    for name, rule in profile.environments.items():
        values = settings.resolve(provider, {"environment": name})
        status = read_key_status(profile.key, str(values["key"].value))
        environments[name] = {
            "base_url": values["base_url"].value,
            "from": values["base_url"].origin,
            "default": name == default,
            "key": {"location": status.location, "present": status.present, "valid": status.valid},
            "operations": len(own_operations if rule.operations is None else rule.operations),
        }
    return {
        "name": provider.name,
        "title": profile.title,
        "docs": profile.docs,
        "environments": environments,
        "operations": len(own_operations),
        "left_out": len(provider.api.left_out),
    }

# SPDX-License-Identifier: Apache-2.0
"""`callwell providers`: what is known, in which environments, and whether there is a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from callwell import providers as library
from callwell.cli import output
from callwell.cli.flags import address, address_variable
from callwell.cli.places import look

if TYPE_CHECKING:
    from callwell.spec.provider import Provider

COLUMNS = ("provider", "environment", "address", "key", "present", "operations")

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def providers(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the providers that come with Callwell: environments, where the key is looked for, number of operations."""
    known = [_described(library.load(name)) for name in library.names()]
    if as_json:
        output.emit_json(known)
        return
    output.emit_table(
        COLUMNS,
        (
            (one["name"], name, where["base_url"], one["key"]["where"], one["key"]["present"], one["operations"])
            for one in known
            for name, where in one["environments"].items()
        ),
    )


def _described(provider: Provider) -> dict[str, Any]:
    profile, elsewhere = provider.profile, address(provider, None)
    place = look(profile.key, None)
    return {
        "name": provider.name,
        "title": profile.title,
        "docs": profile.docs,
        "environments": {
            name: {
                "base_url": elsewhere or rule.base_url,
                "from": f"env:{address_variable(provider.name)}" if elsewhere else "profile",
                "default": provider.environment().name == name,
            }
            for name, rule in profile.environments.items()
        },
        "key": {"where": place.where, "present": place.present, "right": place.right},
        "operations": len(provider.api.operations),
    }

# SPDX-License-Identifier: Apache-2.0
"""`callwell keys`: where keys are looked for, and what is there; their text is never shown."""

from __future__ import annotations

from typing import Annotated

import typer

from callwell import providers
from callwell.cli import output
from callwell.cli.flags import EnvironmentOption, KeyOption, ProviderArgument
from callwell.cli.places import Place, look

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, help="Where keys are looked for and what is there, never their text."
)


@app.command("list")
def list_(
    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="One provider; all unless said.", show_default=False)
    ] = None,
    *,
    key: KeyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print where each provider's key is, and what is there."""
    found = []
    for name in [provider] if provider else providers.names():
        described = providers.load(name)
        place = look(described.profile.key, key)
        found += [
            {"provider": described.name, "environment": one, **place._asdict()}
            for one in described.profile.environments
        ]
    if as_json:
        output.emit_json(found)
        return
    columns = ("provider", "environment", "where", "present", "right", "fingerprint", "problem")
    for one in found:
        one["problem"] = str(one["problem"] or "–").partition(";")[0] if not one["present"] else one["problem"]
    output.emit_table(columns, ([one[column] for column in columns] for one in found))


@app.command()
def where(provider: ProviderArgument, *, key: KeyOption = None, environment: EnvironmentOption = None) -> None:
    """Print where a provider's key is looked for, in order, and how to rotate it."""
    described = providers.load(provider)
    rule, name = described.profile.key, described.environment(environment).name
    usual = look(rule, None)
    given = f"{key}: {_what(look(rule, key))}" if key else "not given"
    output.emit(f"{described.name}, environment {name}: the key is looked for in this order")
    output.emit(f"  1. --key env:NAME or file:PATH, key= in code: {given}")
    output.emit(f"  2. {usual.where}: {'not looked at' if key else _what(usual)}")
    output.emit(f"A key is {rule.looks_like}.")
    output.emit(_advice(look(rule, key) if key else usual))
    if rule.canary:
        output.emit(f"To try a key: callwell call {described.name} {rule.canary}")


def _what(place: Place) -> str:
    if not place.present:
        return f"nothing ({place.problem})"
    return f"there, fingerprint {place.fingerprint}, {place.problem or 'looks right'}"


def _advice(place: Place) -> str:
    if place.can_change:
        return (
            "The file is looked at once a second, and read again when the provider refuses the key: a running process "
            "takes a new key without losing a call. To rotate: make a new key at the provider, write it to a new file "
            "beside this one (mode 600), move it over this one, and delete the old key at the provider."
        )
    return (
        "An environment variable cannot change in a running process. To rotate: make a new key at the provider, set "
        "the variable, start the processes anew, and delete the old key at the provider. file:PATH needs no restart."
    )

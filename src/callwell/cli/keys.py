# SPDX-License-Identifier: Apache-2.0
"""`callwell keys`: where keys are looked for, what is there, and when they were used; their text is never shown."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import typer

from callwell.cli import output
from callwell.cli.flags import EnvironmentOption, JsonOption, KeyOption, ProviderArgument, SomeProviderArgument
from callwell.cli.key_status import KeyStatus, read_key_status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.cli.settings import Setting, Settings
    from callwell.client.keys.usage import KeyUse, KeyUseLog
    from callwell.description.provider import Provider

COLUMNS: Final = ("provider", "environment", "where", "fingerprint", "belongs_to", "clients", "last", "problem")
EARLIER: Final = "used earlier; if nobody needs it any more, delete it at the provider"

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="Where keys are looked for, what is there and when it was used, never their text.",
)


@app.command("list")
def list_(provider: SomeProviderArgument = None, *, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Print where each provider's key is, what is there, and which keys were used when.

    The use is what the state knows of the account that is set: by how many clients, and when last; --json tells the
    times in full, and the first one.
    """
    from callwell.cli.settings import Settings

    settings = Settings.here()
    output.log_to_stderr(verbose=False)
    found = [
        row
        for name in ([provider] if provider else settings.names())
        for described in [settings.load(name)]
        for environment in described.profile.environments
        for row in _known(described, settings.of(described, {"environment": environment, "key": key}))
    ]
    if as_json:
        output.emit_json(found)
        return
    for one in found:
        one["last"] = one["last"] and one["last"].partition("T")[0]
        one["problem"] = one["problem"] if one["present"] else str(one["problem"] or "–").partition(";")[0]
    output.emit_table(COLUMNS, ([one[column] for column in COLUMNS] for one in found))


@app.command()
def where(
    provider: ProviderArgument,
    *,
    key: KeyOption = None,
    environment: EnvironmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print where a provider's key is looked for, in order, and how to rotate it."""
    from callwell.cli.settings import Settings

    settings = Settings.here()
    described = settings.load(provider)
    held = settings.of(described, {"environment": environment, "key": key})
    place = read_key_status(described.profile.key, str(held["key"].value))
    name = str(held["environment"].value)
    belongs = _belongs(described, held, place) if described.environments_with_other_keys(name) else None
    order = list(_order(settings, described, name, key))
    if as_json:
        looked_at = [{"at": at, "names": names, "used": at == held["key"].where} for at, names in order]
        shown = {"provider": described.name, "environment": name, "order": looked_at, **place._asdict()}
        shown |= {"belongs_to": belongs}
        output.emit_json(shown | {"looks_like": described.profile.key.looks_like})
        return
    output.emit(f"{described.name}, environment {name}: the key is looked for in this order")
    for number, (at, names) in enumerate(order, 1):
        used = at == held["key"].where
        output.emit(f"  {number}. {at}: {f'{names}: {_what(place)}' if used else names or 'not given'}")
    if belongs is not None:
        output.emit(f"The provider has accepted it in environment {belongs}: it is refused in others.")
    output.emit(f"A key is {described.profile.key.looks_like}.")
    output.emit(_advice(place))
    if described.profile.key.canary:
        output.emit(f"To try a key: callwell call {provider} {described.profile.key.canary}")


def _known(provider: Provider, held: Mapping[str, Setting]) -> Iterator[dict[str, Any]]:
    """The key that is set, and all others that were used."""
    place = read_key_status(provider.profile.key, str(held["key"].value))
    at = {"provider": provider.name, "environment": held["environment"].value}
    with _record(provider, held) as record:
        uses = record.read_all()
        belongs = record.find_environment(place.fingerprint) if place.fingerprint else None
        if belongs not in (None, held["environment"].value):
            place = place._replace(problem=f"it is one of environment {belongs}")
        yield {**at, **place._asdict(), "belongs_to": belongs, **_times(uses.get(place.fingerprint or ""))}
        for fingerprint, use in uses.items():
            if fingerprint != place.fingerprint:
                other = KeyStatus(use.location, None, None, fingerprint, None, EARLIER)
                yield {**at, **other._asdict(), "belongs_to": record.find_environment(fingerprint), **_times(use)}


def _belongs(provider: Provider, held: Mapping[str, Setting], place: KeyStatus) -> str | None:
    with _record(provider, held) as record:
        return record.find_environment(place.fingerprint) if place.fingerprint else None


@contextmanager
def _record(provider: Provider, held: Mapping[str, Setting]) -> Iterator[KeyUseLog]:
    from callwell.cli.flags import client_options
    from callwell.cli.settings import naming_the_state
    from callwell.client.config import ClientConfig as ClientSetting

    with naming_the_state(held):
        made = ClientSetting.from_options(provider, client_options(held))
    try:
        yield made.key_uses()
    finally:
        made.close()


def _times(use: KeyUse | None) -> dict[str, Any]:
    if use is None:
        return {"clients": 0, "first": None, "last": None}
    return {"clients": use.clients, "first": _time(use.first), "last": _time(use.last)}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _order(
    settings: Settings, provider: Provider, environment: str, key: str | None
) -> Iterator[tuple[str, str | None]]:
    """Each place where the place of the key is looked for, and the place that it names."""
    yield "--key", key
    for at, said in settings.places(provider, environment, "key"):
        yield (at, None) if said is None else (said.where, str(said.value))
    yield "profile", f"env:{provider.in_environment(environment).profile.key.env}"


def _what(place: KeyStatus) -> str:
    if not place.present:
        return f"nothing ({place.problem})"
    return f"there, fingerprint {place.fingerprint}, {place.problem or 'looks right'}"


def _advice(place: KeyStatus) -> str:
    if place.can_change:
        return (
            "The file is looked at once a second, and read again when the provider refuses the key.\n"
            "To rotate without losing a call: make a new key at the provider, write it to a new file beside this one\n"
            "(mode 600), move it over this one, and delete the old key at the provider."
        )
    return (
        "An environment variable cannot change in a running process; a file can: file:PATH.\n"
        "To rotate: make a new key at the provider, set the variable, start the processes anew, and delete the old\n"
        "key at the provider."
    )

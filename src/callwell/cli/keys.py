# SPDX-License-Identifier: Apache-2.0
"""`callwell keys`: where keys are kept, whether they are present, and when they were used; never their text."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from callwell.cli import output
from callwell.cli.check import RunOption
from callwell.cli.flags import (
    EnvironmentOption,
    JsonOption,
    KeyOption,
    OptionalProviderArgument,
    ProviderArgument,
    StateOption,
)
from callwell.cli.key_digests import digests
from callwell.cli.key_reload import reload
from callwell.cli.key_rotate import rotate
from callwell.cli.key_status import KeyStatus, mask_place, read_key_status
from callwell.cli.times import format_time
from callwell.client.keys.usage import KeyUse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.cli.revoked_keys import RevocationMark
    from callwell.cli.settings import Setting, Settings
    from callwell.client.keys.usage import KeyUseLog
    from callwell.description.provider import Provider

COLUMNS: Final = ("provider", "environment", "location", "fingerprint", "belongs_to", "clients", "last", "problem")
USED_EARLIER: Final = "used earlier; delete it at the provider once no process needs it"

KeyIdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The key's fingerprint, or the beginning of it: see callwell keys list.", show_default=False
    ),
]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option("--provider", metavar="NAME", help="Only this provider. Repeatable. Default: all that have the key."),
]
UndoOption = Annotated[bool, typer.Option("--undo", help="Take the mark back.")]

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="Show where keys are kept, whether they are present and when they were used, but never their text.",
)


app.command("digests")(digests)
app.command("reload")(reload)
app.command("rotate")(rotate)


@app.command("list")
def list_(provider: OptionalProviderArgument = None, *, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """Print where each provider's key is kept, whether it is present, and when which keys were used.

    The use comes from the state, for the configured account: the number of clients and the day of the last call.
    --json prints exact times, and also the first one.
    """
    from callwell.cli.settings import Settings

    settings = Settings.discover()
    output.configure_logging(verbose=False)
    rows = [
        row
        for name in ([provider] if provider else settings.names())
        for described in [settings.load(name)]
        for environment in described.profile.environments
        for row in _keys_of(described, settings.resolve(described, {"environment": environment, "key": key}))
    ]
    if as_json:
        output.emit_json(rows)
        return
    for row in rows:
        row["last"] = row["last"] and row["last"].partition("T")[0]
        if not row["present"]:
            row["problem"] = str(row["problem"] or "–").partition(";")[0]
    output.emit_table(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))


@app.command()
def revoked(
    key_id: KeyIdArgument,
    *,
    provider: ProviderOption = None,
    undo: UndoOption = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mark a key as revoked, so that every process on the configured state stops sending it within a second.

    This does not revoke the key at the provider: do that as well, as the command says. Calls use the new key as soon
    as it is at its place; until then they fail.
    """
    from callwell.cli.revoked_keys import mark_key
    from callwell.cli.settings import Settings

    settings = Settings.discover()
    output.configure_logging(verbose=False)
    marks = mark_key(settings, provider or (), key_id, revoked=not undo, state=state)
    if as_json:
        output.emit_json(
            [
                {
                    "provider": mark.provider.name,
                    "state": mark.state,
                    "fingerprint": mark.fingerprint,
                    "revoked": None if mark.since is None else format_time(mark.since),
                    "changed": mark.changed,
                }
                for mark in marks
            ]
        )
        return
    for mark in marks:
        for line in _describe_mark(mark):
            output.emit(line)


@app.command()
def where(
    provider: ProviderArgument,
    *,
    key: KeyOption = None,
    environment: EnvironmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print where a provider's key is looked up, in order, and how to rotate the key."""
    from callwell.cli.settings import Settings

    settings = Settings.discover()
    described = settings.load(provider)
    values = settings.resolve(described, {"environment": environment, "key": key})
    status = read_key_status(described.profile.key, str(values["key"].value))
    name = str(values["environment"].value)
    belongs_to = _belongs_to(described, values, status) if described.environments_with_other_keys(name) else None
    order = list(_lookup_order(settings, described, name, key))
    if as_json:
        lookups = [{"at": at, "names": names, "used": at == values["key"].origin} for at, names in order]
        output.emit_json(
            {
                "provider": described.name,
                "environment": name,
                "order": lookups,
                **status._asdict(),
                "belongs_to": belongs_to,
                "looks_like": described.profile.key.looks_like,
            }
        )
        return
    output.emit(f"{described.name}, environment {name}: the key is looked up in this order")
    for number, (at, names) in enumerate(order, 1):
        if at == values["key"].origin:
            output.emit(f"  {number}. {at}: {names}: {_describe(status)}")
        else:
            output.emit(f"  {number}. {at}: {names or 'not set'}")
    if belongs_to is not None:
        output.emit(f"The provider has accepted this key in environment {belongs_to}; other environments refuse it.")
    output.emit(f"A key is {described.profile.key.looks_like}.")
    output.emit(_rotation_advice(status, provider))
    if described.profile.key.canary:
        output.emit(f"To test a key: callwell call {provider} {described.profile.key.canary}")


@app.command()
def drill(
    provider: ProviderArgument,
    *,
    run: RunOption = "",
    key: KeyOption = None,
    environment: EnvironmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rotate a key while a program works, on the emulator, and print what that proves.

    The program gets the emulator's address and key; your own keys are not used. Exit codes: 1 if the drill has failed,
    2 if it could not be carried out.
    """
    from callwell.cli.key_drill import run_drill

    run_drill(provider, run, {"environment": environment, "key": key}, as_json=as_json)


def _keys_of(provider: Provider, values: Mapping[str, Setting]) -> Iterator[dict[str, Any]]:
    """The configured key, all others that were used, and those that are marked as revoked."""
    status = read_key_status(provider.profile.key, str(values["key"].value))
    environment = values["environment"].value
    with _key_uses(provider, values) as key_uses:
        uses = key_uses.read_all()
        revoked = key_uses.read_revoked()
        unused = dict.fromkeys(revoked.keys() - key_uses.find_fingerprints(), KeyUse())
        statuses = [
            status,
            *(_earlier(key, use) for key, use in {**uses, **unused}.items() if key != status.fingerprint),
        ]
        for one in statuses:
            belongs_to = key_uses.find_environment(one.fingerprint) if one.fingerprint else None
            problem = one.problem
            if one is status and belongs_to not in (None, environment):
                problem = f"it belongs to environment {belongs_to}"
            since = revoked.get(one.fingerprint or "")
            if since is not None:
                problem = f"it was marked as revoked at {format_time(since)}"
            yield {
                "provider": provider.name,
                "environment": environment,
                **one._replace(problem=problem)._asdict(),
                "belongs_to": belongs_to,
                **_times(uses.get(one.fingerprint or "")),
                "revoked": None if since is None else format_time(since),
            }


def _earlier(fingerprint: str, use: KeyUse) -> KeyStatus:
    """The status of a key that is not at its place now."""
    return KeyStatus(
        location=use.location,
        present=None,
        valid=None,
        fingerprint=fingerprint,
        can_change=None,
        problem=USED_EARLIER,
    )


def _belongs_to(provider: Provider, values: Mapping[str, Setting], status: KeyStatus) -> str | None:
    """The environment in which the provider has accepted the key, as far as the state knows."""
    with _key_uses(provider, values) as key_uses:
        return key_uses.find_environment(status.fingerprint) if status.fingerprint else None


@contextmanager
def _key_uses(provider: Provider, values: Mapping[str, Setting]) -> Iterator[KeyUseLog]:
    from callwell.cli.flags import client_options
    from callwell.cli.settings import explaining_state_errors
    from callwell.client.config import ClientConfig

    with explaining_state_errors(values):
        config = ClientConfig.from_options(provider, client_options(values))
    try:
        yield config.key_uses()
    finally:
        config.close()


def _times(use: KeyUse | None) -> dict[str, Any]:
    if use is None:
        return {"clients": 0, "first": None, "last": None}
    return {"clients": use.clients, "first": format_time(use.first), "last": format_time(use.last)}


def _lookup_order(
    settings: Settings, provider: Provider, environment: str, key: str | None
) -> Iterator[tuple[str, str | None]]:
    """Each option, variable or file that may name the key source, and the source it names."""
    yield "--key", None if key is None else mask_place(key)
    for at, value in settings.sources(provider, environment, "key"):
        yield (at, None) if value is None else (value.origin, mask_place(str(value.value)))
    yield "profile", f"env:{provider.in_environment(environment).profile.key.env}"


def _describe_mark(mark: RevocationMark) -> Iterator[str]:
    """What was done about a key, and what is left to do."""
    key = f"{mark.provider.name}: key {mark.fingerprint}"
    if mark.since is None:
        yield f"{key} is {'no longer' if mark.changed else 'not'} marked as revoked in {mark.state}"
        return
    already = "" if mark.changed else f", since {format_time(mark.since)}"
    yield f"{key} is marked as revoked in {mark.state}{already}; no client on this state sends it"
    rule = mark.provider.profile.key
    steps = " ".join(text for text in (rule.page, rule.revoke) if text)
    yield f"Now revoke it at {mark.provider.profile.title} as well{f': {steps}' if steps else ''}"


def _describe(status: KeyStatus) -> str:
    if not status.present:
        return f"missing ({status.problem})"
    return f"present, fingerprint {status.fingerprint}, {status.problem or 'looks right'}"


def _rotation_advice(status: KeyStatus, provider: str) -> str:
    if status.can_change and not status.location.startswith(("file:", "dir:")):
        return (
            "It is read again in a thread before its lease ends, at callwell keys reload, and when the provider\n"
            f"refuses the key. To rotate it without losing a call: callwell keys rotate {provider}"
        )
    if status.can_change:
        return (
            "The file is checked four times a second while calls are made, and when the provider refuses the key.\n"
            f"To rotate it without losing a call: callwell keys rotate {provider}"
        )
    return (
        "An environment variable cannot change in a running process, but a file can (file:PATH).\n"
        "To rotate: create a new key at the provider, set the variable, restart the processes, and delete the old\n"
        "key at the provider."
    )

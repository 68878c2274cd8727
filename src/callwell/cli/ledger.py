# SPDX-License-Identifier: Apache-2.0
"""`callwell ledger`: list, show, settle or resume calls that are made exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from callwell.cli import output
from callwell.cli.flags import ClientFlags, JsonOption, OptionalProviderArgument, ProviderArgument, takes_client_flags
from callwell.cli.times import format_time
from callwell.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from callwell.client.exactly_once.entry import Entry
    from callwell.client.exactly_once.store import LedgerStore

COLUMNS: Final = ("provider", "environment", "operation", "name", "status", "began")

EntryArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The name of a call, as `callwell ledger list` prints it.", show_default=False),
]

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="List, show, settle or resume exactly-once calls; their outcome may be unknown.",
)


@app.command("list")
@takes_client_flags
def list_(
    provider: OptionalProviderArgument = None,
    *,
    settled: Annotated[bool, typer.Option("--all", help="Also list settled calls that are still remembered.")] = False,
    as_json: JsonOption = False,
    flags: ClientFlags,
) -> None:
    """Print the calls with an unknown outcome."""
    from callwell.cli.settings import Settings

    names = [provider] if provider else Settings.discover().names()
    entries = [entry for name in names for ledger in _ledgers(flags, name) for entry in ledger.entries()]
    rows = [_to_row(entry) for entry in entries if settled or not entry.settled]
    if as_json:
        output.emit_json(rows)
        return
    for row in rows:
        row["began"] = row["began"].replace("T", " ").rstrip("Z")
    table = ([row[column] for column in COLUMNS] for row in rows)
    output.emit_table(COLUMNS, table, empty="no call has an unknown outcome")


@app.command()
@takes_client_flags
def show(provider: ProviderArgument, name: EntryArgument, *, flags: ClientFlags) -> None:
    """Print one call as JSON: what was sent, when, and how to find out whether it was carried out."""
    with _ledger(flags, provider) as ledger:
        entry = ledger.get(name)
    output.emit_json({**_to_row(entry), "how": _advice(entry)})


@app.command()
@takes_client_flags
def settle(
    provider: ProviderArgument,
    name: EntryArgument,
    *,
    done: Annotated[
        bool | None,
        typer.Option("--done/--not-done", help="Whether the provider has carried it out.", show_default=False),
    ] = None,
    flags: ClientFlags,
) -> None:
    """Record whether a call was carried out, after you have checked with the provider."""
    if done is None:
        raise UsageError("callwell ledger settle needs --done or --not-done")
    with _ledger(flags, provider) as ledger:
        output.emit_json(_to_row(ledger.settle(name, done=done)))


@app.command()
@takes_client_flags
def resume(provider: ProviderArgument, name: EntryArgument, *, flags: ClientFlags) -> None:
    """Find out whether a call was carried out, make it if it was not, and print its result as JSON.

    A lost request may still reach the provider for a minute and a half, so this can take that long. --deadline sets a
    limit.
    """
    with flags.client(provider, priority="batch") as client:
        output.emit_json(client.ledger.resume(name))


def _ledgers(flags: ClientFlags, provider: str) -> Iterator[LedgerStore]:
    """The ledgers of all environments, or of the selected one."""
    from callwell.cli.settings import Settings

    described = Settings.discover().load(provider)
    environments = [flags.environment] if flags.environment else described.profile.environments
    for environment in environments:
        with flags.ledger(provider, environment) as ledger:
            yield ledger


def _ledger(flags: ClientFlags, provider: str) -> AbstractContextManager[LedgerStore]:
    return flags.ledger(provider, flags.environment)


def _to_row(entry: Entry) -> dict[str, Any]:
    return {
        "provider": entry.provider,
        "environment": entry.environment,
        "operation": entry.operation,
        "name": entry.name,
        "status": str(entry.status),
        "began": format_time(entry.began),
        "changed": format_time(entry.changed),
        "sent": entry.sent,
        "arguments": entry.arguments,
        "marker": entry.marker,
        "attempts": 0 if entry.call is None else entry.call.attempts,
        "object_key": entry.object_key,
    }


def _advice(entry: Entry) -> str:
    if entry.settled:
        return f"nothing to do: it is {entry.status}"
    target = f"{entry.provider} {entry.name!r}"
    if entry.marker:
        return f"callwell ledger resume {target}"
    check = f"check with the provider whether {entry.sent} was carried out"
    return f"{check}; then run: callwell ledger settle {target} --done (or --not-done)"

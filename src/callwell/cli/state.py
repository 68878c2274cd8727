# SPDX-License-Identifier: Apache-2.0
"""`callwell state`: show what a state holds, drop what is old, or bring its schema up to date."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from callwell.cli import output, state_leases
from callwell.cli.flags import JsonOption, StateOption
from callwell.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.state.postgres import PostgresState
    from callwell.state.sqlite import SqliteState
    from callwell.state.stored_records import StoredRecord

COLUMNS: Final = ("kind", "records", "bytes", "oldest", "newest")

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="Show what a state holds, drop what is old, or bring its schema up to date.",
)


@app.command()
def show(*, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Print what a state holds: its schema, its records by kind, and which process holds which permits.

    Ages are since a record was written. Permits are free (for whoever asks next), cooling (used), held by processes, or
    set aside for what others have spent. When a lease has ended, its permits become free without its process.
    """
    with _opened(state) as opened:
        entries = opened.entries()
        kinds = _count_by_kind(entries, time.time() if opened.server_wall is None else opened.server_wall)
        accounts = state_leases.read_accounts(opened, [entry.key for entry in entries])
        found = {"state": opened.name, "schema": opened.schema.version, "kinds": kinds}
    if as_json:
        output.emit_json({**found, "accounts": state_leases.to_json(accounts)})
        return
    output.emit(f"{found['state']}: schema {found['schema']}\n")
    rows = [[*(kind[column] for column in COLUMNS[:3]), *map(_age, (kind["oldest"], kind["newest"]))] for kind in kinds]
    output.emit_table(COLUMNS, rows, empty="it holds nothing yet")
    state_leases.emit(accounts)


@app.command()
def prune(*, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Drop settled calls and remembered results that are older than 90 days, and the oldest of very many.

    Clients do the same now and then. Records of quotas, keys and unsettled calls stay.
    """
    from callwell.cli.flags import clock
    from callwell.client.exactly_once.store import LedgerStore
    from callwell.client.result_cache import ResultCache

    with _opened(state) as opened:
        before = len(opened.entries())
        for account in _accounts(opened.keys("once-old:")):
            LedgerStore(account, opened, clock()).sweep()
        for account in _accounts(opened.keys("remember-old:")):
            ResultCache(account, opened, clock()).sweep()
        found = {"state": opened.name, "dropped": before - len(opened.entries())}
    if as_json:
        output.emit_json(found)
    else:
        output.emit(f"{found['state']}: {found['dropped']:,} records dropped")


@app.command()
def migrate(*, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Bring a state's schema up to date, and print its version.

    Clients do the same when they open a state. Run this as the owner of a database where they have no right to.
    """
    with _opened(state) as opened:
        found = {"state": opened.name, "schema": opened.schema.version, "needs": opened.schema.needs}
    if as_json:
        output.emit_json(found)
    else:
        output.emit(f"{found['state']}: schema {found['schema']}, usable by code that knows {found['needs']} or newer")


@contextmanager
def _opened(url: str | None) -> Iterator[SqliteState | PostgresState]:
    """The state in use, or the one that the command names."""
    from callwell.cli.settings import Settings
    from callwell.state import MemoryState, open_state

    output.configure_logging(verbose=False)
    opened: Any = open_state(url or str(Settings.discover().general("state").value))
    if isinstance(opened, MemoryState):
        raise UsageError("the state is memory:, which ends with its process: name another (--state sqlite:///PATH)")
    try:
        yield opened
    finally:
        opened.close()


def _count_by_kind(entries: Iterable[StoredRecord], now: float) -> list[dict[str, Any]]:
    """Number, size and ages of the records of each kind: what a key says before its first `:`."""
    by_kind: dict[str, list[StoredRecord]] = {}
    for entry in entries:
        by_kind.setdefault(entry.key.partition(":")[0], []).append(entry)
    return [_count(kind, records, now) for kind, records in sorted(by_kind.items())]


def _count(kind: str, records: list[StoredRecord], now: float) -> dict[str, Any]:
    ages = [max(0.0, now - record.changed_at) for record in records if record.changed_at is not None]
    return {
        "kind": kind,
        "records": len(records),
        "bytes": sum(record.size for record in records),
        "oldest": max(ages, default=None),
        "newest": min(ages, default=None),
    }


def _accounts(keys: Iterable[str]) -> list[str]:
    """The accounts in keys of the form `kind:account:time:digest`; an account's name may have a `:`."""
    return sorted({key.partition(":")[2].rsplit(":", maxsplit=2)[0] for key in keys})


def _age(seconds: float | None) -> str | None:
    return None if seconds is None else state_leases.format_span(seconds)

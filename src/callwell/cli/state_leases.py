# SPDX-License-Identifier: Apache-2.0
"""Prints which process holds which permits of an account, for `callwell state show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.core.quota.lease_status import FleetStatus, HeldQuota, HolderStatus, QuotaStatus, UndocumentedStatus
    from callwell.state.postgres import PostgresState
    from callwell.state.sqlite import SqliteState

PREFIX: Final = "fleet:"
"""What the keys of these records begin with."""

UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))

QUOTA_COLUMNS: Final = ("quota", "limit", "free", "cooling", "held", "set aside", "throttled")
HOLDER_COLUMNS: Final = ("process", "quota", "permits", "in flight", "needs", "lease ends")


def format_span(seconds: float) -> str:
    """Format a number of seconds in the largest unit that it fills."""
    for unit_s, unit in UNITS:
        if seconds >= unit_s:
            return f"{seconds / unit_s:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"


def read_accounts(state: SqliteState | PostgresState, keys: Iterable[str]) -> dict[str, FleetStatus]:
    """The state of each account that a fleet shares, by its name.

    Args:
        state: the state, just after it has read its entries.
        keys: of its records.
    """
    from callwell.cli.flags import clock
    from callwell.clock import boot_id
    from callwell.core.quota.lease_records import FleetRecord
    from callwell.core.quota.lease_status import status
    from callwell.core.quota.store_time import ClockReading
    from callwell.state.base import Cell

    own = clock()
    server_wall = state.server_wall
    found = {}
    for key in keys:
        if key.startswith(PREFIX):
            record = state.read(Cell(key, FleetRecord, FleetRecord()))
            clocks = ClockReading(f"{boot_id()} {own}", own.now(), own.wall(), server_wall)
            found[key.removeprefix(PREFIX)] = status(record, clocks)
    return found


def to_json(accounts: dict[str, FleetStatus]) -> list[dict[str, Any]]:
    """The accounts as JSON."""
    from msgspec import to_builtins

    return [{"account": name, **to_builtins(account)} for name, account in accounts.items()]


def emit(accounts: dict[str, FleetStatus]) -> None:
    """Print the accounts: where the permits of each quota are, and who has them."""
    for name, account in accounts.items():
        output.emit(f"\n{name}{_describe_problem(account)}\n")
        output.emit_table(QUOTA_COLUMNS, [*map(_quota, account.quotas), *map(_undocumented, account.undocumented)])
        output.emit("")
        rows = [row for holder in account.holders for row in _rows(holder)]
        output.emit_table(HOLDER_COLUMNS, rows, empty="no process holds permits")


def _describe_problem(account: FleetStatus) -> str:
    if account.breaker == "open":
        return f": failures in a row, no requests for {account.breaker_open_s:.0f} s"
    return ": failures in a row, one request tries the provider" if account.breaker == "half-open" else ""


def _quota(quota: QuotaStatus) -> list[Any]:
    limit = f"{quota.limit:,} in {format_span(quota.window_s)}"
    set_aside = quota.spent_by_others + quota.withheld
    return [quota.quota, limit, quota.free, quota.cooling, quota.held, set_aside or None, _for(quota.throttled_s)]


def _undocumented(quota: UndocumentedStatus) -> list[Any]:
    limit = f"found: {quota.rate:.3g} a second, {quota.limit} at once"
    return [quota.quota, limit, max(0, quota.limit - quota.held), None, quota.held, None, _for(quota.throttled_s)]


def _rows(holder: HolderStatus) -> Iterator[list[Any]]:
    for hand in holder.hands:
        yield [holder.process, hand.quota, hand.permits, hand.in_flight, hand.needs, _ends(holder, hand)]


def _ends(holder: HolderStatus, hand: HeldQuota) -> str:
    if holder.ends_in_s > 0.0:
        return f"in {format_span(holder.ends_in_s)}"
    return f"has ended: free in {format_span(hand.free_in_s)}"


def _for(seconds: float) -> str | None:
    return f"for {format_span(seconds)}" if seconds else None

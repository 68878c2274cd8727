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

FLEET_KEY_PREFIX: Final = "fleet:"
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
        state: the state. Its `server_wall` must be fresh, so read its entries just before.
        keys: the keys of its records.
    """
    from callwell.cli.flags import clock
    from callwell.clock import boot_id
    from callwell.core.quota.lease_records import FleetRecord
    from callwell.core.quota.lease_status import status
    from callwell.core.quota.store_time import ClockReading
    from callwell.state.base import Cell

    machine_clock = clock()
    server_wall = state.server_wall
    found = {}
    for key in keys:
        if key.startswith(FLEET_KEY_PREFIX):
            record = state.read(Cell(key, FleetRecord, FleetRecord()))
            clocks = ClockReading(
                f"{boot_id()} {machine_clock}", machine_clock.now(), machine_clock.wall(), server_wall
            )
            found[key.removeprefix(FLEET_KEY_PREFIX)] = status(record, clocks)
    return found


def to_json(accounts: dict[str, FleetStatus]) -> list[dict[str, Any]]:
    """The accounts as JSON."""
    from msgspec import to_builtins

    return [{"account": name, **to_builtins(account)} for name, account in accounts.items()]


def emit(accounts: dict[str, FleetStatus]) -> None:
    """Print the accounts: where the permits of each quota are, and who has them."""
    for name, account in accounts.items():
        output.emit(f"\n{name}{_describe_problem(account)}\n")
        output.emit_table(
            QUOTA_COLUMNS, [*map(_quota_row, account.quotas), *map(_undocumented_row, account.undocumented)]
        )
        output.emit("")
        rows = [row for holder in account.holders for row in _holder_rows(holder)]
        output.emit_table(HOLDER_COLUMNS, rows, empty="no process holds permits")


def _describe_problem(account: FleetStatus) -> str:
    if account.breaker == "open":
        return f": failures in a row, no requests for {account.breaker_open_s:.0f} s"
    return ": failures in a row, one request tries the provider" if account.breaker == "half-open" else ""


def _quota_row(quota: QuotaStatus) -> list[Any]:
    limit = f"{quota.limit:,} in {format_span(quota.window_s)}"
    set_aside = quota.spent_by_others + quota.withheld
    return [
        quota.quota,
        limit,
        quota.free,
        quota.cooling,
        quota.held,
        set_aside or None,
        _format_throttled(quota.throttled_s),
    ]


def _undocumented_row(quota: UndocumentedStatus) -> list[Any]:
    limit = f"found: {quota.rate:.3g} a second, {quota.limit} at once"
    return [
        quota.quota,
        limit,
        max(0, quota.limit - quota.held),
        None,
        quota.held,
        None,
        _format_throttled(quota.throttled_s),
    ]


def _holder_rows(holder: HolderStatus) -> Iterator[list[Any]]:
    for held in holder.hands:
        yield [holder.process, held.quota, held.permits, held.in_flight, held.needs, _lease_end(holder, held)]


def _lease_end(holder: HolderStatus, held: HeldQuota) -> str:
    if holder.ends_in_s > 0.0:
        return f"in {format_span(holder.ends_in_s)}"
    return f"ended; permits free in {format_span(held.free_in_s)}"


def _format_throttled(seconds: float) -> str | None:
    return f"for {format_span(seconds)}" if seconds else None

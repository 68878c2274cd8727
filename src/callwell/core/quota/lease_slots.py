# SPDX-License-Identifier: Apache-2.0
"""Slots of undocumented quotas: the pool finds the rate, and hands out the right to send single requests.

The pool's `AdaptiveQuota` says how fast requests may go and how many may be in flight. A holder gets slots, which then
count as in flight, and reports the end of each request. A slot is used once.
"""

from __future__ import annotations

from math import ceil, floor, inf
from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.core.quota import adaptive
from callwell.core.quota.bins import add, remove
from callwell.core.quota.fair_share import water_level
from callwell.core.quota.holder_needs import HORIZON_S
from callwell.core.quota.lease_records import SlotGrant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.core.quota.adaptive import AdaptiveQuota
    from callwell.core.quota.lease_records import Lease, Report


def lease_bin(lease: Lease) -> int:
    """The bin in which the slots of a lease expire."""
    return adaptive.expiry_bin(lease.expires_at)


def remove_slots(state: AdaptiveQuota, lease: Lease | None, name: str) -> AdaptiveQuota:
    """A quota without the slots of a lease, including those that its holder keeps, which get a new expiry.

    Args:
        state: the quota.
        lease: the holder's lease, before the exchange.
        name: the quota's name.
    """
    held = lease.slots.get(name, 0) if lease is not None else 0
    left = remove(state.held, lease_bin(lease), held) if lease is not None and held else state.held
    return replace(state, held=state.held if left is None else left)


def hand_out(
    state: AdaptiveQuota, lease: Lease, others: Sequence[Lease], need: int, name: str
) -> tuple[AdaptiveQuota, SlotGrant]:
    """A quota after slots were handed out to a holder, with all its slots held until its lease ends.

    Args:
        state: the quota, without the holder's slots.
        lease: the holder's lease.
        others: the leases of other holders with fresh needs.
        need: slots that the holder needs.
        name: the quota's name.
    """
    now = lease.exchanged_at
    kept = lease.slots.get(name, 0)
    room = int(state.limit) - adaptive.in_flight(state) - kept
    at = max(now, state.paused_until, state.next_at, state.trial_until)
    in_time = floor((now + HORIZON_S - at) * state.rate) + 1 if at <= now + HORIZON_S else 0
    if state.refusals > 1:
        in_time = min(1, in_time)
    offered = max(0, min(room, in_time))
    level = water_level([need, *[other.needs.get(name, 0) for other in others]], offered)
    n = min(need, offered) if level == inf else min(need, ceil(level), offered)
    first_in_s = max(state.paused_until, state.next_at, now) - now
    expires_at = lease.expires_at
    if kept:
        state = replace(state, held=add(state.held, lease_bin(lease), kept))
    for _ in range(n):
        state = adaptive.acquire(state, now, expires_at, expires_at - now)
    grant = SlotGrant(
        slots=n,
        next_in_s=first_in_s,
        rate=state.rate,
    )
    return state, grant


def slot_need(state: AdaptiveQuota, report: Report, name: str) -> int:
    """Slots that a holder needs in addition to those that it has.

    Args:
        state: the quota.
        report: of the holder.
        name: the quota's name.
    """
    needs = [need for need in report.needs if name in need.names]
    # The single request that tests whether a refusal is over is not kept for a possible later caller.
    wanted = sum([need.waiting if state.refusals > 1 else need.permits for need in needs])
    return max(0, wanted - report.unused.get(name, 0))

# SPDX-License-Identifier: Apache-2.0
"""Store time: one clock for all processes that share a record, which is never faster than true time.

A lease says when a permit is cool, so its holders need a common clock. Machines have none: monotonic clocks of two
boots count from different moments, and any time of day may be set, even by a day, forwards or backwards. So the record
keeps its own time, in seconds. It advances only when the record is changed, and then by the **minimum** that the
witnesses report::

    who asks                         witnesses of how much time has passed since the last change
    the boot that changed it last    its monotonic clock alone
    another boot, seen before        the shared time of day, and its monotonic clock since its own anchor
    a boot that was never seen       the shared time of day, and its own

The *shared* time of day is the server's, or the machine's for a record in a file. An *anchor* is a simultaneous reading
of store time, a boot's monotonic time, and the shared time of day. Since then, store time cannot have advanced further
than the monotonic clock.

A changed time of day is detected by a boot whose clock contradicts it: since its anchor, or since its own last change,
the two have not advanced equally. Then nobody can tell how long ago the changes of others were, so its change does not
advance store time unless it also made the last one, and neither does the next change of every other boot, which makes a
new anchor. That costs one round of exchanges, once. Lagging store time is not a contradiction: it only makes the anchor
a weaker witness. Slow is always safe, since permits come back late, except for times up to a reset, which a slow clock
makes too long: so those are forgotten then (`stepped`).

Clocks are read one after the other and run at different rates, so a difference of up to `TOLERANCE_S` since an anchor
counts as agreement. A time of day that was set by less than that, before a change, and set back after it, goes
unnoticed: between two changes store time is ahead by at most `doubt_s`, and permits that cool in store time cool for
that much longer. If one boot makes all changes, there is no doubt.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

ANCHOR_S: Final = 30.0
"""Seconds after which a boot's anchor is renewed, so that little can differ since."""

TOLERANCE_S: Final = 0.02 + 1e-3 * ANCHOR_S
"""Seconds that two clocks may differ since an anchor: a query usually takes less than 20 ms, and a time of day and a
monotonic clock are each off by at most 500 ppm."""

MAX_ANCHORS: Final = 256
"""Anchors that are kept; with more machines than this some count as new, which costs only time."""


class ClockReading(Struct, frozen=True):
    """The clock readings during a change of the record.

    Attributes:
        boot: the boot and clock that the monotonic seconds belong to.
        monotonic: monotonic seconds.
        wall: this machine's time of day, in seconds since the epoch.
        server_wall: the server's time of day; None where the state has no server.
    """

    boot: str
    monotonic: float
    wall: float
    server_wall: float | None = None


class Anchor(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A simultaneous reading of a boot's clock and the record's time. Stored by position.

    Attributes:
        at: store time; infinite if a clock was set since this boot last changed the record.
        monotonic: the boot's monotonic seconds.
        shared: the shared time of day.
    """

    at: float
    monotonic: float
    shared: float = 0.0


class StoreTime(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The time of a record. Stored by position.

    Attributes:
        at: store time of the last change.
        boot: the boot that made it.
        monotonic: that boot's monotonic seconds.
        wall: that machine's time of day.
        server_wall: the server's time of day, if it has one.
        anchors: by boot, newest last.
        doubt_s: how far store time may have run ahead between two changes.
    """

    at: float = 0.0
    boot: str = ""
    monotonic: float = 0.0
    wall: float = 0.0
    server_wall: float | None = None
    anchors: dict[str, Anchor] = {}
    doubt_s: float = 0.0


def advance(time: StoreTime, clocks: ClockReading) -> tuple[StoreTime, bool]:
    """Store time at a change of the record.

    Args:
        time: of the last change.
        clocks: the clock readings.

    Returns:
        Store time, and whether time may have been lost: a clock was set, or a machine was rebooted.
    """
    if not time.boot:
        return _with_anchor(time, clocks, time.at, time.anchors), False
    shared_s = _shared_wall(clocks) - _shared_wall(time)
    if clocks.boot == time.boot and clocks.monotonic >= time.monotonic:
        elapsed_s = clocks.monotonic - time.monotonic
        anchors = time.anchors
        if len(anchors) > 1 and abs(shared_s - elapsed_s) > TOLERANCE_S + 1e-3 * elapsed_s:
            anchors = _distrust_all(anchors)
        return _with_anchor(time, clocks, time.at + elapsed_s, anchors), False
    anchor = time.anchors.get(clocks.boot)
    if anchor is not None and anchor.at == inf:
        return _with_anchor(time, clocks, time.at, time.anchors), True
    if anchor is not None and clocks.monotonic < anchor.monotonic:
        # If boots have no name, this is another one.
        anchor = None
    if anchor is None:
        elapsed_s = min(shared_s, clocks.wall - time.wall)
        stepped = abs(shared_s - (clocks.wall - time.wall)) > TOLERANCE_S
    else:
        own_s = clocks.monotonic - anchor.monotonic
        elapsed_s = min(shared_s, anchor.at + own_s - time.at)
        stepped = abs(_shared_wall(clocks) - anchor.shared - own_s) > TOLERANCE_S + 1e-3 * max(0.0, own_s - ANCHOR_S)
    if stepped or shared_s < 0.0:
        return _with_anchor(time, clocks, time.at, _distrust_all(time.anchors)), True
    moved = _with_anchor(time, clocks, time.at + max(0.0, elapsed_s), time.anchors)
    return replace(moved, doubt_s=2.0 * TOLERANCE_S), anchor is None


def _shared_wall(seen: StoreTime | ClockReading) -> float:
    """The time of day that all processes share."""
    return seen.wall if seen.server_wall is None else seen.server_wall


def _distrust_all(anchors: dict[str, Anchor]) -> dict[str, Anchor]:
    """Anchors that no longer count as witnesses."""
    return {boot: replace(anchor, at=inf) for boot, anchor in anchors.items()}


def _with_anchor(time: StoreTime, clocks: ClockReading, at: float, anchors: dict[str, Anchor]) -> StoreTime:
    """The time of a change, with an anchor for the boot that makes it."""
    known = anchors.get(clocks.boot)
    is_good = known is not None and known.at <= at < known.at + ANCHOR_S and known.monotonic <= clocks.monotonic
    if not is_good:
        others = [(boot, anchor) for boot, anchor in anchors.items() if boot != clocks.boot]
        anchors = dict(others[1 - MAX_ANCHORS :])
        anchors[clocks.boot] = Anchor(at, clocks.monotonic, _shared_wall(clocks))
    return replace(
        time,
        at=at,
        boot=clocks.boot,
        monotonic=clocks.monotonic,
        wall=clocks.wall,
        server_wall=clocks.server_wall,
        anchors=anchors,
    )

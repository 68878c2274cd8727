# SPDX-License-Identifier: Apache-2.0
"""Store time: one clock for all who share a record, which is never faster than true time.

A lease says when a permit is cool, so its holders need one clock. Machines have none in common: monotonic clocks of two
boots count from different moments, and any time of day may be set, by a day, forwards or backwards. So the record keeps
a time of its own, in seconds. It moves only when the record is changed, and then by the **least** that witnesses say::

    who asks                         witnesses of how much time has passed since the last change
    the boot that changed it last    its monotonic clock alone
    another boot, seen before        the shared time of day, and its monotonic clock since its own anchor
    a boot that was never seen       the shared time of day, and its own

The *shared* time of day is the server's; a record in a file has none, and there it is the machine's. An *anchor* is a
pair of store time and a boot's monotonic time: from it on, store time can have moved no further than that clock.

A time of day that is set backwards stops store time for one change, and what was set is found out: a witness
contradicts the others. From then on nobody can tell how long ago changes of others were, so every other boot's next
change moves nothing and makes a new anchor. Slow is always safe: permits come back late. It is not safe for what a
slow clock makes too long, the time up to a reset: so those are forgotten then (`stepped`).

Witnesses are read one after the other, so they may differ by `SLACK_S` and agree. Store time may therefore lag an
anchor by as much, and run ahead of it by as much: between two changes it is ahead by `doubt_s` at most, and what cools
in store time cools for so much longer. Where one boot makes all changes there is no doubt.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

SLACK_S: Final = 0.02
"""Seconds by which two clocks that are read one after the other may differ: a query takes less as a rule."""

ANCHOR_S: Final = 600.0
"""Seconds after which a boot's anchor is made anew, so that clocks that differ by 30 ppm stay within the slack."""

MAX_ANCHORS: Final = 256
"""Anchors that are kept; of more machines than this some are taken for new ones, which costs time and nothing else."""


class Evidence(Struct, frozen=True):
    """What the clocks say at a change of the record, read within it.

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
    """A moment that a boot and the record have in common. Stored by position.

    Attributes:
        at: store time; infinite if a clock was set since the boot was last seen.
        monotonic: monotonic seconds of the boot.
    """

    at: float
    monotonic: float


class StoreTime(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The time of a record. Stored by position.

    Attributes:
        at: store time of the last change.
        boot: the boot that made it.
        monotonic: that boot's monotonic seconds.
        wall: that machine's time of day.
        server_wall: the server's time of day, if it has one.
        anchors: by boot, the newest last.
        doubt_s: by how much store time may have run ahead between two changes.
    """

    at: float = 0.0
    boot: str = ""
    monotonic: float = 0.0
    wall: float = 0.0
    server_wall: float | None = None
    anchors: dict[str, Anchor] = {}
    doubt_s: float = 0.0


def advance(time: StoreTime, evidence: Evidence) -> tuple[StoreTime, bool]:
    """Store time at a change of the record.

    Args:
        time: of the last change.
        evidence: what the clocks say.

    Returns:
        Store time, and whether time may have been lost: a clock was set, or a machine began anew.
    """
    if not time.boot:
        return _anchored(time, evidence, time.at, time.anchors), False
    if evidence.boot == time.boot and evidence.monotonic >= time.monotonic:
        return _anchored(time, evidence, time.at + (evidence.monotonic - time.monotonic), time.anchors), False
    shared_s = _shared_elapsed_s(time, evidence)
    anchor = time.anchors.get(evidence.boot)
    if anchor is not None and evidence.monotonic < anchor.monotonic:
        anchor = None
    if anchor is not None and anchor.at == inf:
        return _anchored(time, evidence, time.at, time.anchors), True
    own_s = evidence.wall - time.wall
    if anchor is not None:
        own_s = anchor.at + (evidence.monotonic - anchor.monotonic) - time.at
    stepped = shared_s < 0.0 or abs(shared_s - own_s) > SLACK_S
    anchors = time.anchors
    if stepped and anchor is not None:
        anchors = {boot: Anchor(inf, known.monotonic) for boot, known in anchors.items() if boot != evidence.boot}
    slack_s = 0.0 if stepped or anchor is None else SLACK_S
    elapsed_s = max(0.0, min(shared_s, own_s + slack_s))
    moved = _anchored(time, evidence, time.at + elapsed_s, anchors)
    return replace(moved, doubt_s=2.0 * SLACK_S), stepped or anchor is None


def _shared_elapsed_s(time: StoreTime, evidence: Evidence) -> float:
    """Seconds since the last change by the time of day that all have in common."""
    if time.server_wall is None or evidence.server_wall is None:
        return evidence.wall - time.wall
    return evidence.server_wall - time.server_wall


def _anchored(time: StoreTime, evidence: Evidence, at: float, anchors: dict[str, Anchor]) -> StoreTime:
    """The time of a change, with an anchor of the boot that makes it."""
    known = anchors.get(evidence.boot)
    is_good = known is not None and known.at <= at < known.at + ANCHOR_S and known.monotonic <= evidence.monotonic
    if not is_good:
        others = [(boot, anchor) for boot, anchor in anchors.items() if boot != evidence.boot]
        anchors = dict(others[1 - MAX_ANCHORS :])
        anchors[evidence.boot] = Anchor(at, evidence.monotonic)
    return replace(
        time,
        at=at,
        boot=evidence.boot,
        monotonic=evidence.monotonic,
        wall=evidence.wall,
        server_wall=evidence.server_wall,
        anchors=anchors,
    )

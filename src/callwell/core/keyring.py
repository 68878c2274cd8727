# SPDX-License-Identifier: Apache-2.0
"""Which key now: a ring of generations, known by their fingerprints only.

::

    offer ──> STAGED ──confirm──> ACTIVE ──a younger one is confirmed──> DRAINING ──last use ended──> RETIRED
               │   ^                │ reject                               │ reject
        reject │   │ retry          └──────> RETIRED (dead)                └──────> RETIRED
               v   │
              ASIDE: refused, while an older key is active

A new key is staged and tried by the provider's canary, or where it has none by one call at a time; all others go on
with the active key. If the new key is refused, it is put aside and nothing else has happened: perhaps the provider does
not know it yet, so it is tried again later (`retry`). If the active key is refused, the one that was staged or put
aside is used by all; if there is none, the ring has no key until its source gives one: `current` is None and calls
wait. A later call may try the newest key once more (`revive`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Standing(StrEnum):
    """What a key is to its ring."""

    STAGED = "staged"
    ASIDE = "aside"
    ACTIVE = "active"
    DRAINING = "draining"
    RETIRED = "retired"


class Held(NamedTuple):
    """One key.

    Attributes:
        generation: grows with every new key; the first is 0.
        fingerprint: by which its text is found.
        standing: what it is to the ring.
        uses: calls that have it in hand.
    """

    generation: int
    fingerprint: str
    standing: Standing
    uses: int = 0


NOBODY = Held(-1, "", Standing.RETIRED)


class Ring(NamedTuple):
    """The keys of one provider and environment, oldest first; retired ones are kept to be recognised."""

    keys: tuple[Held, ...] = ()


NEW = (Standing.STAGED, Standing.ASIDE)
"""The standings of a key that the provider has not accepted, while an older one is active."""

KEPT = 8
"""Retired keys that a ring remembers."""


def offer(ring: Ring, fingerprint: str) -> Ring:
    """The ring after a source gave a key; nothing changes if it is the newest one already.

    Args:
        ring: the ring.
        fingerprint: of the key that the source has now.
    """
    if ring.keys and ring.keys[-1].fingerprint == fingerprint:
        return ring
    generation = ring.keys[-1].generation + 1 if ring.keys else 0
    others = tuple(_retire(key) if key.standing in NEW else key for key in ring.keys)
    standing = Standing.STAGED if _find(ring, Standing.ACTIVE) else Standing.ACTIVE
    return _swept(Ring((*others, Held(generation, fingerprint, standing))))


def current(ring: Ring, *, canary: bool = False) -> Held | None:
    """The key that the next call uses, or None while there is none that could work.

    Args:
        ring: the ring.
        canary: a new key is tried by a request of its own, and never by a call while there is an active one.
    """
    if ring.keys and ring.keys[-1].standing is Standing.ACTIVE:
        return ring.keys[-1]
    staged = _find(ring, Standing.STAGED)
    active = _find(ring, Standing.ACTIVE)
    if staged is not None and (active is None or (staged.uses == 0 and not canary)):
        return staged
    return active


def untried(ring: Ring) -> Held | None:
    """A new key that is to be tried while an older one is active, if there is one."""
    return _find(ring, Standing.STAGED) if _find(ring, Standing.ACTIVE) else None


def on_trial(ring: Ring, generation: int) -> bool:
    """Whether a key is new, and an older one that the provider has accepted could be used in its place."""
    found = next((key for key in ring.keys if key.generation == generation), NOBODY)
    return found.standing in NEW and _find(ring, Standing.ACTIVE) is not None


def lend(ring: Ring, generation: int) -> Ring:
    """The ring after a call has taken a key in hand."""
    if ring.keys and ring.keys[-1].generation == generation:
        return used(ring, 1)
    return _change(ring, generation, lambda key: key._replace(uses=key.uses + 1))


def used(ring: Ring, more: int) -> Ring:
    """The ring after its newest key was taken in hand that many times more than it was put back."""
    generation, fingerprint, standing, uses = ring.keys[-1]
    return Ring((*ring.keys[:-1], Held(generation, fingerprint, standing, uses + more)))


def settle(ring: Ring, generation: int) -> Ring:
    """The ring after a call has put a key back."""
    newest = ring.keys[-1] if ring.keys else NOBODY
    if newest.generation == generation and newest.standing is Standing.ACTIVE and newest.uses:
        return used(ring, -1)
    return _swept(_change(ring, generation, lambda key: key._replace(uses=max(0, key.uses - 1))))


def confirm(ring: Ring, generation: int) -> Ring:
    """The ring after the provider has accepted a key: a staged one becomes active, the one before drains."""
    if not any(key.generation == generation and key.standing in NEW for key in ring.keys):
        return ring
    drained = tuple(
        key._replace(standing=Standing.DRAINING) if key.standing is Standing.ACTIVE else key for key in ring.keys
    )
    return _swept(_change(Ring(drained), generation, lambda key: key._replace(standing=Standing.ACTIVE)))


def reject(ring: Ring, generation: int) -> Ring:
    """The ring after the provider has refused a key. A new key takes the place of a dead active one."""
    if on_trial(ring, generation):
        return _change(ring, generation, lambda key: key._replace(standing=Standing.ASIDE))
    rejected = _change(ring, generation, _retire)
    newer = _find(rejected, Standing.STAGED) or _find(rejected, Standing.ASIDE)
    if newer is None or _find(rejected, Standing.ACTIVE):
        return rejected
    return _change(rejected, newer.generation, lambda key: key._replace(standing=Standing.ACTIVE))


def retry(ring: Ring) -> Ring:
    """The ring with the key staged once more that was put aside."""
    aside = _find(ring, Standing.ASIDE)
    if aside is None:
        return ring
    return _change(ring, aside.generation, lambda key: key._replace(standing=Standing.STAGED))


def revive(ring: Ring) -> Ring:
    """The ring with its newest key staged once more, if no key could work: a disabled key may have been enabled."""
    if not ring.keys or current(ring) is not None:
        return ring
    return Ring((*ring.keys[:-1], ring.keys[-1]._replace(standing=Standing.STAGED)))


def _retire(key: Held) -> Held:
    return key._replace(standing=Standing.RETIRED)


def _find(ring: Ring, standing: Standing) -> Held | None:
    return next((key for key in reversed(ring.keys) if key.standing is standing), None)


def _change(ring: Ring, generation: int, change: Callable[[Held], Held]) -> Ring:
    return Ring(tuple(change(key) if key.generation == generation else key for key in ring.keys))


def _swept(ring: Ring) -> Ring:
    keys = tuple(_retire(k) if k.standing is Standing.DRAINING and not k.uses else k for k in ring.keys)
    spent = [k.generation for k in keys if k.standing is Standing.RETIRED and not k.uses]
    forgotten = set(spent[:-KEPT])
    return Ring(tuple(k for k in keys if k.generation not in forgotten)) if forgotten else Ring(keys)

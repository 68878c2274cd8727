# SPDX-License-Identifier: Apache-2.0
"""Which key now: a ring of generations, known by their fingerprints only.

::

    offer ──> STAGED ──accept──> ACTIVE ──a younger one is confirmed──> DRAINING ──last use ended──> RETIRED
               │   ^                │ reject                               │ reject
        reject │   │ retry          └──────> RETIRED (dead)                └──────> RETIRED
               v   │
              ASIDE: refused, while an older key is active

A new key is staged and tried by the provider's canary, or where it has none by one call at a time; all others go on
with the active key. If the new key is refused, it is put aside and nothing else has happened: perhaps the provider does
not know it yet, so it is tried again later (`restage`). If the active key is refused, the one that was staged or put
aside is used by all; if there is none, the ring has no key until its source gives one: `current` is None and calls
wait. A later call may try the newest key once more (`revive`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class KeyStage(StrEnum):
    """What a key is to its ring."""

    STAGED = "staged"
    ASIDE = "aside"
    ACTIVE = "active"
    DRAINING = "draining"
    RETIRED = "retired"


class KeyGeneration(NamedTuple):
    """One key.

    Attributes:
        generation: grows with every new key; the first is 0.
        fingerprint: by which its text is found.
        stage: what it is to the ring.
        uses: calls that have it in hand.
    """

    generation: int
    fingerprint: str
    stage: KeyStage
    uses: int = 0


NO_KEY = KeyGeneration(-1, "", KeyStage.RETIRED)


class KeyRing(NamedTuple):
    """The keys of one provider and environment, oldest first; retired ones are kept to be recognised."""

    keys: tuple[KeyGeneration, ...] = ()


NEW = (KeyStage.STAGED, KeyStage.ASIDE)
"""The stage of a key that the provider has not accepted, while an older one is active."""

MAX_RETIRED = 8
"""Retired keys that a ring remembers."""


def offer(ring: KeyRing, fingerprint: str) -> KeyRing:
    """The ring after a source gave a key; nothing changes if it is the newest one already.

    Args:
        ring: the ring.
        fingerprint: of the key that the source has now.
    """
    if ring.keys and ring.keys[-1].fingerprint == fingerprint:
        return ring
    generation = ring.keys[-1].generation + 1 if ring.keys else 0
    others = tuple(_retire(key) if key.stage in NEW else key for key in ring.keys)
    stage = KeyStage.STAGED if _find(ring, KeyStage.ACTIVE) else KeyStage.ACTIVE
    return _retire_drained(KeyRing((*others, KeyGeneration(generation, fingerprint, stage))))


def current(ring: KeyRing, *, canary: bool = False) -> KeyGeneration | None:
    """The key that the next call uses, or None while there is none that could work.

    Args:
        ring: the ring.
        canary: a new key is tried by a request of its own, and never by a call while there is an active one.
    """
    if ring.keys and ring.keys[-1].stage is KeyStage.ACTIVE:
        return ring.keys[-1]
    staged = _find(ring, KeyStage.STAGED)
    active = _find(ring, KeyStage.ACTIVE)
    if staged is not None and (active is None or (staged.uses == 0 and not canary)):
        return staged
    return active


def find_untried(ring: KeyRing) -> KeyGeneration | None:
    """A new key that is to be tried while an older one is active, if there is one."""
    return _find(ring, KeyStage.STAGED) if _find(ring, KeyStage.ACTIVE) else None


def is_on_trial(ring: KeyRing, generation: int) -> bool:
    """Whether a key is new, and an older one that the provider has accepted could be used in its place."""
    found = next((key for key in ring.keys if key.generation == generation), NO_KEY)
    return found.stage in NEW and _find(ring, KeyStage.ACTIVE) is not None


def begin_use(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after a call has taken a key in hand."""
    if ring.keys and ring.keys[-1].generation == generation:
        return add_uses(ring, 1)
    return _change(ring, generation, lambda key: key._replace(uses=key.uses + 1))


def add_uses(ring: KeyRing, more: int) -> KeyRing:
    """The ring after its newest key was taken in hand that many times more than it was put back."""
    generation, fingerprint, stage, uses = ring.keys[-1]
    return KeyRing((*ring.keys[:-1], KeyGeneration(generation, fingerprint, stage, uses + more)))


def end_use(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after a call has put a key back."""
    newest = ring.keys[-1] if ring.keys else NO_KEY
    if newest.generation == generation and newest.stage is KeyStage.ACTIVE and newest.uses:
        return add_uses(ring, -1)
    return _retire_drained(_change(ring, generation, lambda key: key._replace(uses=max(0, key.uses - 1))))


def accept(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after the provider has accepted a key: a staged one becomes active, the one before drains."""
    if not any(key.generation == generation and key.stage in NEW for key in ring.keys):
        return ring
    drained = tuple(key._replace(stage=KeyStage.DRAINING) if key.stage is KeyStage.ACTIVE else key for key in ring.keys)
    return _retire_drained(_change(KeyRing(drained), generation, lambda key: key._replace(stage=KeyStage.ACTIVE)))


def reject(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after the provider has refused a key. A new key takes the place of a dead active one."""
    if is_on_trial(ring, generation):
        return _change(ring, generation, lambda key: key._replace(stage=KeyStage.ASIDE))
    rejected = _change(ring, generation, _retire)
    newer = _find(rejected, KeyStage.STAGED) or _find(rejected, KeyStage.ASIDE)
    if newer is None or _find(rejected, KeyStage.ACTIVE):
        return rejected
    return _change(rejected, newer.generation, lambda key: key._replace(stage=KeyStage.ACTIVE))


def restage(ring: KeyRing) -> KeyRing:
    """The ring with the key staged once more that was put aside."""
    aside = _find(ring, KeyStage.ASIDE)
    if aside is None:
        return ring
    return _change(ring, aside.generation, lambda key: key._replace(stage=KeyStage.STAGED))


def revive(ring: KeyRing) -> KeyRing:
    """The ring with its newest key staged once more, if no key could work: a disabled key may have been enabled."""
    if not ring.keys or current(ring) is not None:
        return ring
    return KeyRing((*ring.keys[:-1], ring.keys[-1]._replace(stage=KeyStage.STAGED)))


def _retire(key: KeyGeneration) -> KeyGeneration:
    return key._replace(stage=KeyStage.RETIRED)


def _find(ring: KeyRing, stage: KeyStage) -> KeyGeneration | None:
    return next((key for key in reversed(ring.keys) if key.stage is stage), None)


def _change(ring: KeyRing, generation: int, change: Callable[[KeyGeneration], KeyGeneration]) -> KeyRing:
    return KeyRing(tuple(change(key) if key.generation == generation else key for key in ring.keys))


def _retire_drained(ring: KeyRing) -> KeyRing:
    keys = tuple(_retire(k) if k.stage is KeyStage.DRAINING and not k.uses else k for k in ring.keys)
    spent = [k.generation for k in keys if k.stage is KeyStage.RETIRED and not k.uses]
    forgotten = set(spent[:-MAX_RETIRED])
    return KeyRing(tuple(k for k in keys if k.generation not in forgotten)) if forgotten else KeyRing(keys)

# SPDX-License-Identifier: Apache-2.0
"""Which key to use now: a ring of key generations, known only by their fingerprints.

A rotation must not fail a single call, although most providers disable the old key before, or while, the new one
becomes valid: there is no time at which both certainly work. So a generation is not replaced by its successor until the
provider has accepted the successor, and calls that began with it keep using it. The stages of one generation::

    offer ──> STAGED ──accept──> ACTIVE ──a newer one is accepted──> DRAINING ──its last use ends──> RETIRED
               │  ^                │ reject                             │ reject
        reject │  │ restage        └───────> RETIRED                    └───────> RETIRED
               v  │
              ASIDE   (refused while an older key is active)

The first key is active immediately: there is nothing to fall back to. Every later key is staged, and tried by the
provider's canary request or, where it has none, by one call at a time; all other calls use the active key. Then one of
three things happens:

- The new key is accepted: a request with it succeeded. It becomes active, and the old one drains until its last call
  has ended.
- The new key is refused, or its trial has no result. It is set aside, and nothing else changes. The provider may not
  know it yet, so it is staged again later (`restage`); `core.key_trial` decides when.
- The active key is refused. The key that is staged or aside becomes active, for all calls. If there is none, `current`
  is None until the source offers another key, and calls wait. A later call may try the newest key again (`revive`).

A person may mark a key as revoked, at any stage (`set_revoked`). It is then REVOKED, and no call uses it again unless
the mark is removed.

A newer offer retires a key that is staged or set aside. Retired keys are remembered only for calls that still use them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Container


class KeyStage(StrEnum):
    """Where a generation is in its life: see the diagram above."""

    STAGED = "staged"
    SET_ASIDE = "set aside"
    ACTIVE = "active"
    DRAINING = "draining"
    RETIRED = "retired"
    REVOKED = "revoked"


class KeyGeneration(Struct, frozen=True):
    """One key.

    Attributes:
        generation: grows by one with every new key; the first is 0.
        fingerprint: identifies the key's text, which the ring does not hold.
        stage: the state of the key.
        uses: calls that use the key now.
    """

    generation: int
    fingerprint: str
    stage: KeyStage
    uses: int = 0


NO_KEY = KeyGeneration(generation=-1, fingerprint="", stage=KeyStage.RETIRED)


class KeyRing(Struct, frozen=True):
    """The keys of one provider and environment, oldest first.

    Attributes:
        keys: all generations that are in use or may be used, and the last few retired ones.
    """

    keys: tuple[KeyGeneration, ...] = ()


NEW_STAGES = (KeyStage.STAGED, KeyStage.SET_ASIDE)
"""Stages of a key that the provider has not accepted while an older one is active."""

DEAD_STAGES = (KeyStage.RETIRED, KeyStage.REVOKED)
"""Stages in which no new call uses a key."""

MAX_DEAD_KEYS = 8
"""Dead, unused keys that a ring remembers: a limit, for sources that change often."""


def offer(ring: KeyRing, fingerprint: str) -> KeyRing:
    """The ring after a source returned a key; unchanged if it is already the newest key.

    Args:
        ring: the ring.
        fingerprint: of the key that the source returned.
    """
    if ring.keys and ring.keys[-1].fingerprint == fingerprint:
        return ring
    generation = ring.keys[-1].generation + 1 if ring.keys else 0
    others = tuple(_retire(key) if key.stage in NEW_STAGES else key for key in ring.keys)
    stage = KeyStage.STAGED if _find(ring, KeyStage.ACTIVE) else KeyStage.ACTIVE
    return _retire_drained(KeyRing((*others, KeyGeneration(generation, fingerprint, stage))))


def current(ring: KeyRing, *, may_try: bool = True) -> KeyGeneration | None:
    """The key that the next call uses, or None while no key could work.

    Args:
        ring: the ring.
        may_try: the call may use a new key while another one is active.
    """
    if ring.keys and ring.keys[-1].stage is KeyStage.ACTIVE:
        return ring.keys[-1]
    staged = _find(ring, KeyStage.STAGED)
    active = _find(ring, KeyStage.ACTIVE)
    if staged is not None and (active is None or (staged.uses == 0 and may_try)):
        return staged
    return active


def find_newer(ring: KeyRing, generation: int) -> KeyGeneration | None:
    """The newest key that may work although an older one was refused, if there is one.

    Args:
        ring: the ring.
        generation: of the refused key.
    """
    newest = ring.keys[-1] if ring.keys else NO_KEY
    may_work = newest.stage in NEW_STAGES or newest.stage is KeyStage.ACTIVE
    return newest if may_work and newest.generation > generation else None


def find_untried(ring: KeyRing) -> KeyGeneration | None:
    """The new key to be tried while an older one is active, if there is one."""
    return _find(ring, KeyStage.STAGED) if _find(ring, KeyStage.ACTIVE) else None


def is_on_trial(ring: KeyRing, generation: int) -> bool:
    """Whether a key is new, and an older one that the provider has accepted could be used instead."""
    found = next((key for key in ring.keys if key.generation == generation), NO_KEY)
    return found.stage in NEW_STAGES and _find(ring, KeyStage.ACTIVE) is not None


def begin_use(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after a call has begun to use a key."""
    if ring.keys and ring.keys[-1].generation == generation:
        return add_uses(ring, 1)
    return _change(ring, generation, lambda key: replace(key, uses=key.uses + 1))


def add_uses(ring: KeyRing, more: int) -> KeyRing:
    """The ring with `more` uses of its newest key added, or removed if negative: uses begun minus uses ended."""
    newest = ring.keys[-1]
    return KeyRing((*ring.keys[:-1], replace(newest, uses=newest.uses + more)))


def end_use(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after a call has stopped using a key."""
    newest = ring.keys[-1] if ring.keys else NO_KEY
    if newest.generation == generation and newest.stage is KeyStage.ACTIVE and newest.uses:
        return add_uses(ring, -1)
    return _retire_drained(_change(ring, generation, lambda key: replace(key, uses=max(0, key.uses - 1))))


def accept(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after the provider has accepted a key: a new one becomes active, and the one before drains."""
    if not any(key.generation == generation and key.stage in NEW_STAGES for key in ring.keys):
        return ring
    drained = tuple(replace(key, stage=KeyStage.DRAINING) if key.stage is KeyStage.ACTIVE else key for key in ring.keys)
    return _retire_drained(_change(KeyRing(drained), generation, _activate))


def reject(ring: KeyRing, generation: int) -> KeyRing:
    """The ring after the provider has refused a key. A new key takes the place of a dead active one."""
    if is_on_trial(ring, generation):
        return _change(ring, generation, lambda key: replace(key, stage=KeyStage.SET_ASIDE))
    rejected = _change(ring, generation, _retire)
    return _replace_active(rejected)


def restage(ring: KeyRing) -> KeyRing:
    """The ring with the key that was set aside staged again."""
    aside = _find(ring, KeyStage.SET_ASIDE)
    if aside is None:
        return ring
    return _change(ring, aside.generation, lambda key: replace(key, stage=KeyStage.STAGED))


def revive(ring: KeyRing) -> KeyRing:
    """The ring with its newest key staged again, if no key could work: a disabled key may have been enabled."""
    if not ring.keys or ring.keys[-1].stage is KeyStage.REVOKED or current(ring) is not None:
        return ring
    return KeyRing((*ring.keys[:-1], replace(ring.keys[-1], stage=KeyStage.STAGED)))


def set_revoked(ring: KeyRing, fingerprints: Container[str]) -> KeyRing:
    """The ring after keys were marked as revoked, or marks were removed. A new key replaces a revoked active one.

    Args:
        ring: the ring.
        fingerprints: of all keys that are marked now.
    """
    return _replace_active(KeyRing(tuple(_mark(key, revoked=key.fingerprint in fingerprints) for key in ring.keys)))


def _mark(key: KeyGeneration, *, revoked: bool) -> KeyGeneration:
    if revoked:
        return replace(key, stage=KeyStage.REVOKED)
    return replace(key, stage=KeyStage.RETIRED) if key.stage is KeyStage.REVOKED else key


def _replace_active(ring: KeyRing) -> KeyRing:
    """The ring with a new key activated, if there is one and no key is active."""
    newer = _find(ring, KeyStage.STAGED) or _find(ring, KeyStage.SET_ASIDE)
    if newer is None or _find(ring, KeyStage.ACTIVE):
        return ring
    return _change(ring, newer.generation, _activate)


def _activate(key: KeyGeneration) -> KeyGeneration:
    return replace(key, stage=KeyStage.ACTIVE)


def _retire(key: KeyGeneration) -> KeyGeneration:
    return key if key.stage is KeyStage.REVOKED else replace(key, stage=KeyStage.RETIRED)


def _find(ring: KeyRing, stage: KeyStage) -> KeyGeneration | None:
    """The newest key at a stage."""
    return next((key for key in reversed(ring.keys) if key.stage is stage), None)


def _change(ring: KeyRing, generation: int, change: Callable[[KeyGeneration], KeyGeneration]) -> KeyRing:
    return KeyRing(tuple(change(key) if key.generation == generation else key for key in ring.keys))


def _retire_drained(ring: KeyRing) -> KeyRing:
    """The ring after draining keys without uses have retired, without the oldest of the dead ones."""
    keys = tuple(_retire(key) if key.stage is KeyStage.DRAINING and not key.uses else key for key in ring.keys)
    unused = [key.generation for key in keys if key.stage in DEAD_STAGES and not key.uses]
    forgotten = set(unused[:-MAX_DEAD_KEYS])
    return KeyRing(tuple(key for key in keys if key.generation not in forgotten))

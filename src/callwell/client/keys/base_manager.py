# SPDX-License-Identifier: Apache-2.0
"""The part of the key manager that both sides share: everything that does not wait.

`core.keyring` decides which generation is used and what a refusal means, `core.key_trial` when a new one is tried; this
class keeps the keys' values, reads the source, and carries out the decisions under one lock, which is never held across
a wait.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core import key_trial, keyring
from callwell.core.key_trial import KeyTrial
from callwell.core.keyring import KeyRing, KeyStage
from callwell.errors import KeyMalformed, KeyMissing, KeyOfAnotherEnvironment, KeyRevoked, StateError
from callwell.forks import reset_after_fork
from callwell.keys.format import find_format_error
from callwell.keys.source import GIVEN
from callwell.observe.logs import LOGGER
from callwell.observe.notices import KeyChanged, KeySetAside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client.keys.poller import KeyPoller
    from callwell.client.keys.usage import KeyUseLog
    from callwell.clock import Clock
    from callwell.core.keyring import KeyGeneration
    from callwell.core.rules.profile import KeyRule
    from callwell.keys import Key, KeySource
    from callwell.observe.notices import Notice

CHECK_S: Final = 0.25
"""How often a source that can change is checked while calls are made: a `stat` takes 3 µs. A new key is thus tried
within a second; kernel file watches would miss network drives, and the links that Kubernetes replaces."""


class BaseKeyManager:
    """The keys of one client, except for waiting.

    Args:
        provider: the provider's name.
        rule: the format of a key.
        source: where the key is kept.
        clock: the clock for all times below.
        uses: the record of accepted keys.
        notify: called with a notice for every new key.
        must_not_block: an event loop runs in this thread, so a source with a lease is read by the first call, and the
            shared state's knowledge about the key is left to `open`.

    Attributes:
        poller: polls the key records of other processes; None if the state is not shared.

    Raises:
        KeyMissing: there is no key.
        KeyMalformed: the source holds something that is not a key of this provider.
        KeyOfAnotherEnvironment: the key belongs to another environment.
        KeyRevoked: the key is marked as revoked.
    """

    def __init__(
        self,
        provider: str,
        rule: KeyRule,
        *,
        source: KeySource,
        clock: Clock,
        uses: KeyUseLog,
        notify: Callable[[Notice], None],
        must_not_block: bool = False,
    ) -> None:
        self._provider = provider
        self._rule = rule
        self._source = source
        self._clock = clock
        self._uses = uses
        self._notify = notify
        self._lock = threading.Lock()
        self._ring = KeyRing()
        self._keys: dict[int, Key] = {}
        self._newest_accepted = -1
        self._location_note = ""
        # While the newest key is the active one, its uses are counted here instead of in the ring: two additions per
        # call instead of new tuples, 0.8 µs instead of 2.6 µs. `_end_shared_use` writes them into the ring before it
        # changes.
        self._shared_use: tuple[int, Key] | None = None
        self._shared_uses = 0
        self._reading = False
        self._trying = False
        self._has_canary = False
        self._trial = KeyTrial()
        self._revoked: Mapping[str, float] = {}
        self._others_try_until = 0.0
        self.poller: KeyPoller | None = None
        if uses.shared:
            from callwell.client.keys.poller import KeyPoller  # a state in memory has nothing to poll

            self.poller = KeyPoller(self, uses, clock.now())
        self._can_change = source.can_change or uses.shared
        self._checked_at = clock.now()
        self._revision = source.revision()
        self._is_read_later = source.lease_s is not None and must_not_block
        self._is_open = False
        if not (uses.shared and must_not_block):
            self._open()
        elif not self._is_read_later:
            self._adopt(self._read())
        reset_after_fork(self)

    def _open(self) -> None:
        """Read the key, and the state's knowledge about it, which blocks. Calling it twice is harmless."""
        if self.poller is not None:
            self.poller.open()
        if not self._is_read_later:
            self._adopt(self._read_valid())
        self._is_open = True

    def after_fork(self) -> None:
        """In a forked child no other thread uses a key, reads the source or tries a key."""
        self._lock = threading.Lock()
        self._shared_use = None
        self._shared_uses = 0
        self._ring = KeyRing(tuple([replace(key, uses=0) for key in self._ring.keys]))
        self._reading = False
        self._trying = False

    @property
    def location(self) -> str:
        """Where the key is kept, and what is wrong with the newest one there, for display."""
        return self._source.location + self._location_note

    def newest(self) -> Key:
        """The key that the source returned last."""
        if not self._keys:
            self._adopt(self._read_valid())
        keys = self._keys
        return keys[max(keys)]

    def begin_use(self, *, may_try: bool = True, after_refusal: bool = False) -> tuple[int, Key] | None:
        """The generation and text of the key to use now; None while a new one must be awaited or tried first.

        Every use ends with `end_use`.

        Args:
            may_try: the caller's request may carry a new key that the provider has not accepted yet.
            after_refusal: the caller's request was refused with an older key, so it carries the new one.
        """
        if self._can_change:
            self._check_changes()
        with self._lock:
            if self._shared_use is not None:
                self._shared_uses += 1
                return self._shared_use
            if not self._reading:
                self._ring = keyring.revive(self._ring)
            now = self._clock.now()
            if now >= self._trial.retry_at:
                self._trial = replace(self._trial, retry_at=float("inf"))
                self._ring = keyring.restage(self._ring)
            untried = keyring.find_untried(self._ring)
            if after_refusal and untried is not None:
                current: KeyGeneration | None = untried
            elif self._has_canary and untried is not None and not self._trying and now >= self._others_try_until:
                return None
            else:
                current = keyring.current(self._ring, may_try=may_try and not self._has_canary)
            if current is None:
                return None
            self._ring = keyring.begin_use(self._ring, current.generation)
            use = (current.generation, self._keys[current.generation])
            if self._ring.keys[-1].stage is KeyStage.ACTIVE:
                self._shared_use = use
            return use

    def end_use(self, generation: int, *, accepted: bool) -> None:
        """End a use of a key.

        Args:
            generation: of the key.
            accepted: the provider executed the request, so it knows the key.
        """
        with self._lock:
            shared = self._shared_use
            if shared is not None and generation == shared[0] and generation <= self._newest_accepted:
                self._shared_uses -= 1
                return
            self._end_shared_use()
            first_accepted = None
            if accepted:
                if generation > self._newest_accepted:
                    self._newest_accepted = generation
                    self._location_note = ""
                    first_accepted = self._keys.get(generation)
                self._ring = keyring.accept(self._ring, generation)
            self._ring = keyring.end_use(self._ring, generation)
        if first_accepted is not None:
            self._record_accepted(first_accepted.fingerprint)

    def _record_accepted(self, fingerprint: str) -> None:
        self._uses.try_record_accepted(fingerprint, self._source.location)

    def is_on_trial(self, generation: int) -> bool:
        """Whether a key is new, and an older key that works can be used instead."""
        return not self._is_shared(generation) and keyring.is_on_trial(self._ring, generation)

    def find_other_key(self, generation: int, refusal: str | None) -> bool:
        """Whether another key may succeed where a request failed.

        A key on trial is set aside, since the older one works. If the active key is refused, a newer one that the
        provider has not accepted is tried immediately, see `core.key_trial`.

        Args:
            generation: of the key that the request carried.
            refusal: the kind of refusal, if it may be about the key.
        """
        if self._is_shared(generation):
            return False
        with self._lock:
            self._end_shared_use()
            now = self._clock.now()
            if keyring.is_on_trial(self._ring, generation):
                self._ring = keyring.reject(self._ring, generation)
                self._trial = key_trial.set_aside(self._trial, now)
                return True
            newer = keyring.find_newer(self._ring, generation)
            if newer is None or refusal is None:
                return False
            if newer.stage is KeyStage.SET_ASIDE:
                trial = key_trial.try_after_refusal(self._trial, refusal, now)
                if trial is None:
                    return False
                self._trial = trial
                self._ring = keyring.restage(self._ring)
            return True

    def record_same_response(self, generation: int) -> None:
        """Record that both keys got the same response, which therefore says nothing about the new one."""
        with self._lock:
            if keyring.is_on_trial(self._ring, generation):
                self._trial = key_trial.record_same_response(self._trial, self._clock.now())

    def set_aside(self, generation: int, reason: str) -> None:
        """Keep using the old key after a new one was refused or could not be tried, and try the new one again later.

        Args:
            generation: of the new key.
            reason: why it is set aside, for display.
        """
        with self._lock:
            if not keyring.is_on_trial(self._ring, generation):
                return  # the old key has died meanwhile: calls now try the new one
            self._end_shared_use()
            self._ring = keyring.reject(self._ring, generation)
            self._trial = key_trial.record_refusal(self._trial, self._clock.now())
            self._location_note = f" (the newest one there is not accepted: {reason})"
            key = self._keys[generation]
        if self._trial.refused == 1:
            self._notify(KeySetAside(self._provider, key.fingerprint, self._source.location, reason))

    def _is_shared(self, generation: int) -> bool:
        """Whether a key is known to be the newest and active one, without consulting the ring."""
        shared = self._shared_use
        return shared is not None and generation == shared[0]

    def _end_shared_use(self) -> None:
        """Write the uses that were counted outside the ring into it."""
        if self._shared_use is not None:
            self._ring = keyring.add_uses(self._ring, self._shared_uses)
            self._shared_use = None
            self._shared_uses = 0

    def _reject(self, generation: int) -> None:
        """Record that the provider refused a key; a new key is set aside, and tried again later."""
        if self.is_on_trial(generation):
            self.set_aside(generation, "a call was refused")
        with self._lock:
            self._end_shared_use()
            self._ring = keyring.reject(self._ring, generation)

    def switch_to_accepted(self, is_accepted: Callable[[str], bool]) -> None:
        """Switch to a new key that another process has tried, even if this process makes no calls.

        Args:
            is_accepted: whether the provider has accepted the key with a fingerprint; it may block.
        """
        untried = keyring.find_untried(self._ring)
        if untried is not None and is_accepted(untried.fingerprint):
            with self._lock:
                self._ring = keyring.begin_use(self._ring, untried.generation)
            self.end_use(untried.generation, accepted=True)

    def copy_ring(self) -> KeyRing:
        """A copy of the key ring."""
        with self._lock:
            self._end_shared_use()
            return self._ring

    def _check_changes(self) -> None:
        """Check for revoked keys, and read the source again if it may have changed, at most once per `CHECK_S`."""
        now = self._clock.now()
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        if self.poller is None:
            self.check_revoked()
        else:
            self.poller.poll_if_due(now)
        revision = self._source.revision() if self._source.can_change else self._revision
        if revision == self._revision:
            return
        if self.poller is None:
            self.reread()
        else:  # this also reads the state's knowledge about the new key, which an event loop must not wait for
            self.poller.start(read_source=True)

    def check_revoked(self) -> None:
        """Stop using keys that are marked as revoked. An unreadable state changes nothing."""
        with suppress(StateError):
            revoked = self._uses.read_revoked()
            if revoked == self._revoked:
                return
            with self._lock:
                self._end_shared_use()
                self._revoked = revoked
                self._ring = keyring.set_revoked(self._ring, revoked)
            own = [key.fingerprint for key in self._ring.keys if key.fingerprint in revoked]
            if own:
                LOGGER.warning("%s: marked as revoked, and not sent: %s", self._provider, ", ".join(own))

    def _raise_if_revoked(self) -> None:
        """Raise `KeyRevoked` if the newest key is marked as revoked."""
        self.check_revoked()
        fingerprint = self._ring.keys[-1].fingerprint
        since = self._revoked.get(fingerprint)
        if since is not None:
            raise KeyRevoked(self._provider, fingerprint=fingerprint, location=self.location, since=since)

    def reread(self, *, ends_lease: bool = False) -> bool:
        """Read the source, and return whether it has a new key. Until its key can be read, every check reads it again.

        Args:
            ends_lease: read a source with a lease now, which blocks, instead of when its lease ends.
        """
        revision = self._source.revision()
        try:
            if ends_lease and self._source.lease_s is not None:
                self._source.refresh(self._ring.keys[-1].fingerprint)  # type: ignore[attr-defined] # has a lease
            key = self._read_valid()
        except (KeyMissing, KeyMalformed) as error:
            self._location_note = f" (what is there now cannot be used: {error})"
        except KeyOfAnotherEnvironment as error:
            self._location_note = f" (the key there now belongs to environment {error.belongs_to})"
        except KeyRevoked as error:
            if not self._ring.keys or error.fingerprint != self._ring.keys[-1].fingerprint:
                self._location_note = f" (the key there now, {error.fingerprint}, is marked as revoked)"
        else:
            self._revision = revision
            if self._adopt(key):
                return True
            if not self.is_on_trial(self._ring.keys[-1].generation):
                self._location_note = ""
        return False

    def _read(self) -> Key:
        """The source's key, regardless of the state's knowledge about it."""
        key = self._source.read()
        problem = find_format_error(key.reveal(), self._rule)
        if problem is not None:
            place = "passed in code" if self._source.location == GIVEN else f"at {self._source.location}"
            raise KeyMalformed(f"{self._provider}: the key {place} {problem}")
        return key

    def _read_valid(self) -> Key:
        """The same, unless the state forbids sending it."""
        key = self._read()
        self._uses.check_environment(key.fingerprint, self._source.location)
        self._uses.check_revoked(key.fingerprint, self._source.location)
        return key

    def _adopt(self, key: Key) -> bool:
        """Add a key from the source to the ring; False if it is already the newest one."""
        with self._lock:
            self._end_shared_use()
            ring = keyring.offer(self._ring, key.fingerprint)
            if ring is self._ring:
                return False
            self._ring = ring
            newest = ring.keys[-1]
            self._location_note = ""
            self._trial = KeyTrial()
            in_use = {held.generation for held in ring.keys if held.stage not in keyring.DEAD_STAGES}
            known = {**self._keys, newest.generation: key}
            self._keys = {generation: text for generation, text in known.items() if generation in in_use}
        self._notify(KeyChanged(self._provider, key.fingerprint, newest.generation))
        return True

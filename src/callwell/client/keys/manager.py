# SPDX-License-Identifier: Apache-2.0
"""The keys that a client has in hand, and reading their source again when one is dead.

One caller reads, all others wait for it. The source is also looked at once a second, so that a new key is found before
the old one is refused. It is tried by the provider's canary, which one caller sends before its own request, or where
there is none by one call at a time, until the provider has accepted it; all others go on with the old key. A new key
that is refused is put aside, and tried again later: a provider may not know it yet.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from callwell.client.concurrency.primitives import AsyncLatch
from callwell.core import keyring
from callwell.core.keyring import KeyRing, KeyStage
from callwell.errors import KeyMalformed, KeyMissing, KeyOfAnotherEnvironment
from callwell.forks import reset_after_fork
from callwell.keys.format import find_format_error
from callwell.observe.logs import LOGGER
from callwell.observe.notices import KeyChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.keys.canary import AsyncCanary
    from callwell.client.keys.usage import KeyUseLog
    from callwell.clock import Clock
    from callwell.core.rules.profile import KeyRule
    from callwell.keys import Key, KeySource
    from callwell.observe.notices import Notice

CHECK_S: Final = 1.0
"""How often a source that can change is looked at."""

POLL_S: Final = 0.25
"""How often the source of a dead key is read."""

RETRY_S: Final = (30.0, 3_600.0)
"""Seconds until a new key that was refused is tried again, at first and at most: each time twice as many."""

CANARY_S: Final = 10.0
"""Seconds that a new key is tried for, and never more than half of what the call has left that sends the canary."""


class AsyncKeyManager:
    """The keys of one client.

    Args:
        provider: the provider's name.
        rule: what a key looks like.
        source: where it is kept.
        clock: whose seconds are meant.
        uses: which keys were ever accepted.
        notify: told of new keys.

    Attributes:
        keyless: takes the place of the keys for requests that show none.
        canary: tries new keys; None where calls do.

    Raises:
        KeyMissing: there is no key.
        KeyMalformed: what is there is no key of this provider.
        KeyOfAnotherEnvironment: it is one of another environment.
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
    ) -> None:
        self._provider = provider
        self._rule = rule
        self._source = source
        self._clock = clock
        self._uses = uses
        self._accepted = -1
        self._caveat = ""
        self._notify = notify
        self._lock = threading.Lock()
        self._ring = KeyRing()
        self._keys: dict[int, Key] = {}
        self._shared_use: tuple[int, Key] | None = None
        self._shared_uses = 0
        self._waiting: list[AsyncLatch] = []
        self._reading = False
        self.canary: AsyncCanary | None = None
        self._trying = False
        self._retry_s = RETRY_S[0]
        self._retry_at = float("inf")
        self._checked_at = clock.now()
        self._revision = source.revision()
        self._adopt(self._validate(source.read()))
        self.keyless = AsyncKeyless(self.newest)
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a child nobody else has a key in hand, or reads one."""
        self._lock = threading.Lock()
        self._shared_use, self._shared_uses = None, 0
        self._ring = KeyRing(tuple([held._replace(uses=0) for held in self._ring.keys]))
        self._waiting = []
        self._reading = False
        self._trying = False

    @property
    def location(self) -> str:
        """The place where the key is kept, for people."""
        return self._source.location + self._caveat

    def newest(self) -> Key:
        """The key that the source gave last."""
        keys = self._keys
        return keys[max(keys)]

    def begin_use(self) -> tuple[int, Key] | None:
        """The key to use now and its generation, to be settled; None while a new one is waited for, or to be tried."""
        if self._source.can_change:
            self._check_source()
        with self._lock:
            if self._shared_use is not None:
                self._shared_uses += 1
                return self._shared_use
            if not self._reading:
                self._ring = keyring.revive(self._ring)
            if self._clock.now() >= self._retry_at:
                self._retry_at = float("inf")
                self._ring = keyring.restage(self._ring)
            if self.canary is not None and not self._trying and keyring.find_untried(self._ring) is not None:
                return None
            held = keyring.current(self._ring, canary=self.canary is not None)
            if held is None:
                return None
            self._ring = keyring.begin_use(self._ring, held.generation)
            lent = held.generation, self._keys[held.generation]
            self._shared_use = lent if self._ring.keys[-1].stage is KeyStage.ACTIVE else None
            return lent

    def end_use(self, generation: int, *, accepted: bool) -> None:
        """Put a key back.

        Args:
            generation: of the key.
            accepted: the provider has done what was asked.
        """
        with self._lock:
            if self._shared_use is not None and generation == self._shared_use[0] and generation <= self._accepted:
                self._shared_uses -= 1
                return
            self._end_shared_use()
            key = self._keys.get(generation) if accepted and generation > self._accepted else None
            if accepted:
                if generation > self._accepted:
                    self._accepted = generation
                    self._caveat = ""
                self._ring = keyring.accept(self._ring, generation)
            self._ring = keyring.end_use(self._ring, generation)
        if key is not None:
            self._uses.record_accepted(key.fingerprint, self._source.location)

    def _end_shared_use(self) -> None:
        """Tell the ring of all that was done while its newest key was the one that everybody uses."""
        if self._shared_use is not None:
            self._ring = keyring.add_uses(self._ring, self._shared_uses)
            self._shared_use, self._shared_uses = None, 0

    async def renew(self, generation: int, until: float) -> int:
        """The generation of a key that is not known to be dead, or the same one if none comes in time.

        A new key is waited for only if one was ever accepted: else the key was wrong from the beginning.

        Args:
            generation: of the dead key; -1 for none, if `lend` gave none.
            until: monotonic seconds.
        """
        if self.is_on_trial(generation):
            self.set_aside(generation, "a call was refused")
        with self._lock:
            self._end_shared_use()
            self._ring = keyring.reject(self._ring, generation)
        if self.canary is not None:
            await self._run_canary(self.canary, until)
        if not self._ever_accepted():
            self._reread()
            until = self._clock.now()
        while keyring.current(self._ring) is None and self._clock.now() < until:
            latch = AsyncLatch()
            with self._lock:
                others, self._reading = self._reading, True
                if others:
                    self._waiting.append(latch)
            if others:
                await latch.wait(self._clock.real_s(until - self._clock.now()))
                continue
            try:
                await self._read_until(until)
            finally:
                self._end_reading()
            if not self._source.can_change:
                break
        held = keyring.current(self._ring)
        return generation if held is None else held.generation

    def is_on_trial(self, generation: int) -> bool:
        """Whether a key is new, and an older one that works can be used in its place."""
        return keyring.is_on_trial(self._ring, generation)

    def set_aside(self, generation: int, reason: str) -> None:
        """A new key was refused, or could not be tried: the old one goes on, and it is tried again later.

        Args:
            generation: of the new key.
            reason: why, for people.
        """
        with self._lock:
            if not keyring.is_on_trial(self._ring, generation):
                return  # the old key has died meanwhile: then calls find out about the new one
            self._end_shared_use()
            self._ring = keyring.reject(self._ring, generation)
            self._retry_at = self._clock.now() + self._retry_s
            self._retry_s = min(2 * self._retry_s, RETRY_S[1])
            self._caveat = f" (the newest one there is not accepted: {reason})"
        where = self._source.location
        LOGGER.warning("%s: the new key at %s is not accepted (%s): the old one goes on", self._provider, where, reason)

    async def _run_canary(self, canary: AsyncCanary, until: float) -> None:
        """Try a new key, if there is one and nobody else does."""
        with self._lock:
            held = None if self._trying else keyring.find_untried(self._ring)
            if held is None:
                return
            self._trying = True
            key = self._keys[held.generation]
        now = self._clock.now()
        try:
            reason = await canary.try_key(key, min(now + CANARY_S, (now + until) / 2))
        finally:
            self._trying = False
        if reason == "":
            self.end_use(held.generation, accepted=True)
        else:
            self.set_aside(held.generation, reason or "it could not be tried")

    def _ever_accepted(self) -> bool:
        return self._accepted >= 0 or any(self._uses.was_accepted(held.fingerprint) for held in self._ring.keys)

    def _end_reading(self) -> None:
        with self._lock:
            self._reading = False
            waiting, self._waiting = self._waiting, []
        for latch in waiting:
            latch.set()

    async def _read_until(self, until: float) -> None:
        while not self._reread() and self._source.can_change and self._clock.now() < until:
            latch = AsyncLatch()
            await latch.wait(self._clock.real_s(POLL_S))

    def _check_source(self) -> None:
        now = self._clock.now()
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        revision = self._source.revision()
        if revision != self._revision:
            self._reread(revision)

    def _reread(self, revision: object = None) -> bool:
        """Read the source, and say whether it has a new key; what could not be read is read again at the next look."""
        try:
            key = self._validate(self._source.read())
        except (KeyMissing, KeyMalformed) as error:
            self._caveat = f" (what is there now cannot be used: {error})"
            return False
        except KeyOfAnotherEnvironment as error:
            self._caveat = f" (what is there now is one of environment {error.belongs_to})"
            return False
        if revision is not None:
            self._revision = revision
        if self._adopt(key):
            return True
        if not self.is_on_trial(self._ring.keys[-1].generation):
            self._caveat = ""
        return False

    def _validate(self, key: Key) -> Key:
        wrong = find_format_error(key.reveal(), self._rule)
        if wrong is not None:
            raise KeyMalformed(f"{self._provider}: {self._describe_key()} {wrong}")
        self._uses.check_environment(key.fingerprint, self._source.location)
        return key

    def _describe_key(self) -> str:
        where = self._source.location
        return f"the key passed {where.removeprefix('given ')}" if where.startswith("given ") else f"the key at {where}"

    def _adopt(self, key: Key) -> bool:
        with self._lock:
            self._end_shared_use()
            before = self._ring
            self._ring = keyring.offer(before, key.fingerprint)
            if self._ring is before:
                return False
            newest = self._ring.keys[-1]
            self._caveat = ""
            self._retry_s = RETRY_S[0]
            self._retry_at = float("inf")
            self._keys[newest.generation] = key
            kept = {held.generation for held in self._ring.keys if held.stage is not KeyStage.RETIRED}
            self._keys = {number: known for number, known in self._keys.items() if number in kept}
        self._notify(KeyChanged(self._provider, key.fingerprint, newest.generation))
        return True


class AsyncKeyless:
    """In the place of keys, for requests that show none: it lends what is not to be repeated should an answer do so.

    Args:
        secret: gives it.
    """

    def __init__(self, secret: Callable[[], Key]) -> None:
        self._secret = secret

    def begin_use(self) -> tuple[int, Key]:
        """What is not to be repeated, under a generation that never changes."""
        return 0, self._secret()

    def end_use(self, generation: int, *, accepted: bool) -> None:
        """An answer to such a request says nothing of a key."""

    def is_on_trial(self, generation: int) -> bool:  # noqa: ARG002 - as a keyholder
        """No key is tried by it."""
        return False

    async def renew(self, generation: int, until: float) -> int:  # noqa: ARG002 - as a keyholder
        """There is no other."""
        return generation

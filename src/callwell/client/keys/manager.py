# SPDX-License-Identifier: Apache-2.0
"""A client's keys, including the wait for a new one when the provider refuses the key in use.

One caller reads the source, and all others wait for it. The source is also checked while calls are made, so that a new
key is found before the old one is refused. The provider's canary tries it: one caller sends that request before its
own, and if processes share a state, one of them does so for all. Without a canary, one call at a time uses the new key
until one succeeds. All other calls continue with the old key, and so does that call if it does not succeed. A new key
that is refused is set aside and tried again later: the provider may not know it yet.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from callwell.client.concurrency.primitives import (
    AsyncLatch,
    post_to_state,
    run_blocking,
    runs_event_loop,
    use_state,
    would_block,
)
from callwell.client.keys.base_manager import BaseKeyManager
from callwell.core import keyring
from callwell.core.key_trial import NOT_TRIED
from callwell.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.keys.usage import KeyUseLog
    from callwell.clock import Clock
    from callwell.core.keyring import KeyGeneration
    from callwell.core.rules.profile import KeyRule
    from callwell.core.shared_trial import Claim
    from callwell.keys import Key, KeySource
    from callwell.observe.notices import Notice

POLL_S: Final = 0.25
"""How often the source is read while calls wait for a replacement of a dead key."""

POLL_LEASED_S: Final = 2.0
"""The same for a source that runs a program or sends a request."""

OTHER_TRIAL_POLL_S: Final = 0.2
"""How often to check whether another process has tried a key: a canary takes about as long, and a rotation must not
take a second."""

CANARY_S: Final = 10.0
"""Seconds within which a canary must get its response, but never more than half of its caller's remaining time."""


class AsyncKeyTester(Protocol):
    """Tries keys before any call depends on them: see `callwell.client.keys.canary`."""

    async def try_key(self, key: Key, until: float) -> str | None:
        """Try a key by `until` (monotonic seconds); returns why it is unusable, None if the provider accepted it."""


class AsyncKeyManager(BaseKeyManager):
    """The keys of one client: see `BaseKeyManager` for arguments and errors.

    Attributes:
        keyless: replaces the keys for requests without one.
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
        super().__init__(
            provider, rule, source=source, clock=clock, uses=uses, notify=notify, must_not_block=runs_event_loop()
        )
        self.keyless = AsyncKeyless(self.newest)
        self._waiting: list[AsyncLatch] = []
        self._canary: AsyncKeyTester | None = None

    def after_fork(self) -> None:
        """Forget the waiters, since a forked child has none."""
        super().after_fork()
        self._waiting = []

    def use_canary(self, canary: AsyncKeyTester) -> None:
        """From now on, try new keys with a request of their own."""
        self._canary = canary
        self._has_canary = True

    async def open(self) -> None:
        """Look the key up in the state, before the first call, if the constructor did not.

        Raises:
            KeyProblem: the key belongs to another environment, is marked as revoked, or is gone by now.
            StateError: the state cannot be used.
        """
        if not self._is_open:
            await use_state(self._uses.state, self._open)

    async def renew(self, generation: int, until: float) -> int:
        """Replace a key that the provider has refused.

        Waiting makes sense only for a key that was accepted before: any other was wrong from the beginning, so its
        source is read again and no caller waits.

        Args:
            generation: of the refused key; -1 if `begin_use` returned none.
            until: monotonic seconds.

        Returns:
            the generation to use instead, or the same one if no other appears in time.

        Raises:
            KeyRevoked: the key is marked as revoked, and no other appears in time.
            KeyProblem: there is no key yet, and none can be read.
        """
        if not self._keys:
            await run_blocking(lambda: self._adopt(self._read_valid()))
            return self._ring.keys[-1].generation
        was_accepted = await use_state(self._uses.state, self._was_ever_accepted)
        self._reject(generation)
        if self._canary is not None:
            await self._try_new_key(self._canary, until)
        if not was_accepted:
            await self._read_again()
            until = self._clock.now()
        while self._find_other(generation) is None and self._clock.now() < until:
            latch = AsyncLatch()
            with self._lock:
                if self._find_other(generation) is not None:
                    break  # another caller has read it since the check above
                other_reads = self._reading
                self._reading = True
                if other_reads:
                    self._waiting.append(latch)
            if other_reads:
                await latch.wait(self._clock.real_s(until - self._clock.now()))
                continue
            try:
                await self._poll_source(generation, until)
            finally:
                self._end_reading()
            if not self._source.can_change:
                break
        current = self._find_other(generation)
        if current is None:
            await use_state(self._uses.state, self._raise_if_revoked)
            return generation
        return current.generation

    def _find_other(self, generation: int) -> KeyGeneration | None:
        """The key to use instead of a refused one; a refused key that another call is trying again does not count."""
        current = keyring.current(self._ring)
        return None if current is None or current.generation == generation else current

    async def _try_new_key(self, canary: AsyncKeyTester, until: float) -> None:
        """Send the canary with a new key, if there is one and no other caller is doing so."""
        with self._lock:
            untried = None if self._trying else keyring.find_untried(self._ring)
            if untried is None:
                return
            self._trying = True
            key = self._keys[untried.generation]
        try:
            from callwell.core.shared_trial import TrialStep  # only needed for a rotation, as below

            claim = await self._claim_trial(key)
            if claim.step is TrialStep.WAIT:
                self._others_try_until = self._clock.now() + OTHER_TRIAL_POLL_S
                return
            problem = None if claim.step is TrialStep.ACCEPTED else claim.reason
            if claim.step is TrialStep.TRY:
                now = self._clock.now()
                problem = await canary.try_key(key, min(now + CANARY_S, (now + until) / 2))
                await self._record_trial(key, problem)
        finally:
            self._trying = False
        if problem is None:
            self.end_use(untried.generation, accepted=True)
        else:
            self.set_aside(untried.generation, problem)

    async def _claim_trial(self, key: Key) -> Claim:
        """Ask the other processes whether this one should try a key; without a shared state, it should."""
        from callwell.core.shared_trial import Claim, TrialStep

        if not self._uses.shared:
            return Claim(TrialStep.TRY)
        try:
            return await run_blocking(lambda: self._uses.fleet.claim_trial(key.fingerprint))
        except StateError:
            return Claim(TrialStep.TRY)

    async def _record_trial(self, key: Key, problem: str | None) -> None:
        """Record the result of a trial for the other processes."""
        if not self._uses.shared:
            return
        is_clear = problem != NOT_TRIED
        with suppress(StateError):
            await run_blocking(lambda: self._uses.fleet.record_trial(key.fingerprint, problem, is_clear=is_clear))

    async def _read_again(self) -> bool:
        """Read the source, and return whether it has a new key that the state does not forbid."""
        if self._source.lease_s is not None or would_block(self._uses.state):
            return await run_blocking(lambda: self.reread(ends_lease=True))
        return self.reread()

    def _record_accepted(self, fingerprint: str) -> None:
        """Record that a key was accepted, without delaying the call that found out."""
        post_to_state(self._uses.state, partial(super()._record_accepted, fingerprint))

    def _was_ever_accepted(self) -> bool:
        """Whether the provider has ever accepted a key of this ring, from this client or an earlier one."""
        return self._newest_accepted >= 0 or any(self._uses.was_accepted(key.fingerprint) for key in self._ring.keys)

    async def _poll_source(self, generation: int, until: float) -> None:
        poll_s = POLL_LEASED_S if self._source.lease_s is not None else POLL_S
        while not await self._read_again() and self._source.can_change and self._clock.now() < until:
            if self._find_other(generation) is not None:
                break  # a poll of the state has read it, or has removed a mark
            latch = AsyncLatch()
            await latch.wait(self._clock.real_s(poll_s))

    def _end_reading(self) -> None:
        with self._lock:
            self._reading = False
            waiting = self._waiting
            self._waiting = []
        for latch in waiting:
            latch.set()


class AsyncKeyless:
    """Replaces the keys for requests without one.

    Args:
        secret: returns the key, which must still be hidden if a response repeats it.
    """

    def __init__(self, secret: Callable[[], Key]) -> None:
        self._secret = secret

    async def open(self) -> None:
        """Do nothing: no state knows anything about it."""

    def begin_use(self, *, may_try: bool = True, after_refusal: bool = False) -> tuple[int, Key]:  # noqa: ARG002 - as `BaseKeyManager` has it
        """The text to hide, under a constant generation."""
        return 0, self._secret()

    def end_use(self, generation: int, *, accepted: bool) -> None:
        """Do nothing: a response to a request without a key says nothing about keys."""

    def is_on_trial(self, generation: int) -> bool:  # noqa: ARG002 - as `BaseKeyManager` has it
        """Whether a key is on trial: none is."""
        return False

    def find_other_key(self, generation: int, refusal: str | None) -> bool:  # noqa: ARG002 - as `BaseKeyManager` has it
        """Whether another key may succeed: there is no other."""
        return False

    async def renew(self, generation: int, until: float) -> int:  # noqa: ARG002 - as `AsyncKeyManager` has it
        """The same generation: there is no other."""
        return generation

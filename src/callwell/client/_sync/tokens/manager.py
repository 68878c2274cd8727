# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/tokens/manager.py by tools/unasync.py; do not edit
"""Tokens in the place of a key: to be asked like a keyholder, and what it lends is a token that was got by the key.

Calls go on with a token that is good. Where there is none, or its end is near, one caller gets new ones while it has no
permit in hand, and all others wait, in this process by a latch, in others by looking at the state. Who does it, and by
what, is decided in `core.tokens`. The calls for tokens are calls like any other, on the same engine.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client._sync.concurrency.primitives import Latch
from callwell.client._sync.keys.canary import Canary
from callwell.client._sync.tokens.exchange import TokenExchange
from callwell.client.tokens.store import TokenStore
from callwell.core.call import MAX_KEY_RENEWALS
from callwell.core.tokens import OBTAIN_TIMEOUT_S, ObtainTokens, UseToken, WaitForTokens, to_token_profile
from callwell.errors import CallError, CallwellError, KeyProblem, KeyRefused
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from callwell.client._sync.calls.engine import Engine
    from callwell.client._sync.keys.manager import KeyManager
    from callwell.client.config import ClientConfig
    from callwell.client.tokens.store import StoredTokens, TokenPair
    from callwell.core.rules.profile import TokenRule
    from callwell.keys import Key

POLL_S: Final = 0.25
"""How often it is looked whether another process has got the tokens that are waited for."""

MAX_TOKENS: Final = 256
"""Tokens that are remembered by number: far more than there can be calls under way with different ones."""


class TokenInUse(NamedTuple):
    """A token as calls have it in hand.

    Attributes:
        number: by which calls settle it; grows with every token, and 0 is none.
        key_generation: of the key by which it was got.
        generation: of the token.
        key: that key.
        access: the token.
        due_at: until when it is lent without looking at the state.
    """

    number: int
    key_generation: int
    generation: int
    key: Key
    access: Key
    due_at: float


class TokenManager:
    """The tokens of one client.

    Args:
        keys: by which they are got.
        config: what the client is made of.
        rule: how they are got.
        engine: makes the calls for them.

    Attributes:
        keys: by which they are got.
        keyless: takes their place for requests that show none.

    Raises:
        UsageError: the package by which tokens in a shared state are sealed is not installed.
    """

    def __init__(self, keys: KeyManager, config: ClientConfig, rule: TokenRule, engine: Engine) -> None:
        self.keys = keys
        self.keyless = keys.keyless
        self._exchange = TokenExchange(engine, config.provider, rule)
        self._early_s = rule.early_s
        self._clock = config.clock
        self._store = TokenStore(config.account_key, config.state, config.clock)
        self._store.check(keys.newest())
        self._lock = threading.Lock()
        self._tokens: dict[int, TokenInUse] = {}
        self._latest: TokenInUse | None = None
        self._count = 0
        self._doubted = 0
        self._waiting: list[Latch] = []
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a child nobody waits, and what was in memory is not known to be the state's."""
        self._lock = threading.Lock()
        self._tokens, self._latest, self._waiting = {}, None, []

    @property
    def location(self) -> str:
        """The place where the key is kept, for people."""
        return self.keys.location

    def newest(self) -> Key:
        """The newest key, by which tokens are got."""
        return self.keys.newest()

    def begin_use(self) -> tuple[int, Key] | None:
        """The token to use now and its number, to be settled; None while one must be waited for, or got."""
        lent = self.keys.begin_use()
        if lent is None:
            return None
        shown = None
        try:
            shown = self._current(*lent)
        finally:
            if shown is None:
                self.keys.end_use(lent[0], accepted=False)
        return None if shown is None else (shown.number, shown.access)

    def _current(self, key_generation: int, key: Key) -> TokenInUse | None:
        shown = self._latest
        if shown is not None and shown.key_generation == key_generation and self._clock.now() < shown.due_at:
            return shown
        told, found = self._store.observe(key)
        return self._register(key_generation, key, found) if isinstance(told, UseToken) else None

    def end_use(self, number: int, *, accepted: bool) -> None:
        """Put a token back.

        Args:
            number: of the token.
            accepted: the provider has done what was asked.
        """
        if accepted and number == self._doubted:
            self._doubted = 0
        shown = self._tokens.get(number)
        if shown is not None:  # in a forked child nothing is in hand
            self.keys.end_use(shown.key_generation, accepted=accepted)

    def is_on_trial(self, number: int) -> bool:
        """Whether a token was got by a new key, and an older one that works can be used in its place."""
        shown = self._tokens.get(number)
        return shown is not None and self.keys.is_on_trial(shown.key_generation)

    def renew(self, number: int, until: float) -> int:
        """The number of a token that is not known to be dead, or the same one if none comes in time.

        A token that was got because the one before it was refused, and is refused as well, is the last for this call.

        Args:
            number: of the token that was refused; another number if there is none.
            until: monotonic seconds.

        Raises:
            CallwellError: none can be got.
        """
        refused = self._tokens.get(number)
        if refused is not None:
            self._store.record_refusal(refused.key, refused.generation)
            self._latest = None
            if number == self._doubted:
                return number
        got = self._next_token(until, doubt=refused is not None)
        return number if got is None else got.number

    def _next_token(self, until: float, *, doubt: bool) -> TokenInUse | None:
        holder = token_hex(8)
        rekeys = 0
        while True:
            lent = self.keys.begin_use()
            if lent is None:
                self.keys.renew(-1, until)
            else:
                try:
                    got = self._take_turn(lent, holder, until, doubt=doubt)
                except (CallError, KeyProblem) as error:
                    if self.keys.is_on_trial(lent[0]):
                        self.keys.set_aside(lent[0], getattr(error, "code", None) or type(error).__name__)
                        continue
                    if not isinstance(error, KeyRefused):
                        raise
                    rekeys += 1
                    if rekeys > MAX_KEY_RENEWALS or self.keys.renew(lent[0], until) == lent[0]:
                        raise
                    continue
                if got is not None:
                    return got
            if self._clock.now() >= until:
                return None

    def _take_turn(self, lent: tuple[int, Key], holder: str, until: float, *, doubt: bool) -> TokenInUse | None:
        """Use the token that there is, wait for another's, or get one; None if it is to be asked again."""
        generation, key = lent
        latch, accepted = Latch(), False
        with self._lock:
            self._waiting.append(latch)
        try:
            told, found = self._store.decide(key, holder)
            if isinstance(told, ObtainTokens):
                accepted = self._obtain(key, holder, found.pair if told.renew is not None else None, until)
                told, found = self._store.observe(key)
            if accepted:
                self._forget_before(generation, key)
            if isinstance(told, UseToken):
                shown = self._register(generation, key, found)
                if shown is not None and accepted and doubt:
                    self._doubted = shown.number
                return shown
            if isinstance(told, WaitForTokens):
                seconds = min(told.until, until) - self._clock.now()
                latch.wait(self._clock.real_s(max(0.0, min(seconds, POLL_S))))
            return None
        finally:
            self.keys.end_use(generation, accepted=accepted)
            with self._lock:
                self._waiting = [other for other in self._waiting if other is not latch]

    def _obtain(self, key: Key, holder: str, pair: TokenPair | None, until: float) -> bool:
        """Get new tokens, by the one for renewal or else by the key. False if that failed while there is a good one."""
        came, now = None, self._clock.now()
        until = min(until, now + OBTAIN_TIMEOUT_S)
        try:
            if pair is not None and pair.refresh is not None:
                with suppress(CallError, KeyProblem):
                    came = self._exchange.refresh(pair.refresh, (now + until) / 2)
            came = came or self._exchange.exchange_key(key, until)
            self._store.record_obtained(key, holder, came, self._early_s)
        except BaseException as error:
            self._store.record_failure(key, holder)
            if isinstance(error, CallwellError) and isinstance(self._store.observe(key)[0], UseToken):
                return False
            raise
        finally:
            with self._lock:
                waiting, self._waiting = self._waiting, []
            for latch in waiting:
                latch.set()
        return True

    def _register(self, key_generation: int, key: Key, found: StoredTokens) -> TokenInUse | None:
        """The token as calls know it: by the same number as long as it is the same."""
        tokens, pair = found
        if pair is None:
            return None
        this = (key_generation, tokens.generation, key, pair.access)
        with self._lock:
            number = next((one.number for one in reversed(self._tokens.values()) if one[1:5] == this), 0)
            if not number:
                self._count += 1
                number = self._count
                self._tokens.pop(number - MAX_TOKENS, None)
            shown = self._tokens[number] = self._latest = TokenInUse(number, *this, tokens.due_at)
        return shown

    def _forget_before(self, key_generation: int, key: Key) -> None:
        """The tokens of keys that this client had earlier are not wanted any more."""
        with self._lock:
            earlier = {one.key.fingerprint for one in self._tokens.values() if one.key_generation < key_generation}
        for fingerprint in earlier - {key.fingerprint}:
            self._store.forget(fingerprint)


def attach_credentials(engine: Engine, keys: KeyManager, config: ClientConfig) -> None:
    """Let an engine show tokens in the place of its keys, if that is what the setting says, or else try new keys.

    A key that is traded for tokens is tried by that.

    Raises:
        UsageError: they cannot be kept.
    """
    rule = engine.profile.key.token
    if config.auth == "token" and rule is not None:
        holder = TokenManager(keys, config, rule, engine)
        engine.keys = holder  # type: ignore[assignment] # it is asked like a keyholder
        engine.profile = to_token_profile(engine.profile, rule)
    elif engine.profile.key.canary is not None:
        keys.use_canary(Canary(engine, config.provider, engine.profile.key.canary))

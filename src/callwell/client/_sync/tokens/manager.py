# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/tokens/manager.py by tools/unasync.py; do not edit
"""Tokens instead of a key: used like a key manager, but calls get a token that was obtained with the key.

Calls use the current token while it is valid. If there is none, or it expires soon, one caller obtains new tokens,
without holding a permit meanwhile, and all others wait: in this process for a latch, in other processes by polling the
state. `core.tokens` decides who obtains tokens, and with which credential. The requests for tokens are calls like any
other, on the same engine.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client._sync.concurrency.primitives import Latch, post_to_state, use_state, would_block
from callwell.client._sync.tokens.exchange import TokenExchange
from callwell.client.tokens.store import TokenStore
from callwell.core.call import MAX_KEY_RENEWALS
from callwell.core.tokens import OBTAIN_TIMEOUT_S, ObtainTokens, UseToken, WaitForTokens
from callwell.errors import CallError, CallwellError, KeyProblem, KeyRefused, StateError
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from callwell.client._sync.calls.engine import Engine
    from callwell.client._sync.keys.manager import KeyManager
    from callwell.client.config import ClientConfig
    from callwell.client.tokens.store import IssuedTokens, StoredTokens, TokenPair
    from callwell.core.rules.profile import TokenRule
    from callwell.core.tokens import TokenStep
    from callwell.keys import Key

POLL_S: Final = 0.25
"""How often a waiting caller polls the state for tokens that another process obtained."""

OBSERVED_S: Final = 1.0
"""How long a valid token is used without another poll while somebody obtains the next one, if polling would block an
event loop. A token that the provider refuses is replaced regardless."""

MAX_TOKENS: Final = 256
"""Tokens that are remembered by number: far more than running calls can be using."""


class TokenInUse(NamedTuple):
    """A token as calls use it.

    Attributes:
        number: identifies the token in `end_use` and `renew`; grows with every token; 0 for no token.
        key_generation: of the key that it was obtained with.
        generation: of the token.
        key: the key that it was obtained with.
        access: the token.
        due_at: the time until which it is used without reading the state, in monotonic seconds.
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
        keys: the keys to obtain tokens with.
        config: the client's configuration.
        rule: how a key is exchanged for tokens.
        engine: makes the calls that obtain them.

    Attributes:
        keys: the keys to obtain tokens with.
        keyless: replaces the tokens for requests without one.

    Raises:
        UsageError: tokens in a shared state are encrypted, and the package for that is not installed.
    """

    def __init__(self, keys: KeyManager, config: ClientConfig, rule: TokenRule, engine: Engine) -> None:
        self.keys = keys
        self.keyless = keys.keyless
        self._exchange = TokenExchange(engine, config.provider, rule, config.resolve_server)
        self._early_s = rule.early_s
        self._clock = config.clock
        self._state = config.state
        self._must_wait = would_block(config.state)
        self._store = TokenStore(config.account_key, config.state, config.clock)
        self._store.check()
        self._lock = threading.Lock()
        self._tokens: dict[int, TokenInUse] = {}
        self._latest: TokenInUse | None = None
        self._count = 0
        self._last_resort = 0
        self._waiting: list[Latch] = []
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Forget waiters and tokens: a forked child has no waiters, and the state may have other tokens by now."""
        self._lock = threading.Lock()
        self._tokens = {}
        self._latest = None
        self._waiting = []

    def open(self) -> None:
        """Look the key up in the state: see `KeyManager.open`."""
        self.keys.open()

    @property
    def location(self) -> str:
        """Where the key is kept, for display."""
        return self.keys.location

    def newest(self) -> Key:
        """The newest key, which obtains tokens."""
        return self.keys.newest()

    def begin_use(self, *, may_try: bool = True, after_refusal: bool = False) -> tuple[int, Key] | None:
        """The number and text of the token to use now; None while one must be awaited or obtained.

        Every use ends with `end_use`. See `BaseKeyManager.begin_use` for arguments.
        """
        use = self.keys.begin_use(may_try=may_try or after_refusal)
        if use is None:
            return None
        token = None
        try:
            token = self._current(*use)
        finally:
            if token is None:
                self.keys.end_use(use[0], accepted=False)
        return None if token is None else (token.number, token.access)

    def _current(self, key_generation: int, key: Key) -> TokenInUse | None:
        latest = self._latest
        if latest is not None and latest.key_generation == key_generation and self._clock.now() < latest.due_at:
            return latest
        if self._must_wait:
            return None
        step, stored = self._store.observe(key)
        return self._register(key_generation, key, stored) if isinstance(step, UseToken) else None

    def end_use(self, number: int, *, accepted: bool) -> None:
        """End a use of a token.

        Args:
            number: of the token.
            accepted: the provider executed the request, so it knows the token.
        """
        if accepted and number == self._last_resort:
            self._last_resort = 0
        token = self._tokens.get(number)
        if token is not None:  # a forked child has none of its parent's tokens
            self.keys.end_use(token.key_generation, accepted=accepted)

    def is_on_trial(self, number: int) -> bool:
        """Whether a token was obtained with a new key, and an older key that works can be used instead."""
        token = self._tokens.get(number)
        return token is not None and self.keys.is_on_trial(token.key_generation)

    def find_other_key(self, number: int, refusal: str | None) -> bool:
        """Whether a token of another key may succeed where a request failed: see `BaseKeyManager`."""
        token = self._tokens.get(number)
        return token is not None and self.keys.find_other_key(token.key_generation, refusal)

    def record_same_response(self, number: int) -> None:
        """Tokens of the old key and the new one got the same response: see `BaseKeyManager`."""
        token = self._tokens.get(number)
        if token is not None:
            self.keys.record_same_response(token.key_generation)

    def set_aside(self, number: int, reason: str) -> None:
        """Keep using the tokens of the old key: see `BaseKeyManager`."""
        token = self._tokens.get(number)
        if token is not None:
            self.keys.set_aside(token.key_generation, reason)

    def renew(self, number: int, until: float) -> int:
        """Replace a token that the provider has refused.

        If a token that replaced a refused one is refused as well, it is the last for this call: another would fare no
        better.

        Args:
            number: of the refused token; any other number if there was none.
            until: monotonic seconds.

        Returns:
            the number of the token to use instead, or the same number if none arrives in time.

        Raises:
            CallwellError: no token can be obtained.
        """
        refused = self._tokens.get(number)
        if refused is not None:
            use_state(self._state, partial(self._store.record_refusal, refused.key, refused.generation))
            self._latest = None
            if number == self._last_resort:
                return number
        token = self._obtain_or_wait(until, after_refusal=refused is not None)
        return number if token is None else token.number

    def _obtain_or_wait(self, until: float, *, after_refusal: bool) -> TokenInUse | None:
        """The next token, obtained with any key that works; None if none arrives in time."""
        holder = token_hex(8)
        key_renewals = 0
        while True:
            use = self.keys.begin_use()
            if use is None:
                self.keys.renew(-1, until)
            else:
                generation = use[0]
                try:
                    token = self._next_step(use, holder, until, after_refusal=after_refusal)
                except (CallError, KeyProblem) as error:
                    if self.keys.is_on_trial(generation):
                        self.keys.set_aside(generation, getattr(error, "code", None) or type(error).__name__)
                        continue
                    if not isinstance(error, KeyRefused):
                        raise
                    key_renewals += 1
                    if key_renewals > MAX_KEY_RENEWALS or self.keys.renew(generation, until) == generation:
                        raise
                    continue
                if token is not None:
                    return token
            if self._clock.now() >= until:
                return None

    def _next_step(self, use: tuple[int, Key], holder: str, until: float, *, after_refusal: bool) -> TokenInUse | None:
        """Use the existing token, obtain one, or wait for another caller's; None to decide again."""
        generation, key = use
        latch = Latch()
        obtained = False
        with self._lock:
            self._waiting.append(latch)
        try:
            step, stored = self._decide(key, holder)
            if isinstance(step, ObtainTokens):
                refreshable = stored.pair if step.renew is not None else None
                obtained = self._obtain(key, holder, refreshable, until)
                step, stored = use_state(self._state, partial(self._store.observe, key))
            if obtained:
                use_state(self._state, partial(self._delete_earlier, generation, key))
            if isinstance(step, UseToken):
                token = self._register(generation, key, stored)
                if token is not None and obtained and after_refusal:
                    self._last_resort = token.number
                return token
            if isinstance(step, WaitForTokens):
                seconds = min(step.until, until) - self._clock.now()
                latch.wait(self._clock.real_s(max(0.0, min(seconds, POLL_S))))
            return None
        finally:
            self.keys.end_use(generation, accepted=obtained)
            with self._lock:
                self._waiting = [other for other in self._waiting if other is not latch]

    def _decide(self, key: Key, holder: str) -> tuple[TokenStep, StoredTokens]:
        """Decide what this caller does; if it is cancelled meanwhile, others need not wait for its lease to expire."""
        try:
            return use_state(self._state, partial(self._store.decide, key, holder))
        except BaseException:
            post_to_state(self._state, partial(self._release_lease, key, holder))
            raise

    def _release_lease(self, key: Key, holder: str) -> None:
        """Let others obtain tokens. If the state fails, they can when the lease expires."""
        with suppress(StateError):
            self._store.record_failure(key, holder)

    def _obtain(self, key: Key, holder: str, refreshable: TokenPair | None, until: float) -> bool:
        """Obtain new tokens, with the refresh token or otherwise with the key.

        Returns:
            whether there are new ones; False if that failed while the old one is still valid.
        """
        now = self._clock.now()
        until = min(until, now + OBTAIN_TIMEOUT_S)
        issued: IssuedTokens | None = None
        try:
            if refreshable is not None and refreshable.refresh is not None:
                with suppress(CallError, KeyProblem):  # leaves half of the time for the key
                    issued = self._exchange.exchange_refresh_token(refreshable.refresh, (now + until) / 2)
            if issued is None:
                issued = self._exchange.exchange_key(key, until)
            record = partial(self._store.record_obtained, key, holder, issued, self._early_s)
            use_state(self._state, record)
        except BaseException as error:
            post_to_state(self._state, partial(self._release_lease, key, holder))
            if isinstance(error, CallwellError):
                step, _ = use_state(self._state, partial(self._store.observe, key))
                if isinstance(step, UseToken):
                    return False
            raise
        finally:
            with self._lock:
                waiting = self._waiting
                self._waiting = []
            for latch in waiting:
                latch.set()
        return True

    def _register(self, key_generation: int, key: Key, stored: StoredTokens) -> TokenInUse | None:
        """The stored token with its number, which is new if this client has not used the token yet."""
        if stored.pair is None:
            return None
        due_at = stored.tokens.due_at
        if self._must_wait:
            due_at = max(due_at, min(stored.tokens.ends_at, self._clock.now() + OBSERVED_S))
        token = TokenInUse(
            number=0,
            key_generation=key_generation,
            generation=stored.tokens.generation,
            key=key,
            access=stored.pair.access,
            due_at=due_at,
        )
        with self._lock:
            number = next((known.number for known in reversed(self._tokens.values()) if _is_same(known, token)), 0)
            if not number:
                self._count += 1
                number = self._count
                self._tokens.pop(number - MAX_TOKENS, None)
            token = token._replace(number=number)
            self._tokens[number] = token
            self._latest = token
        return token

    def _delete_earlier(self, key_generation: int, key: Key) -> None:
        """Remove the tokens of this client's earlier keys from the state."""
        with self._lock:
            earlier = {
                token.key.fingerprint for token in self._tokens.values() if token.key_generation < key_generation
            }
        for fingerprint in earlier - {key.fingerprint}:
            self._store.delete(fingerprint)


def _is_same(token: TokenInUse, other: TokenInUse) -> bool:
    """Whether two records are of the same token, ignoring number and due time."""
    return (
        token.key_generation == other.key_generation
        and token.generation == other.generation
        and token.key == other.key
        and token.access == other.access
    )

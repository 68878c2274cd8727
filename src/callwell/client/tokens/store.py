# SPDX-License-Identifier: Apache-2.0
"""The tokens of keys in the state: who obtains new ones, and their values, which are encrypted in a shared state.

There is one record for each key, so that an old and a new key of one account do not replace each other's tokens. Times
are monotonic seconds of the boot that wrote them. Machines that share a server compare them by its time of day; without
a server, tokens are not kept across boots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from callwell.clock import boot_id
from callwell.core import json_values
from callwell.core import tokens as core
from callwell.core.tokens import TokenState
from callwell.errors import InvalidOption, KeyMalformed, UnexpectedAnswer
from callwell.keys import Key
from callwell.keys.sealing import RecordCipher
from callwell.state import server_time
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.responses import Answer
    from callwell.clock import Clock
    from callwell.core.rules.profile import TokenRule
    from callwell.core.tokens import TokenStep
    from callwell.state.base import State

R = TypeVar("R")


class TokenPair(NamedTuple):
    """The tokens of one exchange.

    Attributes:
        access: the token that requests carry.
        refresh: the token that obtains the next ones.
    """

    access: Key
    refresh: Key | None


class IssuedTokens(NamedTuple):
    """Tokens that a provider has just issued.

    Attributes:
        pair: the tokens.
        asked_at: monotonic seconds at which the exchange began.
        expires_in_s: how long the access token is valid.
    """

    pair: TokenPair
    asked_at: float
    expires_in_s: float


class StoredTokens(NamedTuple):
    """The state's contents about a key's tokens.

    Attributes:
        tokens: their times, and who is obtaining the next.
        pair: their values; None if there are none yet.
    """

    tokens: TokenState
    pair: TokenPair | None


class TokenRecord(NamedTuple):
    """The record of one key.

    Attributes:
        tokens: their times, and who is obtaining the next.
        content: the pair: in plain text in this process's own state, encrypted in a shared one.
        boot: the boot and clock that the times belong to.
        wall_offset_s: the server's time of day minus that clock, for other machines; 0 without a server.
    """

    tokens: TokenState = TokenState()
    content: Any = None
    boot: str = ""
    wall_offset_s: float = 0.0


class TokenStore:
    """The tokens of all keys of one account.

    Args:
        account: its name in the state.
        state: where the records are.
        clock: the source of the times in them.
    """

    def __init__(self, account: str, state: State, clock: Clock) -> None:
        self._account = account
        self._state = state
        self._clock = clock
        self._boot = f"{boot_id()} {clock}"
        self._wall_offset_s = 0.0
        self._ciphers: dict[str, RecordCipher] = {}

    def check(self) -> None:
        """Raise if tokens cannot be stored.

        Raises:
            UsageError: they would have to be encrypted, and the package for that is not installed.
        """
        if self._state.shared:
            RecordCipher(Key("any"), "")

    def observe(self, key: Key) -> tuple[TokenStep, StoredTokens]:
        """What a caller would do now, without changing the state: see `core.tokens.decide`."""
        stored = self._read(key, self._state.read(self._cell(key)))
        _, step = core.decide(stored.tokens, key.fingerprint, "", self._clock.now())
        return step, stored

    def decide(self, key: Key, holder: str) -> tuple[TokenStep, StoredTokens]:
        """Decide what a caller does to get a token, and take the lease if it obtains one: see `core.tokens.decide`.

        Args:
            key: the key.
            holder: the name under which the caller would obtain tokens.
        """

        def change(stored: StoredTokens) -> tuple[TokenState, tuple[TokenStep, StoredTokens]]:
            tokens, step = core.decide(stored.tokens, key.fingerprint, holder, self._clock.now())
            return tokens, (step, stored._replace(tokens=tokens))

        return self._change(key, change)

    def record_obtained(self, key: Key, holder: str, issued: IssuedTokens, early_s: float) -> None:
        """Store new tokens.

        Args:
            key: the key that they were obtained with.
            holder: who obtained them.
            issued: the tokens.
            early_s: how long before their expiry the next ones are obtained.
        """

        def change(stored: StoredTokens) -> tuple[TokenState, None]:
            tokens = core.record_obtained(
                stored.tokens,
                key.fingerprint,
                holder,
                asked_at=issued.asked_at,
                expires_in_s=issued.expires_in_s,
                early_s=early_s,
                renewable=issued.pair.refresh is not None,
            )
            return tokens, None

        self._change(key, change, issued.pair)

    def record_failure(self, key: Key, holder: str) -> None:
        """Record that an exchange failed."""
        now = self._clock.now()
        self._change(key, lambda stored: (core.record_failure(stored.tokens, key.fingerprint, holder, now), None))

    def record_refusal(self, key: Key, generation: int) -> None:
        """Record that the provider refused a token before its expiry."""
        self._change(key, lambda stored: (core.record_refusal(stored.tokens, key.fingerprint, generation), None))

    def delete(self, fingerprint: str) -> None:
        """Remove the tokens of a key."""
        self._state.remove(f"tokens:{self._account}:{fingerprint}")

    def _change(
        self, key: Key, change: Callable[[StoredTokens], tuple[TokenState, R]], pair: TokenPair | None = None
    ) -> R:
        """Change the record of a key in one step.

        Args:
            key: the key.
            change: takes the stored tokens, and returns the new state and a result.
            pair: the values to store if the change starts a new generation.

        Returns:
            that result.
        """

        def change_record(record: TokenRecord) -> tuple[TokenRecord, R]:
            ahead = server_time.ahead_s(self._state, self._clock)
            if ahead is not None:
                self._wall_offset_s = self._clock.wall() + ahead - self._clock.now()
            stored = self._read(key, record)
            tokens, answer = change(stored)
            content = record.content
            if pair is not None and tokens.generation != stored.tokens.generation:
                content = self._encrypt(key, pair) if self._state.shared else pair
            changed = TokenRecord(tokens, content, boot=self._boot, wall_offset_s=self._wall_offset_s)
            return changed, answer

        return self._state.update(self._cell(key), change_record)

    def _read(self, key: Key, record: TokenRecord) -> StoredTokens:
        """The contents of a record; no tokens if their times cannot be read here, or they cannot be decrypted."""
        pair = self._decrypt(key, record.content)
        tokens = record.tokens
        is_known = record.boot == self._boot
        if not is_known and record.wall_offset_s and self._wall_offset_s:
            is_known = True
            tokens = core.shift_times(tokens, record.wall_offset_s - self._wall_offset_s, self._clock.now())
        if not is_known or (tokens.ends_at and pair is None):
            return StoredTokens(TokenState(key.fingerprint, tokens.generation), None)
        return StoredTokens(tokens, pair)

    def _encrypt(self, key: Key, pair: TokenPair) -> bytes:
        refresh = None if pair.refresh is None else pair.refresh.reveal()
        return self._cipher(key).encrypt(msgspec.json.encode([pair.access.reveal(), refresh]))

    def _decrypt(self, key: Key, content: Any) -> TokenPair | None:
        if isinstance(content, TokenPair) or content is None:
            return content
        text = self._cipher(key).decrypt(content)
        if text is None:
            return None
        access, refresh = msgspec.json.decode(text)
        return TokenPair(Key(access), Key(refresh) if refresh else None)

    def _cipher(self, key: Key) -> RecordCipher:
        """The cipher of a key's record, cached because deriving one takes as long as many calls."""
        cipher = self._ciphers.get(key.fingerprint)
        return cipher or self._ciphers.setdefault(key.fingerprint, RecordCipher(key, self._cell(key).key))

    def _cell(self, key: Key) -> Cell[TokenRecord]:
        name = f"tokens:{self._account}:{key.fingerprint}"
        return Cell(name, TokenRecord, empty=TokenRecord(), damaged=TokenRecord())


def parse_tokens(rule: TokenRule, answer: Answer, asked_at: float, *, provider: str, operation: str) -> IssuedTokens:
    """The tokens in a response.

    Args:
        rule: where the response has them.
        answer: the response.
        asked_at: monotonic seconds at which the exchange began.
        provider: the provider's name.
        operation: the operation that was called.

    Raises:
        UnexpectedAnswer: the response does not hold tokens as the rule says.
    """
    issued = _parse(rule, answer.json, asked_at)
    if issued is None:
        status = answer.status
        attempts = answer.attempts
        del answer  # an error reporter would write it down
        raise UnexpectedAnswer(
            f"{provider} {operation}: {status}: the response does not hold tokens as the description says",
            status=status,
            provider=provider,
            operation=operation,
            attempts=attempts,
            outcome="done",
        )
    return issued


def _parse(rule: TokenRule, body: Any, asked_at: float) -> IssuedTokens | None:
    access = json_values.value_at(body, rule.access_at)
    refresh = json_values.value_at(body, rule.refresh_at)
    expires_in_s = json_values.value_at(body, rule.expires_at)
    if not _is_header_text(access):
        return None
    if isinstance(expires_in_s, bool) or not isinstance(expires_in_s, int | float) or expires_in_s <= 0:
        return None
    pair = TokenPair(Key(access), Key(refresh) if _is_header_text(refresh) else None)
    return IssuedTokens(pair=pair, asked_at=asked_at, expires_in_s=float(expires_in_s))


def bind_secret(handle: OperationHandle, argument: str, secret: Key) -> BoundRequest:
    """The request of an operation with a secret as its only argument.

    Args:
        handle: the operation.
        argument: the argument's name.
        secret: the secret.

    Raises:
        KeyMalformed: the operation does not take such a string; neither the message nor a frame holds it.
    """
    try:
        return handle.binder.bind({argument: secret.reveal()})
    except InvalidOption:
        pass  # its frames and its text hold the secret
    raise KeyMalformed(f"{handle.plan.operation}: the secret is not a string that the operation takes as {argument}")


def _is_header_text(text: Any) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable() and bool(text.strip())

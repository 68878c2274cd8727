# SPDX-License-Identifier: Apache-2.0
"""The tokens of keys in the state: who gets new ones, and their texts, which a shared state holds sealed.

One record for each key, so that two keys of one account, an old one and a new one, do not put out each other's tokens.
Times are monotonic seconds of this boot: after another boot there are no tokens yet.
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
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.responses import Answer
    from callwell.clock import Clock
    from callwell.core.rules.profile import TokenRule
    from callwell.core.tokens import ObtainTokens, UseToken, WaitForTokens
    from callwell.state.base import State

R = TypeVar("R")


class TokenPair(NamedTuple):
    """The tokens that came together.

    Attributes:
        access: the one that is shown.
        refresh: the one for renewal.
    """

    access: Key
    refresh: Key | None


class IssuedTokens(NamedTuple):
    """Tokens that have just come.

    Attributes:
        pair: the tokens.
        asked_at: when they were asked for.
        lasts_s: for how long the first one is good.
    """

    pair: TokenPair
    asked_at: float
    lasts_s: float


class StoredTokens(NamedTuple):
    """What is known of a key's tokens now.

    Attributes:
        tokens: who may do what.
        pair: their texts, None if there are none yet.
    """

    tokens: TokenState
    pair: TokenPair | None


class TokenRecord(NamedTuple):
    """The record.

    Attributes:
        tokens: who may do what.
        content: the pair: as it is where nobody else sees it, else sealed.
        boot: of which boot and clock the times are.
    """

    tokens: TokenState = TokenState()
    content: Any = None
    boot: str = ""


class TokenStore:
    """The tokens of all keys of one account.

    Args:
        account: its name in the state.
        state: where the records are.
        clock: whose seconds are in them.
    """

    def __init__(self, account: str, state: State, clock: Clock) -> None:
        self._account = account
        self._state = state
        self._clock = clock
        self._boot = f"{boot_id()} {clock}"
        self._ciphers: dict[str, RecordCipher] = {}

    def check(self, key: Key) -> None:
        """See that the tokens of a key can be kept.

        Raises:
            UsageError: they would have to be sealed, and the package for it is not installed.
        """
        if self._state.shared:
            self._cipher(key)

    def observe(self, key: Key) -> tuple[UseToken | ObtainTokens | WaitForTokens, StoredTokens]:
        """What one who asks would be told now."""
        found = self._read(key, self._state.read(self._cell(key)))
        return core.decide(found.tokens, key.fingerprint, "", self._clock.now())[1], found

    def decide(self, key: Key, holder: str) -> tuple[UseToken | ObtainTokens | WaitForTokens, StoredTokens]:
        """What one who wants to make a call does: see `core.tokens.decide`.

        Args:
            key: the key.
            holder: who asks.
        """

        def change(
            found: StoredTokens,
        ) -> tuple[TokenState, tuple[UseToken | ObtainTokens | WaitForTokens, StoredTokens]]:
            tokens, told = core.decide(found.tokens, key.fingerprint, holder, self._clock.now())
            return tokens, (told, found._replace(tokens=tokens))

        return self._change(key, change)

    def record_obtained(self, key: Key, holder: str, fresh: IssuedTokens, early_s: float) -> None:
        """New tokens came.

        Args:
            key: by which they were got.
            holder: who got them.
            fresh: the tokens.
            early_s: how long before their end they are renewed.
        """

        def change(found: StoredTokens) -> tuple[TokenState, None]:
            renewable = fresh.pair.refresh is not None
            after = core.record_obtained(
                *(found.tokens, key.fingerprint, holder),
                asked_at=fresh.asked_at,
                lasts_s=fresh.lasts_s,
                early_s=early_s,
                renewable=renewable,
            )
            return after, None

        self._change(key, change, fresh.pair)

    def record_failure(self, key: Key, holder: str) -> None:
        """No tokens came."""
        now, mark = self._clock.now(), key.fingerprint
        self._change(key, lambda found: (core.record_failure(found.tokens, mark, holder, now), None))

    def record_refusal(self, key: Key, generation: int) -> None:
        """The provider has refused a token before its time."""
        self._change(key, lambda found: (core.record_refusal(found.tokens, key.fingerprint, generation), None))

    def forget(self, fingerprint: str) -> None:
        """The tokens of a key are not wanted any more."""
        self._state.remove(f"tokens:{self._account}:{fingerprint}")

    def _change(
        self, key: Key, change: Callable[[StoredTokens], tuple[TokenState, R]], fresh: TokenPair | None = None
    ) -> R:
        """Change what is known; `fresh` takes the place of the texts if it brings another generation."""

        def changed(record: TokenRecord) -> tuple[TokenRecord, R]:
            found = self._read(key, record)
            tokens, answer = change(found)
            new = fresh is not None and tokens.generation != found.tokens.generation
            content = self._encrypt(key, fresh) if new else record.content
            return TokenRecord(tokens, content, self._boot), answer

        return self._state.update(self._cell(key), changed)

    def _read(self, key: Key, record: TokenRecord) -> StoredTokens:
        tokens, pair = record.tokens, self._decrypt(key, record.content)
        if record.boot != self._boot or (tokens.ends_at and pair is None):
            return StoredTokens(TokenState(key.fingerprint, tokens.generation), None)
        return StoredTokens(tokens, pair)

    def _encrypt(self, key: Key, pair: TokenPair | None) -> Any:
        if pair is None or not self._state.shared:
            return pair
        return self._cipher(key).encrypt(
            msgspec.json.encode([pair.access.reveal(), pair.refresh and pair.refresh.reveal()])
        )

    def _decrypt(self, key: Key, content: Any) -> TokenPair | None:
        if isinstance(content, TokenPair) or content is None:
            return content
        text = self._cipher(key).decrypt(content)
        if text is None:
            return None
        access, refresh = msgspec.json.decode(text)
        return TokenPair(Key(access), Key(refresh) if refresh else None)

    def _cipher(self, key: Key) -> RecordCipher:
        found = self._ciphers.get(key.fingerprint)
        return found or self._ciphers.setdefault(key.fingerprint, RecordCipher(key, self._cell(key).key))

    def _cell(self, key: Key) -> Cell[TokenRecord]:
        return Cell(f"tokens:{self._account}:{key.fingerprint}", TokenRecord, TokenRecord(), TokenRecord())


def parse_tokens(rule: TokenRule, answer: Answer, asked_at: float, *, provider: str, operation: str) -> IssuedTokens:
    """The tokens that an answer holds.

    Args:
        rule: where it has them.
        answer: the answer.
        asked_at: when they were asked for.
        provider: the provider's name.
        operation: that was asked.

    Raises:
        UnexpectedAnswer: it does not hold what it should.
    """
    found = _parse(rule, answer.json, asked_at)
    if found is None:
        status = answer.status
        attempts = answer.attempts
        del answer  # an error reporter would write it down
        raise UnexpectedAnswer(
            f"{provider} {operation}: {status}: the answer does not hold tokens as the description says",
            status=status,
            provider=provider,
            operation=operation,
            attempts=attempts,
            outcome="done",
        )
    return found


def _parse(rule: TokenRule, body: Any, asked_at: float) -> IssuedTokens | None:
    access = json_values.value_at(body, rule.access_at)
    refresh = json_values.value_at(body, rule.refresh_at)
    lasts_s = json_values.value_at(body, rule.expires_at)
    if not _is_header_text(access) or isinstance(lasts_s, bool) or not isinstance(lasts_s, int | float) or lasts_s <= 0:
        return None
    return IssuedTokens(
        TokenPair(Key(access), Key(refresh) if _is_header_text(refresh) else None), asked_at, float(lasts_s)
    )


def bind_secret(called: OperationHandle, argument: str, secret: Key) -> BoundRequest:
    """The request of an operation with a secret for its only argument.

    Args:
        called: the operation.
        argument: its name.
        secret: the secret.

    Raises:
        KeyMalformed: the operation does not take such a text; the message does not hold it, nor does any frame.
    """
    try:
        return called.binder.bind({argument: secret.reveal()})
    except InvalidOption:
        pass  # its frames and its text hold the secret
    raise KeyMalformed(f"{called.plan.operation}: the secret is not a text that the operation takes as {argument}")


def _is_header_text(text: Any) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable() and bool(text.strip())

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
from callwell.core.tokens import Tokens
from callwell.errors import InvalidOption, KeyMalformed, UnexpectedAnswer
from callwell.keys import Key
from callwell.keys.seal import Seal
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.calls.binding import Bound
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.responses import Answer
    from callwell.clock import Clock
    from callwell.core.rules.profile import TokenRule
    from callwell.core.tokens import Obtain, TokenWait, Use
    from callwell.state.base import State

R = TypeVar("R")


class Pair(NamedTuple):
    """The tokens that came together.

    Attributes:
        access: the one that is shown.
        refresh: the one for renewal.
    """

    access: Key
    refresh: Key | None


class Fresh(NamedTuple):
    """Tokens that have just come.

    Attributes:
        pair: the tokens.
        asked_at: when they were asked for.
        lasts_s: for how long the first one is good.
    """

    pair: Pair
    asked_at: float
    lasts_s: float


class Found(NamedTuple):
    """What is known of a key's tokens now.

    Attributes:
        tokens: who may do what.
        pair: their texts, None if there are none yet.
    """

    tokens: Tokens
    pair: Pair | None


class Record(NamedTuple):
    """The record.

    Attributes:
        tokens: who may do what.
        content: the pair: as it is where nobody else sees it, else sealed.
        boot: of which boot and clock the times are.
    """

    tokens: Tokens = Tokens()
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
        self._seals: dict[str, Seal] = {}

    def check(self, key: Key) -> None:
        """See that the tokens of a key can be kept.

        Raises:
            UsageError: they would have to be sealed, and the package for it is not installed.
        """
        if self._state.shared:
            self._seal(key)

    def look(self, key: Key) -> tuple[Use | Obtain | TokenWait, Found]:
        """What one who asks would be told now."""
        found = self._found(key, self._state.read(self._cell(key)))
        return core.ask(found.tokens, key.fingerprint, "", self._clock.now())[1], found

    def ask(self, key: Key, holder: str) -> tuple[Use | Obtain | TokenWait, Found]:
        """What one who wants to make a call does: see `core.tokens.ask`.

        Args:
            key: the key.
            holder: who asks.
        """

        def change(found: Found) -> tuple[Tokens, tuple[Use | Obtain | TokenWait, Found]]:
            tokens, told = core.ask(found.tokens, key.fingerprint, holder, self._clock.now())
            return tokens, (told, found._replace(tokens=tokens))

        return self._change(key, change)

    def obtained(self, key: Key, holder: str, fresh: Fresh, early_s: float) -> None:
        """New tokens came.

        Args:
            key: by which they were got.
            holder: who got them.
            fresh: the tokens.
            early_s: how long before their end they are renewed.
        """

        def change(found: Found) -> tuple[Tokens, None]:
            renewable = fresh.pair.refresh is not None
            after = core.obtained(
                *(found.tokens, key.fingerprint, holder),
                asked_at=fresh.asked_at,
                lasts_s=fresh.lasts_s,
                early_s=early_s,
                renewable=renewable,
            )
            return after, None

        self._change(key, change, fresh.pair)

    def failed(self, key: Key, holder: str) -> None:
        """No tokens came."""
        now, mark = self._clock.now(), key.fingerprint
        self._change(key, lambda found: (core.failed(found.tokens, mark, holder, now), None))

    def refused(self, key: Key, generation: int) -> None:
        """The provider has refused a token before its time."""
        self._change(key, lambda found: (core.refused(found.tokens, key.fingerprint, generation), None))

    def forget(self, fingerprint: str) -> None:
        """The tokens of a key are not wanted any more."""
        self._state.remove(f"tokens:{self._account}:{fingerprint}")

    def _change(self, key: Key, change: Callable[[Found], tuple[Tokens, R]], fresh: Pair | None = None) -> R:
        """Change what is known; `fresh` takes the place of the texts if it brings another generation."""

        def changed(record: Record) -> tuple[Record, R]:
            found = self._found(key, record)
            tokens, answer = change(found)
            new = fresh is not None and tokens.generation != found.tokens.generation
            content = self._closed(key, fresh) if new else record.content
            return Record(tokens, content, self._boot), answer

        return self._state.update(self._cell(key), changed)

    def _found(self, key: Key, record: Record) -> Found:
        tokens, pair = record.tokens, self._opened(key, record.content)
        if record.boot != self._boot or (tokens.ends_at and pair is None):
            return Found(Tokens(key.fingerprint, tokens.generation), None)
        return Found(tokens, pair)

    def _closed(self, key: Key, pair: Pair | None) -> Any:
        if pair is None or not self._state.shared:
            return pair
        return self._seal(key).close(
            msgspec.json.encode([pair.access.reveal(), pair.refresh and pair.refresh.reveal()])
        )

    def _opened(self, key: Key, content: Any) -> Pair | None:
        if isinstance(content, Pair) or content is None:
            return content
        text = self._seal(key).open(content)
        if text is None:
            return None
        access, refresh = msgspec.json.decode(text)
        return Pair(Key(access), Key(refresh) if refresh else None)

    def _seal(self, key: Key) -> Seal:
        found = self._seals.get(key.fingerprint)
        return found or self._seals.setdefault(key.fingerprint, Seal(key, self._cell(key).key))

    def _cell(self, key: Key) -> Cell[Record]:
        return Cell(f"tokens:{self._account}:{key.fingerprint}", Record, Record(), Record())


def fresh(rule: TokenRule, answer: Answer, asked_at: float, *, provider: str, operation: str) -> Fresh:
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
    found = _read(rule, answer.json, asked_at)
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


def _read(rule: TokenRule, body: Any, asked_at: float) -> Fresh | None:
    access = json_values.value_at(body, rule.access_at)
    refresh = json_values.value_at(body, rule.refresh_at)
    lasts_s = json_values.value_at(body, rule.expires_at)
    if not _can_be_shown(access) or isinstance(lasts_s, bool) or not isinstance(lasts_s, int | float) or lasts_s <= 0:
        return None
    return Fresh(Pair(Key(access), Key(refresh) if _can_be_shown(refresh) else None), asked_at, float(lasts_s))


def secret_bound(called: OperationHandle, argument: str, secret: Key) -> Bound:
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


def _can_be_shown(text: Any) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable() and bool(text.strip())

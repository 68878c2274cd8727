# SPDX-License-Identifier: Apache-2.0
"""Tokens that end, got by a key: who may use them, and who gets new ones, one at a time.

::

           ask: ObtainTokens(None)           obtained                due: ObtainTokens(1)                obtained
      NONE ────────────────────> LEASED ────────> HELD ─────────────────────> HELD, LEASED ────────> HELD
        ^                          │ failed         │ refused, or ended         │ failed: the key is next
        └──────────────────────────┴────────────────┴───────────────────────────┘

Of all who ask, one is told to obtain tokens, under a lease; the others go on with the token that they have while it is
good, and wait only if there is none. A lease whose holder has died ends, and the next who asks takes over.

A token for renewal is used up by its first use, so it is struck out in the same step in which it is given out: whatever
becomes of that renewal, the next one goes by the key. So it can never be used twice, by nobody, and a lost answer costs
one more request and no failed call.

This state holds no token: who drives it keeps the texts by their generation. It can be stored and logged.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core.rules.profile import CodeRule

if TYPE_CHECKING:
    from callwell.core.rules.profile import Profile, TokenRule

OBTAIN_TIMEOUT_S: Final = 20.0
"""How long one who obtains tokens takes at the most, repetitions included."""

LEASE_S: Final = 30.0
"""For how long one who obtains tokens is waited for: its time, and half as much again."""

RETRY_PAUSE_S: Final = 10.0
"""After a renewal that failed, how long the next one is put off while the token is still good."""


class TokenLease(NamedTuple):
    """That one is obtaining tokens.

    Attributes:
        holder: who.
        until: monotonic seconds after which somebody else may.
    """

    holder: str
    until: float


class TokenState(NamedTuple):
    """What is known of the tokens of one key.

    Attributes:
        key: the fingerprint of the key by which they were got.
        generation: of the token; grows with every new one; 0 if there was none yet.
        due_at: when it is to be renewed, in monotonic seconds.
        ends_at: when it is good no more.
        renewable: the token for its renewal has not been given out.
        lease: who is obtaining the next.
    """

    key: str = ""
    generation: int = 0
    due_at: float = 0.0
    ends_at: float = 0.0
    renewable: bool = False
    lease: TokenLease | None = None


class UseToken(NamedTuple):
    """Use the token of this generation."""

    generation: int


class ObtainTokens(NamedTuple):
    """Get new tokens, and tell by `record_obtained` or `record_failure`.

    Attributes:
        renew: by the token for renewal of this generation; by the key if None.
    """

    renew: int | None


class WaitForTokens(NamedTuple):
    """Somebody else is getting new tokens: ask again when they are there, or at this time."""

    until: float


def decide(
    tokens: TokenState, key: str, holder: str, now: float, lease_s: float = LEASE_S
) -> tuple[TokenState, UseToken | ObtainTokens | WaitForTokens]:
    """What one who wants to make a call does.

    Args:
        tokens: what is known.
        key: the fingerprint of the key that is in use.
        holder: who asks, if they are to obtain tokens: a name that nobody else has.
        now: monotonic seconds.
        lease_s: for how long they are waited for.
    """
    if tokens.key != key:
        tokens = TokenState(key, tokens.generation)
    good = now < tokens.ends_at
    if good and now < tokens.due_at:
        return tokens, UseToken(tokens.generation)
    if tokens.lease is not None and now < tokens.lease.until:
        return tokens, UseToken(tokens.generation) if good else WaitForTokens(tokens.lease.until)
    leased = tokens._replace(renewable=False, lease=TokenLease(holder, now + lease_s))
    return leased, ObtainTokens(tokens.generation if tokens.renewable else None)


def record_obtained(
    tokens: TokenState, key: str, holder: str, *, asked_at: float, lasts_s: float, early_s: float, renewable: bool
) -> TokenState:
    """What is known after new tokens came. Those that came after their lease had gone to another are not kept.

    Args:
        tokens: what was known.
        key: the fingerprint of the key by which they were got.
        holder: who got them.
        asked_at: when they were asked for: from then on their time is counted.
        lasts_s: for how long the first one is good.
        early_s: how long before its end it is renewed; at half its time at the earliest.
        renewable: there is one for renewal.
    """
    if not _leased_to(tokens, key, holder):
        return tokens
    due_at = asked_at + max(lasts_s - early_s, lasts_s / 2)
    return TokenState(key, tokens.generation + 1, due_at, asked_at + lasts_s, renewable)


def record_failure(tokens: TokenState, key: str, holder: str, now: float) -> TokenState:
    """What is known after no tokens came: the next who asks may try, by the key; not at once where there is one yet.

    Args:
        tokens: what was known.
        key: the fingerprint of the key by which they were to be got.
        holder: who tried.
        now: monotonic seconds.
    """
    if not _leased_to(tokens, key, holder):
        return tokens
    return tokens._replace(lease=None, due_at=min(now + RETRY_PAUSE_S, tokens.ends_at))


def record_refusal(tokens: TokenState, key: str, generation: int) -> TokenState:
    """What is known after the provider has refused a token before its time: nothing new if there is a newer one."""
    same = tokens.key == key and tokens.generation == generation
    return tokens._replace(due_at=0.0, ends_at=0.0) if same else tokens


def _leased_to(tokens: TokenState, key: str, holder: str) -> bool:
    return tokens.key == key and tokens.lease is not None and tokens.lease.holder == holder


def to_token_profile(profile: Profile, rule: TokenRule) -> Profile:
    """How a provider behaves towards one who shows tokens: what refuses a token asks for another, as for a dead key.

    Args:
        profile: how it behaves towards one who shows a key.
        rule: how the key is traded.
    """
    codes = profile.errors.codes
    dead = {code: dataclasses.replace(codes.get(code, CodeRule(status=401)), dead_key=True) for code in rule.dead}
    return dataclasses.replace(
        profile,
        key=dataclasses.replace(profile.key, scheme="bearer"),
        errors=dataclasses.replace(profile.errors, codes=codes | dead),
    )

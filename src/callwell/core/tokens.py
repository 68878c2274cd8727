# SPDX-License-Identifier: Apache-2.0
"""Tokens that expire, obtained with a key: who may use the current one, and who obtains the next.

Many calls, threads and processes share one token. When it expires, exactly one of them should obtain the next, and a
process that dies while it does so must not stop the others. A lease ensures both: the first caller gets it and obtains
tokens, and all others use the old token while it is valid, and wait only if there is none. A lease expires by itself,
so the next caller takes over from a dead holder. The states of the tokens of one key::

           decide: ObtainTokens(None)     obtained           due: ObtainTokens(1)              obtained
      NONE ──────────────────────> LEASED ────────> VALID ─────────────────> VALID, LEASED ────────> VALID
        ^                            │ failed         │ refused, or expired         │ failed: the key is next
        └────────────────────────────┴────────────────┴─────────────────────────────┘

A refresh token can be used only once. So it is removed in the same step that hands it out: no matter how that exchange
ends, the next one uses the key. It cannot be used twice, and a lost response costs one more request but no failed call.

A result that arrives after its lease has passed to another holder is dropped (`_holds_lease`), so the younger exchange
always wins.

This state contains no token: the caller keeps their values by generation. It can be stored and logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec.structs import replace

from callwell.core.rules.profile import CodeRule

if TYPE_CHECKING:
    from callwell.core.rules.profile import Profile, TokenRule

OBTAIN_TIMEOUT_S: Final = 20.0
"""The deadline of an exchange, retries included: ordinary ones take less than a second, and calls wait 30 s at most."""

LEASE_S: Final = 30.0
"""How long others wait for the holder of a lease: 1.5 times the deadline of its exchange."""

RETRY_PAUSE_S: Final = 10.0
"""How long the next exchange is postponed after a failed one, while the token is still valid: a provider that is down
then sees six requests a minute, not one per call."""


class TokenLease(NamedTuple):
    """The right to obtain tokens.

    Attributes:
        holder: a unique name.
        until: monotonic seconds after which another may take over.
    """

    holder: str
    until: float


class TokenState(NamedTuple):
    """What is known about the tokens of one key.

    Attributes:
        key: the fingerprint of the key that they were obtained with.
        generation: of the token; grows with every new one; 0 if there has been none.
        due_at: when the next one should be obtained, in monotonic seconds.
        ends_at: when the token expires, in monotonic seconds.
        renewable: its refresh token has not been handed out.
        lease: the lease of the holder that is obtaining the next one.
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
    """Obtain new tokens, and report by `record_obtained` or `record_failure`.

    Attributes:
        renew: use the refresh token of this generation; None to use the key.
    """

    renew: int | None


class WaitForTokens(NamedTuple):
    """Another holder is obtaining tokens: decide again when they have arrived, or at this time.

    Attributes:
        until: monotonic seconds at which the lease expires.
    """

    until: float


TokenStep: TypeAlias = UseToken | ObtainTokens | WaitForTokens
"""The next step of a caller that needs a token."""


def decide(
    tokens: TokenState, key: str, holder: str, now: float, lease_s: float = LEASE_S
) -> tuple[TokenState, TokenStep]:
    """Decide the next step of a caller that needs a token.

    Args:
        tokens: what is known.
        key: the fingerprint of the key in use.
        holder: the unique name under which the caller would obtain tokens.
        now: monotonic seconds.
        lease_s: how long others wait for a holder.

    Returns:
        the new state, and the caller's step.
    """
    if tokens.key != key:
        tokens = TokenState(key, tokens.generation)
    is_valid = now < tokens.ends_at
    if is_valid and now < tokens.due_at:
        return tokens, UseToken(tokens.generation)
    if tokens.lease is not None and now < tokens.lease.until:
        if is_valid:
            return tokens, UseToken(tokens.generation)
        return tokens, WaitForTokens(tokens.lease.until)
    leased = tokens._replace(renewable=False, lease=TokenLease(holder, now + lease_s))
    return leased, ObtainTokens(tokens.generation if tokens.renewable else None)


def record_obtained(
    tokens: TokenState, key: str, holder: str, *, asked_at: float, expires_in_s: float, early_s: float, renewable: bool
) -> TokenState:
    """The state after an exchange succeeded; unchanged if the lease has passed to another holder.

    Args:
        tokens: what was known.
        key: the fingerprint of the key that they were obtained with.
        holder: who obtained them.
        asked_at: monotonic seconds at which the exchange began; the token's lifetime cannot have started earlier.
        expires_in_s: how long the access token is valid.
        early_s: how long before its expiry the next one is obtained, but not before half of its lifetime.
        renewable: a refresh token came with it.
    """
    if not _holds_lease(tokens, key, holder):
        return tokens
    due_at = asked_at + max(expires_in_s - early_s, expires_in_s / 2)
    return TokenState(
        key=key,
        generation=tokens.generation + 1,
        due_at=due_at,
        ends_at=asked_at + expires_in_s,
        renewable=renewable,
    )


def record_failure(tokens: TokenState, key: str, holder: str, now: float) -> TokenState:
    """The state after a failed exchange: another may try, with the key, after a pause if the token is still valid.

    Args:
        tokens: what was known.
        key: the fingerprint of the key of the exchange.
        holder: who tried.
        now: monotonic seconds.
    """
    if not _holds_lease(tokens, key, holder):
        return tokens
    return tokens._replace(lease=None, due_at=min(now + RETRY_PAUSE_S, tokens.ends_at))


def record_refusal(tokens: TokenState, key: str, generation: int) -> TokenState:
    """The state after the provider refused a token before its expiry; unchanged if there is a newer one."""
    if tokens.key != key or tokens.generation != generation:
        return tokens
    return tokens._replace(due_at=0.0, ends_at=0.0)


def shift_times(tokens: TokenState, seconds: float, now: float) -> TokenState:
    """The state with its times on another clock.

    A lease that would last twice as long as usual was written before the clock between the two was set back. It counts
    as ended: two concurrent exchanges are harmless, but a lease of a day is not.

    Args:
        tokens: the state.
        seconds: by how much the other clock is ahead.
        now: the time on the other clock.
    """
    lease = tokens.lease
    if lease is not None:
        until = lease.until + seconds
        lease = lease._replace(until=until) if until <= now + 2 * LEASE_S else None
    return tokens._replace(
        due_at=tokens.due_at and tokens.due_at + seconds,  # 0 means never
        ends_at=tokens.ends_at and tokens.ends_at + seconds,
        lease=lease,
    )


def _holds_lease(tokens: TokenState, key: str, holder: str) -> bool:
    return tokens.key == key and tokens.lease is not None and tokens.lease.holder == holder


def to_token_profile(profile: Profile, rule: TokenRule) -> Profile:
    """The profile of a provider for requests that carry a token: a refused token asks for another, as a dead key does.

    Args:
        profile: for requests that carry a key.
        rule: how a key is exchanged for tokens.
    """
    codes = profile.errors.codes
    unlisted = CodeRule(status=401)
    dead = {code: replace(codes.get(code, unlisted), dead_key=True) for code in rule.dead_codes}
    return replace(
        profile,
        key=replace(profile.key, scheme="bearer"),
        errors=replace(profile.errors, codes=codes | dead),
    )

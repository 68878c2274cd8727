# SPDX-License-Identifier: Apache-2.0
"""Tokens that end: one at a time gets new ones, no refresh token is used twice, and no caller waits for the dead."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from callwell.core import tokens
from callwell.core.tokens import LEASE_S, RETRY_PAUSE_S, ObtainTokens, TokenLease, TokenState, UseToken, WaitForTokens

NONE: Final = TokenState()
HELD: Final = TokenState("k", 1, due_at=3540.0, ends_at=3600.0, renewable=True)


def got(state: TokenState, holder: str, *, at: float = 0.0, expires_in_s: float = 3600.0) -> TokenState:
    """The state after somebody has got tokens."""
    return tokens.record_obtained(
        state, "k", holder, asked_at=at, expires_in_s=expires_in_s, early_s=60.0, renewable=True
    )


def test_the_first_who_asks_gets_tokens_by_the_key() -> None:
    """The others wait for them, and use them when they are there."""
    state, reported = tokens.decide(NONE, "k", "a", 10.0)
    assert reported == ObtainTokens(None)
    assert tokens.decide(state, "k", "b", 11.0) == (state, WaitForTokens(10.0 + LEASE_S))
    state = got(state, "a", at=10.0)
    assert tokens.decide(state, "k", "b", 12.0) == (state, UseToken(1))


def test_a_token_is_renewed_before_its_end() -> None:
    """One renews it; all others go on with it until it ends."""
    assert tokens.decide(HELD, "k", "a", 3539.0) == (HELD, UseToken(1))
    state, reported = tokens.decide(HELD, "k", "a", 3580.0)
    assert reported == ObtainTokens(1)
    assert tokens.decide(state, "k", "b", 3599.0) == (state, UseToken(1))
    assert tokens.decide(state, "k", "b", 3600.0)[1] == WaitForTokens(3580.0 + LEASE_S)
    assert tokens.decide(got(state, "a", at=3580.0), "k", "b", 3600.0)[1] == UseToken(2)


@pytest.mark.parametrize(("expires_in_s", "due_at"), [(3600.0, 3540.0), (100.0, 50.0), (10.0, 5.0)])
def test_short_tokens_are_used_for_half_their_time(expires_in_s: float, due_at: float) -> None:
    """A token that lasts less than its renewal is early is not renewed without end."""
    state = got(tokens.decide(NONE, "k", "a", 0.0)[0], "a", expires_in_s=expires_in_s)
    assert (state.due_at, state.ends_at) == (due_at, expires_in_s)


def test_after_a_failed_renewal_the_key_is_next() -> None:
    """The token for renewal may have been used up: it is not tried again."""
    state = tokens.record_failure(tokens.decide(HELD, "k", "a", 3540.0)[0], "k", "a", 3541.0)
    assert tokens.decide(state, "k", "b", 3541.0 + RETRY_PAUSE_S)[1] == ObtainTokens(None)


def test_a_failed_renewal_stops_nobody_while_the_token_is_good() -> None:
    """All go on with it, and the next one is tried after a pause, or when it ends."""
    state = tokens.record_failure(tokens.decide(HELD, "k", "a", 3540.0)[0], "k", "a", 3541.0)
    assert tokens.decide(state, "k", "b", 3541.0) == (state, UseToken(1))
    late = tokens.record_failure(tokens.decide(HELD, "k", "a", 3595.0)[0], "k", "a", 3596.0)
    assert tokens.decide(late, "k", "b", 3599.0)[1] == UseToken(1)
    assert tokens.decide(late, "k", "b", 3600.0)[1] == ObtainTokens(None)


def test_who_has_died_is_followed() -> None:
    """A lease ends, the next takes over by the key, and what the first one gets after all is not kept."""
    state, _ = tokens.decide(HELD, "k", "a", 3540.0)
    state, reported = tokens.decide(state, "k", "b", 3540.0 + LEASE_S)
    assert (reported, state.lease) == (ObtainTokens(None), TokenLease("b", 3540.0 + 2 * LEASE_S))
    assert got(state, "a", at=3540.0) == state
    assert tokens.record_failure(state, "k", "a", 3650.0) == state
    assert got(state, "b", at=3640.0).generation == 2


def test_a_refused_token_is_replaced_once() -> None:
    """It is good no more; that the one before it is refused as well says nothing."""
    state, reported = tokens.decide(tokens.record_refusal(HELD, "k", 1), "k", "a", 0.0)
    assert reported == ObtainTokens(1)
    renewed = got(state, "a")
    assert tokens.record_refusal(renewed, "k", 1) == renewed
    assert tokens.decide(renewed, "k", "b", 1.0)[1] == UseToken(2)


def test_tokens_are_those_of_a_key() -> None:
    """With another key there are none yet; what was under way for the one before it is not kept."""
    state, reported = tokens.decide(HELD, "new", "a", 1.0)
    assert reported == ObtainTokens(None)
    assert got(state, "a") == state
    assert tokens.record_refusal(state, "k", 1) == state


class Crowd(RuleBasedStateMachine):
    """Many who ask, get, fail and die, in any order, while time goes on and keys change."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.key = "k0"
        self.state = TokenState()
        self.asked = 0
        self.open: dict[str, tuple[str, float]] = {}
        self.given: list[int] = []
        self.good: dict[int, tuple[str, float]] = {}

    @rule()
    def asks(self) -> None:
        """Somebody wants to make a call."""
        self.asked += 1
        holder = f"h{self.asked}"
        before = self.state
        self.state, reported = tokens.decide(before, self.key, holder, self.now)
        match reported:
            case UseToken(generation):
                key, ends_at = self.good[generation]
                assert (key, generation) == (self.key, self.state.generation)
                assert self.now < ends_at
            case WaitForTokens(until):
                assert self.state.lease
                assert self.state.lease.holder in self.open or until > self.now
                assert self.now < until <= self.now + LEASE_S
            case ObtainTokens(renew):
                held = before.lease
                assert held is None or held.until <= self.now or before.key != self.key
                if renew is not None:
                    assert self.good[renew][0] == self.key
                    self.given.append(renew)
                self.open[holder] = self.key, self.now

    @precondition(lambda self: self.open)
    @rule(
        data=st.data(),
        expires_in_s=st.sampled_from([1.0, 100.0, 3600.0]),
        end=st.sampled_from(["got", "failed", "died"]),
    )
    def ends(self, data: st.DataObject, expires_in_s: float, end: str) -> None:
        """One of those who obtain comes to an end, perhaps long after its lease."""
        holder = data.draw(st.sampled_from(sorted(self.open)))
        key, at = self.open.pop(holder)
        before = self.state
        if end == "got":
            self.state = tokens.record_obtained(
                before, key, holder, asked_at=at, expires_in_s=expires_in_s, early_s=60.0, renewable=True
            )
            if self.state != before:
                assert self.state.generation not in self.good
                self.good[self.state.generation] = key, at + expires_in_s
        elif end == "failed":
            self.state = tokens.record_failure(before, key, holder, self.now)

    @precondition(lambda self: self.good)
    @rule(data=st.data())
    def is_refused(self, data: st.DataObject) -> None:
        """The provider refuses some token, old or new."""
        generation = data.draw(st.sampled_from(sorted(self.good)))
        key, ends_at = self.good[generation]
        self.state = tokens.record_refusal(self.state, key, generation)
        self.good[generation] = key, min(ends_at, self.now)

    @rule(seconds=st.sampled_from([0.5, 30.0, LEASE_S, 3600.0]))
    def time_goes_on(self, seconds: float) -> None:
        """Some time."""
        self.now += seconds

    @rule()
    def the_key_is_rotated(self) -> None:
        """A new key."""
        self.key = f"k{len(self.key)}{self.asked}"

    @invariant()
    def no_token_for_renewal_is_given_out_twice(self) -> None:
        """Whoever dies, is late or fails."""
        assert len(set(self.given)) == len(self.given)

    @invariant()
    def somebody_can_always_go_on(self) -> None:
        """No caller waits for longer than one lease: then whoever asks uses a token, or gets one."""
        _, reported = tokens.decide(self.state, self.key, "late", self.now + LEASE_S)
        assert not isinstance(reported, WaitForTokens)


TestCrowd = Crowd.TestCase

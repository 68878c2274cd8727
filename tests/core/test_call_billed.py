# SPDX-License-Identifier: Apache-2.0
"""Where each arrival may be billed: how often a call is repeated after arrivals without a result."""

from __future__ import annotations

import pytest

from callwell.core import call as machine
from callwell.core.call import Call, Phase
from callwell.core.rules.profile import RetryRule
from callwell.core.types import Answered, Fail, FailReason, Finish, Interrupted, Lost, Outcome, Wait
from tests.core.call_world import IDEMPOTENT, attempts

BILLED = RetryRule(lost_attempts=2)
OK = Answered(200)
BROKEN = Answered(200, whole=False)
NO_ANSWER = Lost(Outcome.UNKNOWN)
NO_CONNECTION = Lost(Outcome.REFUSED)


@pytest.mark.parametrize(
    ("ends", "sends", "last"),
    [
        ([NO_ANSWER, OK], 2, Finish(2, possibly_billed=1)),
        ([BROKEN, OK], 2, Finish(2, possibly_billed=1)),
        ([NO_ANSWER], 2, Fail(FailReason.NO_ANSWER, Outcome.UNKNOWN, 2, possibly_billed=2)),
        ([BROKEN], 2, Fail(FailReason.ANSWER, Outcome.DONE, 2, possibly_billed=2)),
        ([NO_CONNECTION], 6, Fail(FailReason.NO_CONNECTION, Outcome.REFUSED, 6)),
        ([Answered(503)], 6, Fail(FailReason.ANSWER, Outcome.UNKNOWN, 6)),
        ([Answered(500), NO_ANSWER, Answered(502), OK], 4, Finish(4, possibly_billed=1)),
        (
            [NO_ANSWER, Answered(429), Answered(504), NO_ANSWER],
            4,
            Fail(FailReason.NO_ANSWER, Outcome.UNKNOWN, 4, 0.0, 2),
        ),
        ([NO_ANSWER, Answered(400)], 2, Fail(FailReason.ANSWER, Outcome.UNKNOWN, 2, possibly_billed=1)),
    ],
)
def test_what_may_be_billed_is_repeated_once(ends: list[Answered | Lost], sends: int, last: Finish | Fail) -> None:
    """Where each arrival may be billed, received errors go to the usual limit, and a lost response is repeated once."""
    story = attempts(Call(IDEMPOTENT, BILLED), *ends)
    assert (len(story.sends), story.last) == (sends, last)
    usual = attempts(Call(IDEMPOTENT, RetryRule()), *ends).last
    assert usual.possibly_billed == 0


def test_an_arrival_that_died_with_its_process_may_have_been_billed() -> None:
    """A call that is found in flight counts that arrival, and is repeated once."""
    call = Call(IDEMPOTENT, BILLED, phase=Phase.IN_FLIGHT, attempts=1)
    call, action = machine.advance(call, Interrupted(), 1.0, 0.5)
    assert (call.unanswered, type(action)) == (1, Wait)

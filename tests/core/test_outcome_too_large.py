# SPDX-License-Identifier: Apache-2.0
"""A response too large to read is not requested again, and still says no more than its status does."""

from __future__ import annotations

import pytest

from callwell.core import outcome
from callwell.core.outcome import Judgement
from callwell.core.types import Answered, Outcome, Traits

REPEATABLE = Traits(safe=False, repeatable=True, deletes=False)
SAFE = Traits(safe=True, repeatable=True, deletes=False)


def oversized(status: int, *, foreign: bool = False) -> Answered:
    """A response with a body beyond the limit."""
    return Answered(status=status, whole=False, from_gateway=foreign, too_large=True)


@pytest.mark.parametrize(("status", "foreign"), [(101, False), (408, False), (499, False), (200, True)])
def test_what_is_unsure_stays_unknown(status: int, *, foreign: bool) -> None:
    """A repeatable call that changes something is unknown where the status leaves it open."""
    answer = oversized(status, foreign=foreign)
    assert outcome.judge(REPEATABLE, answer, may_be_done=False) is Judgement.UNKNOWN
    assert outcome.known_outcome(REPEATABLE, answer, may_be_done=False) is Outcome.UNKNOWN


def test_what_is_done_has_lost_its_result() -> None:
    """A success of the provider's own is done, and its result is lost."""
    assert outcome.judge(REPEATABLE, oversized(200), may_be_done=False) is Judgement.RESULT_LOST


@pytest.mark.parametrize("status", [200, 408])
def test_a_read_loses_its_result_at_most(status: int) -> None:
    """A read changes nothing, so that nothing is unknown."""
    assert outcome.judge(SAFE, oversized(status), may_be_done=False) is Judgement.RESULT_LOST

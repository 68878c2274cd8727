# SPDX-License-Identifier: Apache-2.0
"""What an answer means: done, refused or unknown, and whether another attempt makes sense.

By what is known, never by the name of an exception. A 5xx of an operation that may not be repeated leaves the outcome
unknown, because a server can fail after it has done the work; the profile may say of a code that it means "not done".
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from callwell.core.types import Outcome

if TYPE_CHECKING:
    from callwell.core.types import Answered, Traits

OK: Final = range(200, 300)
SERVER_ERRORS: Final = range(500, 600)
TOO_MANY: Final = 429
MISSING: Final = frozenset({404, 410})
HINTED: Final = frozenset({429, 503})
"""Statuses whose `Retry-After` is obeyed (RFC 9110 and RFC 6585); elsewhere such a header only teaches."""


class Verdict(StrEnum):
    """What to do about an answer."""

    DONE = "done"
    DONE_WITHOUT_RESULT = "done without result"
    REFUSED = "refused"
    THROTTLED = "throttled"
    DEAD_KEY = "dead key"
    REPEAT = "repeat"
    UNKNOWN = "unknown"
    RESULT_LOST = "result lost"


def fine(answer: Answered) -> bool:
    """Whether an answer is all that a call wants."""
    return answer.whole and answer.status in OK


def judge(traits: Traits, answer: Answered, *, doubt: bool, unsafe_5xx: bool = False) -> Verdict:
    """What an answer means for an operation.

    Args:
        traits: what the description says about the operation.
        answer: the answer.
        doubt: an earlier attempt of this call ended with an unknown outcome.
        unsafe_5xx: the caller wants 5xx repeated for operations that may not be.
    """
    status = answer.status
    if fine(answer):
        return Verdict.DONE
    if status in OK:
        return Verdict.REPEAT if traits.repeatable else Verdict.RESULT_LOST
    if status == TOO_MANY:
        return Verdict.THROTTLED
    if status in SERVER_ERRORS:
        again = traits.repeatable or answer.not_done or unsafe_5xx
        return Verdict.REPEAT if again else Verdict.UNKNOWN
    if answer.dead_key:
        return Verdict.DEAD_KEY
    if doubt and traits.deletes and status in MISSING:
        return Verdict.DONE_WITHOUT_RESULT
    return Verdict.REFUSED


def known(traits: Traits, answer: Answered, *, doubt: bool) -> Outcome:
    """What is known about the call when nothing more is attempted after this answer.

    Args:
        traits: what the description says about the operation.
        answer: the last answer.
        doubt: an earlier attempt of this call ended with an unknown outcome.
    """
    if answer.status in OK:
        return Outcome.DONE
    if traits.safe:
        return Outcome.REFUSED
    failed = answer.status in SERVER_ERRORS and not answer.not_done
    return Outcome.UNKNOWN if doubt or failed else Outcome.REFUSED

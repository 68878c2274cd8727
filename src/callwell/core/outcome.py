# SPDX-License-Identifier: Apache-2.0
"""What an answer means: done, refused or unknown, and whether another attempt makes sense.

The table of outcomes. It goes by what is known, never by the name of an exception. For an operation that may not be
repeated:

| answer | what is known | what follows |
| --- | --- | --- |
| 2xx, whole | done | finish |
| 2xx, not whole or too large | done, and the result is lost | probe for the result, else fail |
| 2xx, from a gateway: HTML, or a type that is not described | unknown | probe, else fail |
| 303 | done: the answer points at the result (RFC 9110, 15.4.4) | fail, with the place of the result |
| 307, 308 | refused: the request belongs elsewhere, so it was not carried out here (15.4.8, 15.4.9) | fail |
| other 3xx | unknown: many services answer 302 after they have done the work | probe, else fail |
| 401, 403 with a code or status of a dead key | refused | renew the key, once for each generation |
| 407 | refused: a proxy has answered (15.5.8) | fail |
| 408, 460, 499 | unknown: someone lost patience, and gateways do not say who | probe, else fail |
| 425, 511 | refused: the server did not begin, or a network wants a log-in (RFC 8470, RFC 6585) | repeat |
| 429 | refused | wait as long as it asks, repeat |
| other 4xx | refused | fail |
| 404, 410 for a deletion that may have been done before | done | finish without a result |
| 1xx, 5xx, 600 and above | unknown, unless the profile says that the code means "not done" (RFC 9110, 15) | see below |
| none | refused if no connection was made, otherwise unknown | repeat if refused; else probe, else fail |

An operation that may be repeated (`Traits.repeatable`) is repeated wherever "probe" stands above, except after a body
beyond the size limit, which would only arrive again. A 5xx is also repeated if the profile calls it "not done", or if
the caller wants that (`retry_unsafe_5xx`); otherwise an unknown outcome is probed, or the call fails. Redirects of safe
operations within the environment's origin are followed before this table applies.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from callwell.core.types import Outcome

if TYPE_CHECKING:
    from callwell.core.types import Answered, Traits

OK: Final = range(200, 300)
SEE_OTHER: Final = 303
TOO_MANY_REQUESTS: Final = 429
PROXY_AUTHENTICATION_REQUIRED: Final = 407

KEY_REFUSAL_STATUSES: Final = frozenset({401, 403})
"""Statuses by which a provider may reject a key that it does not know yet: with the old key the call can succeed."""

NOT_THERE: Final = frozenset({404, 410})

SERVER_ERRORS: Final = range(500, 1000)
"""A status above 599 does not exist, and is treated as a 5xx (RFC 9110, 15)."""

INFORMATIONAL: Final = range(200)
"""Interim responses (RFC 9110, 15.2). Where one arrives as the last response, there is no answer."""

NOT_PROCESSED: Final = frozenset({PROXY_AUTHENTICATION_REQUIRED, 425, 511})
"""The request went no further than a proxy, or the server did not begin to process it."""

TEMPORARILY_NOT_PROCESSED: Final = frozenset({425, 511})
"""Those of them that pass: a server that is cautious with early data, a network that waits for a log-in."""

TIMED_OUT: Final = frozenset({408, 460, 499})
"""Someone on the way stopped waiting: for the request (408 by RFC 9110, 15.5.9), or for the service's response, as
load balancers use 460 and 499."""

REDIRECTION: Final = range(300, 400)
REDIRECTED_UNPROCESSED: Final = frozenset({307, 308})

RETRY_AFTER_OBEYED: Final = frozenset({408, 425, 429, 503, *range(511, 600)})
"""Statuses with a `Retry-After` that is obeyed: those of RFC 9110 (503), RFC 6585 (429) and RFC 8470 (425), 408, and
those of overloaded gateways, such as 529. On other answers the header is a hint about quotas and no more."""


class Judgement(StrEnum):
    """What to do about an answer."""

    DONE = "done"
    DONE_WITHOUT_RESULT = "done without result"
    REFUSED = "refused"
    THROTTLED = "throttled"
    DEAD_KEY = "dead key"
    REPEAT = "repeat"
    UNKNOWN = "unknown"
    RESULT_LOST = "result lost"


def is_success(answer: Answered) -> bool:
    """Whether an answer is a whole 2xx."""
    return answer.whole and answer.status in OK


def is_known_done(traits: Traits, answer: Answered) -> bool:
    """Whether an answer says that the operation was done, even if its result did not arrive."""
    if answer.status == SEE_OTHER:
        return not traits.safe
    return answer.status in OK and not answer.from_gateway


def is_known_not_done(answer: Answered) -> bool:
    """Whether an answer that is no success says that nothing was done, so that another attempt may succeed."""
    return answer.status in NOT_PROCESSED or (answer.status in SERVER_ERRORS and answer.not_done)


def is_ambiguous(answer: Answered) -> bool:
    """Whether an answer leaves open that an operation which changes something was done."""
    status = answer.status
    if is_known_not_done(answer):
        return False
    if status in OK:
        return answer.from_gateway
    if status in REDIRECTION:
        return status != SEE_OTHER and status not in REDIRECTED_UNPROCESSED
    return status in SERVER_ERRORS or status in INFORMATIONAL or status in TIMED_OUT


def judge(traits: Traits, answer: Answered, *, may_be_done: bool, unsafe_5xx: bool = False) -> Judgement:
    """What an answer means for an operation.

    Args:
        traits: what the description says about the operation.
        answer: the answer.
        may_be_done: an earlier attempt of this call ended with an unknown outcome.
        unsafe_5xx: the caller wants a 5xx repeated even where that may do the work twice.
    """
    status = answer.status
    if is_success(answer):
        return Judgement.DONE
    if status == TOO_MANY_REQUESTS:
        return Judgement.THROTTLED
    if status in TEMPORARILY_NOT_PROCESSED:
        return Judgement.REPEAT
    if status in SERVER_ERRORS:
        may_repeat = traits.repeatable or answer.not_done or unsafe_5xx
        return Judgement.REPEAT if may_repeat else Judgement.UNKNOWN
    if status in OK or status in INFORMATIONAL or status in TIMED_OUT:
        if traits.repeatable and not answer.too_large:
            return Judgement.REPEAT
        return Judgement.UNKNOWN if is_ambiguous(answer) and not traits.safe else Judgement.RESULT_LOST
    if status in REDIRECTION and not traits.safe:
        return _judge_redirect(traits, answer)
    if answer.dead_key:
        return Judgement.DEAD_KEY
    if may_be_done and traits.deletes and status in NOT_THERE and not answer.from_gateway:
        return Judgement.DONE_WITHOUT_RESULT
    return Judgement.REFUSED


def _judge_redirect(traits: Traits, answer: Answered) -> Judgement:
    """What a redirect means that is not followed. Repeating the request would only bring it again."""
    if is_known_done(traits, answer):
        return Judgement.RESULT_LOST
    return Judgement.UNKNOWN if is_ambiguous(answer) and not traits.repeatable else Judgement.REFUSED


def known_outcome(traits: Traits, answer: Answered, *, may_be_done: bool) -> Outcome:
    """What is known about the call when nothing more is attempted after this answer.

    Args:
        traits: what the description says about the operation.
        answer: the last answer.
        may_be_done: an earlier attempt of this call ended with an unknown outcome.
    """
    if is_known_done(traits, answer):
        return Outcome.DONE
    if traits.safe:
        return Outcome.REFUSED
    return Outcome.UNKNOWN if may_be_done or is_ambiguous(answer) else Outcome.REFUSED

# SPDX-License-Identifier: Apache-2.0
"""What a response means: done, refused or unknown, and whether another attempt makes sense.

The table of outcomes is based on what is known, never on the name of an exception. For an operation that may not be
repeated:

| response | what is known | what follows |
| --- | --- | --- |
| 2xx, whole | done | finish |
| 2xx, not whole or too large | done, and the result is lost | probe for the result, else fail |
| 2xx, from a gateway: HTML, or a type that is not described | unknown | probe, else fail |
| 303 | done: the response points at the result (RFC 9110, 15.4.4) | fail, with the place of the result |
| 307, 308 | refused: the request belongs elsewhere, so it was not carried out here (15.4.8, 15.4.9) | fail |
| other 3xx | unknown: many services answer 302 after they have done the work | probe, else fail |
| 401, 403 with a code or status of a dead key | refused | renew the key, once for each generation |
| 407 | refused: a proxy has answered (15.5.8) | fail |
| 408, 460, 499 | unknown: someone timed out, and gateways do not say who | probe, else fail | | 425, 511 | refused: the
server did not begin, or a network wants a log-in (RFC 8470, RFC 6585) | repeat | | 429 | refused | wait as long as it
asks, repeat | | other 4xx | refused | fail | | 404, 410 for a deletion that may have been done before | done | finish
without a result | | 1xx, 5xx, 600 and above | unknown, unless the profile says that the code means "not done" (RFC
9110, 15) | see below | | none | refused if no connection was made, otherwise unknown | repeat if refused; else probe,
else fail |

An operation that may be repeated (`Traits.repeatable`) is repeated where the table says "probe", except after a body
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
"""Statuses that a provider may send for a key that it does not know yet: with the old key the call can succeed."""

NOT_FOUND_STATUSES: Final = frozenset({404, 410})

SERVER_ERRORS: Final = range(500, 1000)
"""A status above 599 does not exist, and is treated as a 5xx (RFC 9110, 15)."""

INFORMATIONAL: Final = range(200)
"""Interim responses (RFC 9110, 15.2). If one is the last response, there was no final one."""

NOT_PROCESSED: Final = frozenset({PROXY_AUTHENTICATION_REQUIRED, 425, 511})
"""The request got no further than a proxy, or the server did not begin to process it."""

TEMPORARILY_NOT_PROCESSED: Final = frozenset({425, 511})
"""The temporary ones among them: a server that is cautious with early data, a network that waits for a log-in."""

TIMED_OUT: Final = frozenset({408, 460, 499})
"""Someone along the way stopped waiting: for the request (408, RFC 9110, 15.5.9), or for the service's response (460
and 499, as load balancers use them)."""

REDIRECTION: Final = range(300, 400)
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
"""Redirects with a `Location` (RFC 9110, 15.4); 300, 304 and 305 cannot be followed."""

REDIRECTED_UNPROCESSED: Final = frozenset({307, 308})

RETRY_AFTER_OBEYED: Final = frozenset({408, 425, 429, 503, *range(511, 600)})
"""Statuses with a `Retry-After` that is obeyed: those of RFC 9110 (503), RFC 6585 (429) and RFC 8470 (425), 408, and
those of overloaded gateways, such as 529. On other responses the header is only a hint about quotas."""


class Judgement(StrEnum):
    """What to do about a response."""

    DONE = "done"
    DONE_WITHOUT_RESULT = "done without result"
    REFUSED = "refused"
    THROTTLED = "throttled"
    DEAD_KEY = "dead key"
    REPEAT = "repeat"
    UNKNOWN = "unknown"
    RESULT_LOST = "result lost"


def is_success(response: Answered) -> bool:
    """Whether a response is a whole 2xx."""
    return response.whole and response.status in OK


def is_known_done(traits: Traits, response: Answered) -> bool:
    """Whether a response says that the operation was done, even if its result did not arrive."""
    if response.status == SEE_OTHER:
        return not traits.safe
    return response.status in OK and not response.from_gateway


def is_known_not_done(response: Answered) -> bool:
    """Whether an error response says that nothing was done, so that another attempt may succeed."""
    return response.status in NOT_PROCESSED or (response.status in SERVER_ERRORS and response.not_done)


def is_ambiguous(response: Answered) -> bool:
    """Whether a response leaves open whether an operation that changes something was done."""
    status = response.status
    if is_known_not_done(response):
        return False
    if status in OK:
        return response.from_gateway
    if status in REDIRECTION:
        return status != SEE_OTHER and status not in REDIRECTED_UNPROCESSED
    return status in SERVER_ERRORS or status in INFORMATIONAL or status in TIMED_OUT


def requested_wait_s(response: Answered) -> float:
    """Seconds that a response other than a 429 asks the client to wait, if its status is one where that is obeyed."""
    if response.status in RETRY_AFTER_OBEYED:
        return response.retry_after_s or 0.0
    return 0.0


def may_change_key(traits: Traits, response: Answered) -> bool:
    """Whether a request that failed over its key can be sent with another key without doing anything twice.

    Work that was done or may be billed is not repeated, nor is work that may have been done, unless that is harmless.
    """
    if is_known_done(traits, response):
        return False
    return traits.repeatable or not is_ambiguous(response)


def judge(traits: Traits, response: Answered, *, may_be_done: bool, unsafe_5xx: bool = False) -> Judgement:
    """What a response means for an operation.

    Args:
        traits: what the description says about the operation.
        response: what the provider has answered.
        may_be_done: an earlier attempt of this call ended with an unknown outcome.
        unsafe_5xx: the caller wants a retry after a 5xx even where that may do the work twice.
    """
    status = response.status
    if is_success(response):
        return Judgement.DONE
    if status == TOO_MANY_REQUESTS:
        return Judgement.THROTTLED
    if status in TEMPORARILY_NOT_PROCESSED:
        return Judgement.REPEAT
    if status in SERVER_ERRORS:
        may_repeat = traits.repeatable or response.not_done or unsafe_5xx
        return Judgement.REPEAT if may_repeat else Judgement.UNKNOWN
    if status in OK or status in INFORMATIONAL or status in TIMED_OUT:
        if traits.repeatable and not response.too_large:
            return Judgement.REPEAT
        return Judgement.UNKNOWN if is_ambiguous(response) and not traits.safe else Judgement.RESULT_LOST
    if status in REDIRECTION and not traits.safe:
        return _judge_redirect(traits, response)
    if response.dead_key:
        return Judgement.DEAD_KEY
    if may_be_done and traits.deletes and status in NOT_FOUND_STATUSES and not response.from_gateway:
        return Judgement.DONE_WITHOUT_RESULT
    return Judgement.REFUSED


def _judge_redirect(traits: Traits, response: Answered) -> Judgement:
    """What a redirect that is not followed means. Repeating the request would only return it again."""
    if is_known_done(traits, response):
        return Judgement.RESULT_LOST
    return Judgement.UNKNOWN if is_ambiguous(response) and not traits.repeatable else Judgement.REFUSED


def known_outcome(traits: Traits, response: Answered, *, may_be_done: bool) -> Outcome:
    """What is known about the call when nothing more is attempted after this response.

    Args:
        traits: what the description says about the operation.
        response: the last one.
        may_be_done: an earlier attempt of this call ended with an unknown outcome.
    """
    if is_known_done(traits, response):
        return Outcome.DONE
    if traits.safe:
        return Outcome.REFUSED
    return Outcome.UNKNOWN if may_be_done or is_ambiguous(response) else Outcome.REFUSED

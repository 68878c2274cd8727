# SPDX-License-Identifier: Apache-2.0
"""What goes into one call's machine and what comes out: events and actions.

The architecture in one line: a driver shows an `Event` to `call.advance` and carries out the `Action` that comes back,
until it is `Finish`, `Fail` or `Defer`. All are frozen tuples of plain values, so a call can be stored between any two
steps.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What is known about a call after an attempt."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Traits(NamedTuple):
    """What the description says about the operation, as far as deciding needs it.

    Attributes:
        safe: it changes nothing.
        repeatable: a second arrival does no harm (safe or idempotent, or the profile or the caller says so).
        deletes: a 404 or 410 after an attempt of unknown outcome means that it was done.
        probe: an unknown outcome can be settled by looking a marker up.
    """

    safe: bool = True
    repeatable: bool = True
    deletes: bool = False
    probe: bool = False


class Started(NamedTuple):
    """The call begins, or goes on after having been stored before anything was sent."""


class Granted(NamedTuple):
    """Permits and a key are in hand.

    Attributes:
        generation: of the key, which grows with every new key.
    """

    generation: int = 0


class Denied(NamedTuple):
    """No permit can be had before the deadline.

    Attributes:
        at: monotonic seconds at which one can.
    """

    at: float


class Answered(NamedTuple):
    """An answer arrived.

    Attributes:
        status: the HTTP status.
        code: the provider's error code, if any.
        whole: the body arrived whole and could be read.
        retry_after_s: seconds for which the answer asks to be left alone, from now.
        dead_key: the code is one that the profile lists as a dead key.
        not_done: the profile says that this code means that nothing was done.
        is_redirect: it is a redirect that may be followed: to the environment's own origin.
        may_retry: the provider's retry budget allows another attempt.
        from_gateway: it does not look like the provider's: a page in HTML, or a body of another type than described.
        too_large: the body has more bytes than are allowed: another attempt would bring the same.
    """

    status: int
    code: str | None = None
    whole: bool = True
    retry_after_s: float | None = None
    dead_key: bool = False
    not_done: bool = False
    is_redirect: bool = False
    may_retry: bool = True
    from_gateway: bool = False
    too_large: bool = False


class Lost(NamedTuple):
    """A Send ended without an answer.

    Attributes:
        outcome: `REFUSED` where a failed connect shows that nothing was sent, else `UNKNOWN`.
        may_retry: the provider's retry budget allows another attempt.
        permanent: another attempt would fail in the same way, for instance at a certificate.
    """

    outcome: Outcome
    may_retry: bool = True
    permanent: bool = False


class Woken(NamedTuple):
    """A wait is over."""


class KeyRenewed(NamedTuple):
    """The key's source was read again.

    Attributes:
        generation: of the key now in use; the same as before if no new one came in time.
    """

    generation: int


class Probed(NamedTuple):
    """The marker of an unknown call was looked up.

    Attributes:
        found: the provider has it; None if it could not be looked up.
    """

    found: bool | None


class Interrupted(NamedTuple):
    """The process that made the call died: whatever was in flight is unknown."""


Event = Started | Granted | Denied | Answered | Lost | Woken | KeyRenewed | Probed | Interrupted


class Acquire(NamedTuple):
    """Take one permit of each quota and the key in use.

    Attributes:
        until: monotonic seconds after which the driver answers `Denied`.
    """

    until: float


class Send(NamedTuple):
    """Make exactly one arrival at the provider.

    Attributes:
        attempt: 1 for the first.
    """

    attempt: int


class Wait(NamedTuple):
    """Do nothing until then.

    Attributes:
        until: monotonic seconds.
        reason: `backoff`, `throttled` or `commit` (an unknown request may still commit), for logs and progress.
    """

    until: float
    reason: str


class RenewKey(NamedTuple):
    """Read the key's source again: the key of this generation is dead.

    Attributes:
        generation: of the dead key.
        until: monotonic seconds after which the driver answers with the same generation.
    """

    generation: int
    until: float


class Probe(NamedTuple):
    """Look the call's marker up at the provider."""


class Finish(NamedTuple):
    """The call is done.

    Attributes:
        attempts: how many arrivals it took.
        result: there is an answer with a result; without, the call is known to be done but its answer was lost.
        possibly_billed: arrivals besides the answered one that the provider may have billed.
    """

    attempts: int
    result: bool = True
    possibly_billed: int = 0


class FailReason(StrEnum):
    """Why a call failed."""

    ANSWER = "answer"
    NO_CONNECTION = "no connection"
    NO_ANSWER = "no answer"
    UNKNOWN = "unknown"
    RESULT_LOST = "result lost"
    DEADLINE = "deadline"
    WOULD_EXCEED = "would exceed"
    KEY = "key"


class Fail(NamedTuple):
    """The call has failed.

    Attributes:
        reason: what the driver's error is made of.
        outcome: what is known.
        attempts: how many arrivals were made.
        at: for `WOULD_EXCEED`: monotonic seconds at which the call could go on; for `UNKNOWN` after a probe that found
            nothing: from when on that is sure; 0 where there is no such time.
        possibly_billed: arrivals that the provider may have billed.
    """

    reason: FailReason
    outcome: Outcome
    attempts: int
    at: float = 0.0
    possibly_billed: int = 0


class Defer(NamedTuple):
    """The call cannot be made now: put it into the durable queue.

    Attributes:
        at: monotonic seconds at which it can go on.
    """

    at: float


Action = Acquire | Send | Wait | RenewKey | Probe | Finish | Fail | Defer

# SPDX-License-Identifier: Apache-2.0
"""The inputs and outputs of the state machine of one call: events and actions.

A driver passes an `Event` to `call.advance` and carries out the returned `Action`, until that is `Finish` or `Fail`.
Events are named by past participles, actions by imperatives; all are frozen records of plain values.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    """What is known about a call after an attempt."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Traits(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The facts about the operation that decisions need. Stored by position.

    Attributes:
        safe: it changes nothing (RFC 9110, 9.2.1).
        repeatable: a second request does no harm: the method is idempotent (9.2.2), or the profile says so.
        deletes: a 404 or 410 after an attempt with an unknown outcome means that it was done.
        probe: a marker at the provider shows whether it was done.
    """

    safe: bool = True
    repeatable: bool = True
    deletes: bool = False
    probe: bool = False


class Started(Struct, frozen=True):
    """The call begins, or continues after it was stored before anything was sent."""


class Granted(Struct, frozen=True):
    """Permits and a key were acquired.

    Attributes:
        generation: of the key; it grows with every new key.
    """

    generation: int = 0


class Denied(Struct, frozen=True):
    """No permit is available before the deadline.

    Attributes:
        available_at: when one will be, in monotonic seconds.
    """

    available_at: float


class Answered(Struct, frozen=True):
    """A response arrived.

    Attributes:
        status: the HTTP status.
        code: the provider's error code, if any.
        whole: the body arrived completely and could be read.
        retry_after_s: seconds that the response asks the client to wait.
        dead_key: its code or status means, according to the profile, that the key is dead.
        not_done: its code means, according to the profile, that nothing was done.
        is_redirect: a redirect that may be followed: to the environment's own origin.
        may_retry: the provider's retry budget allows another attempt.
        from_gateway: it does not look like the provider's: an HTML page, or a body of an undescribed type.
        too_large: the body has more bytes than are allowed; another attempt would bring the same.
        other_key: the key may be the cause, and there is another one: an older one that works, or a new one.
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
    other_key: bool = False


class Lost(Struct, frozen=True):
    """A Send ended without a response.

    Attributes:
        outcome: `REFUSED` if a failed connection shows that nothing was sent, otherwise `UNKNOWN`.
        may_retry: the provider's retry budget allows another attempt.
        permanent: another attempt would fail in the same way, for instance because of a certificate.
    """

    outcome: Outcome
    may_retry: bool = True
    permanent: bool = False


class Woken(Struct, frozen=True):
    """A wait is over."""


class KeyRenewed(Struct, frozen=True):
    """The key's source was read again.

    Attributes:
        generation: of the current key; the same as before if no new one appeared in time.
    """

    generation: int


class Probed(Struct, frozen=True):
    """The marker of an unknown call was looked up.

    Attributes:
        found: the provider has it; None if the lookup failed.
    """

    found: bool | None


class Interrupted(Struct, frozen=True):
    """The process that made the call died: the outcome of a request in flight is unknown."""


Event = Started | Granted | Denied | Answered | Lost | Woken | KeyRenewed | Probed | Interrupted


class Acquire(Struct, frozen=True):
    """Acquire one permit of each quota, and the current key.

    Attributes:
        until: monotonic seconds after which the driver reports `Denied`.
    """

    until: float


class Send(Struct, frozen=True):
    """Send exactly one request to the provider.

    Attributes:
        attempt: 1 for the first.
    """

    attempt: int


class Wait(Struct, frozen=True):
    """Do nothing until then.

    Attributes:
        until: monotonic seconds.
        reason: `backoff`, `throttled` or `commit` (a lost request may still be committed), for logs and notices.
    """

    until: float
    reason: str


class RenewKey(Struct, frozen=True):
    """Read the key's source again, because the key of this generation is dead.

    Attributes:
        generation: of the dead key.
        until: monotonic seconds after which the driver reports `KeyRenewed` with the same generation.
    """

    generation: int
    until: float


class Probe(Struct, frozen=True):
    """Look the call's marker up at the provider."""


class Finish(Struct, frozen=True):
    """The call is done.

    Attributes:
        attempts: requests sent.
        result: there is a response with a result; otherwise the call is known to be done, but its response was lost.
        possibly_billed: requests other than the answered one that the provider may have billed.
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


class Fail(Struct, frozen=True):
    """The call has failed.

    Attributes:
        reason: the kind of error that the driver raises.
        outcome: what is known about the call.
        attempts: requests sent.
        available_at: monotonic seconds. For `WOULD_EXCEED`, when the call could continue; for `UNKNOWN` after a probe
            that found nothing, when that becomes certain; 0 if there is no such time.
        possibly_billed: requests that the provider may have billed.
    """

    reason: FailReason
    outcome: Outcome
    attempts: int
    available_at: float = 0.0
    possibly_billed: int = 0


Action = Acquire | Send | Wait | RenewKey | Probe | Finish | Fail

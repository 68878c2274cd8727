# SPDX-License-Identifier: Apache-2.0
"""Notices as log lines: attempts at DEBUG, long waits and new keys at INFO, what needs a person at WARNING."""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Final

from callwell.observe.notices import (
    AttemptEnded,
    CallEnded,
    ClockDiffers,
    Deprecated,
    FetchEnded,
    ForeignSpending,
    KeyChanged,
    LimitLowered,
    NotRecorded,
    OneUser,
    Waiting,
)
from callwell.observe.redact import redact

if TYPE_CHECKING:
    from callwell.observe.notices import Notice

LOGGER: Final = logging.getLogger("callwell")

LONG_WAIT_S: Final = 1.0
"""Seconds from which a wait is logged at INFO: shorter ones are everyday backoffs."""


def log_notice(notice: Notice) -> None:
    """Write one notice to the `callwell` logger."""
    match notice:
        case AttemptEnded(provider, operation, attempt, status, code, reason, seconds):
            result = f"{status} {code or ''}".strip() if status is not None else redact(reason)
            LOGGER.debug("%s %s attempt %d: %s in %.3f s", provider, operation, attempt, result, seconds)
        case FetchEnded(provider, operation, status, reason, size, seconds):
            result = redact(" ".join(word for word in (str(status or ""), reason) if word))
            LOGGER.debug("%s %s storage: %s, %d bytes in %.3f s", provider, operation, result, size, seconds)
        case Waiting(provider, operation, seconds, why):
            level = logging.INFO if seconds >= LONG_WAIT_S else logging.DEBUG
            LOGGER.log(level, "%s %s waits up to %.1f s: %s", provider, operation, seconds, why)
        case KeyChanged(provider, fingerprint, generation):
            LOGGER.info("%s key %s in use (generation %d)", provider, fingerprint, generation)
        case CallEnded(provider, operation, attempts, outcome, seconds, billed):
            level = logging.DEBUG if outcome == "done" and not billed else logging.WARNING
            more = f"; {billed} of them without an answer, and possibly billed" if billed else ""
            LOGGER.log(
                level, "%s %s: %s after %d attempts in %.3f s%s", provider, operation, outcome, attempts, seconds, more
            )
        case _:
            LOGGER.warning("%s", advice(notice))


def advice(notice: Notice) -> str:
    """What a person should know and do about a notice; empty if nothing needs doing."""
    match notice:
        case ForeignSpending(provider, quota, parked, limit):
            return f"{provider}: others use the quota {quota} too: {parked} of {limit} requests are left to them"
        case LimitLowered(provider, quota, limit, described):
            return (
                f"{provider}: the quota {quota} allows {limit} requests, not {described} as in the profile; "
                "correct the profile"
            )
        case ClockDiffers(provider, seconds):
            way = "behind" if seconds > 0 else "ahead of"
            return f"this machine's clock is at least {abs(seconds):.0f} s {way} that of {provider}; correct it"
        case Deprecated(provider, operation, since, until):
            ends = "" if until is None else f"; it will stop responding on {_day(until)}"
            return f"{provider} {operation} is deprecated{'' if since is None else f' since {_day(since)}'}{ends}"
        case OneUser(provider, calls, user):
            return (
                f"{provider}: all {calls} calls were made for the end user {user}; pass each end user's own ID as "
                "for_user, so that the provider can tell them apart"
            )
        case NotRecorded(provider, operation, reason):
            what = f"{provider} {operation}"
            return f"{what}: the end of a request could not be recorded, so its permit comes back later: {reason}"
    return ""


def _day(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "a date beyond the calendar"


def _handle(record: logging.LogRecord) -> None:
    """Pass a record to the program's filters and handlers. What they raise must not change the outcome of a call."""
    try:
        logging.Logger.handle(LOGGER, record)
    except Exception:  # noqa: BLE001 - whatever they raise
        if logging.raiseExceptions:
            traceback.print_exc()


LOGGER.handle = _handle  # type: ignore[method-assign]
LOGGER.addHandler(logging.NullHandler())

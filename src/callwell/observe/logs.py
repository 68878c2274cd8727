# SPDX-License-Identifier: Apache-2.0
"""Notices as log lines: attempts at DEBUG, waits and new keys at INFO, what a person should act upon at WARNING."""

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
"""Waits from this length on are logged at INFO, shorter ones at DEBUG."""


def log_notice(notice: Notice) -> None:
    """Write one notice to the `callwell` logger."""
    match notice:
        case AttemptEnded(provider, operation, attempt, status, code, reason, seconds):
            answer = f"{status} {code or ''}".strip() if status is not None else redact(reason)
            LOGGER.debug("%s %s attempt %d: %s in %.3f s", provider, operation, attempt, answer, seconds)
        case FetchEnded(provider, operation, status, reason, size, seconds):
            answer = redact(" ".join(word for word in (str(status or ""), reason) if word))
            LOGGER.debug("%s %s storage: %s, %d bytes in %.3f s", provider, operation, answer, size, seconds)
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
    """What a person should know and do; empty for notices of the daily work."""
    match notice:
        case ForeignSpending(provider, quota, parked, limit):
            return f"{provider}: others spend the quota {quota} too: {parked} of {limit} requests are left to them"
        case LimitLowered(provider, quota, limit, described):
            return (
                f"{provider}: the quota {quota} has {limit} requests and not {described}, as the profile says; mend it"
            )
        case ClockDiffers(provider, seconds):
            way = "behind" if seconds > 0 else "ahead of"
            return f"this machine's clock is at least {abs(seconds):.0f} s {way} that of {provider}; set it"
        case Deprecated(provider, operation, since, until):
            ends = "" if until is None else f"; it will stop responding on {_day(until)}"
            return f"{provider} {operation} is deprecated{'' if since is None else f' since {_day(since)}'}{ends}"
        case OneUser(provider, calls, user):
            return (
                f"{provider}: {calls} calls for the end user {user} and none for another; pass each end user's own ID "
                "as for_user, or they are counted as one"
            )
        case NotRecorded(provider, operation, reason):
            what = f"{provider} {operation}"
            return f"{what}: the end of a request is not recorded, so its permit comes back later: {reason}"
    return ""


def _day(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "a day that no calendar has"


def _handle(record: logging.LogRecord) -> None:
    """Hand a line to the program's own filters and handlers: what they raise costs no call its outcome."""
    try:
        logging.Logger.handle(LOGGER, record)
    except Exception:  # noqa: BLE001 - whatever they raise
        if logging.raiseExceptions:
            traceback.print_exc()


LOGGER.handle = _handle  # type: ignore[method-assign]
LOGGER.addHandler(logging.NullHandler())

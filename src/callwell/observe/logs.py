# SPDX-License-Identifier: Apache-2.0
"""Notices as log lines: attempts at DEBUG, long waits and new keys at INFO, what needs a person at WARNING."""

from __future__ import annotations

import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from callwell.observe.notices import (
    AttemptEnded,
    CallEnded,
    ClockDiffers,
    Deprecated,
    FetchEnded,
    ForeignSpending,
    KeyChanged,
    KeySetAside,
    LimitLowered,
    OneUser,
    Waiting,
)

if TYPE_CHECKING:
    import logging

    from callwell.observe.notices import Notice

DEBUG: Final = 10
INFO: Final = 20
WARNING: Final = 30
"""Levels of `logging`, repeated here so that it need not be imported."""


class LazyLogger:
    """The logger `callwell`, loaded with the first line: importing `logging` takes a tenth of the time to a client."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name that `logging` uses
        """Whether lines of a level are written."""
        if level < WARNING and "logging" not in sys.modules:
            return False  # a program that has not imported `logging` cannot have changed the default level
        logger = _load_logger()
        self.isEnabledFor = logger.isEnabledFor  # type: ignore[method-assign] # from now on as fast as itself
        return logger.isEnabledFor(level)

    def __getattr__(self, name: str) -> Any:
        return getattr(_load_logger(), name)


LOGGER: Final = cast("logging.Logger", LazyLogger())

LONG_WAIT_S: Final = 1.0
"""Waits of at least this many seconds are logged at INFO; shorter ones are ordinary backoffs."""


def log_notice(notice: Notice) -> None:
    """Write one notice to the `callwell` logger."""
    from callwell.observe.redact import redact  # few programs log

    match notice:
        case AttemptEnded(provider, operation, attempt, status, code, reason, seconds):
            result = f"{status} {code or ''}".strip() if status is not None else redact(reason)
            LOGGER.debug("%s %s attempt %d: %s in %.3f s", provider, operation, attempt, result, seconds)
        case FetchEnded(provider, operation, status, reason, size, seconds):
            result = redact(" ".join(word for word in (str(status or ""), reason) if word))
            LOGGER.debug("%s %s storage: %s, %d bytes in %.3f s", provider, operation, result, size, seconds)
        case Waiting(provider, operation, seconds, reason):
            level = INFO if seconds >= LONG_WAIT_S else DEBUG
            LOGGER.log(level, "%s %s waits up to %.1f s: %s", provider, operation, seconds, reason)
        case KeyChanged(provider, fingerprint, generation):
            LOGGER.info("%s key %s in use (generation %d)", provider, fingerprint, generation)
        case CallEnded(provider, operation, attempts, outcome, seconds, billed):
            level = DEBUG if outcome == "done" and not billed else WARNING
            more = f"; {billed} of them without a response, and possibly billed" if billed else ""
            LOGGER.log(
                level, "%s %s: %s after %d attempts in %.3f s%s", provider, operation, outcome, attempts, seconds, more
            )
        case _:
            LOGGER.warning("%s", advice(notice))


def advice(notice: Notice) -> str:
    """What a person should do about a notice; empty if nothing."""
    match notice:
        case ForeignSpending(provider, quota, set_aside, limit):
            return f"{provider}: others also use the quota {quota}: {set_aside} of {limit} requests are left to them"
        case LimitLowered(provider, quota, limit, documented):
            return (
                f"{provider}: the quota {quota} allows {limit} requests, not {documented} as in the profile; "
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
        case KeySetAside(provider, _, location, reason):
            return f"{provider}: the new key at {location} is not accepted ({reason}): calls continue with the old one"
    return ""


def _day(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "a date beyond the calendar"


@cache
def _load_logger() -> logging.Logger:
    """The logger itself, with a handler that does nothing, so that Python's handler of last resort stays silent."""
    import logging

    logger = logging.getLogger("callwell")

    def handle(record: logging.LogRecord) -> None:
        """Pass a record to the program's filters and handlers, whose exceptions must not change a call's outcome."""
        try:
            logging.Logger.handle(logger, record)
        except Exception:  # noqa: BLE001 - whatever they raise
            if logging.raiseExceptions:
                import traceback

                traceback.print_exc()

    logger.handle = handle  # type: ignore[method-assign]
    logger.addHandler(logging.NullHandler())
    return logger

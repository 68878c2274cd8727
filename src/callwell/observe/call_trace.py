# SPDX-License-Identifier: Apache-2.0
"""The one observer of a call: what it reports to the log and to the hooks of a client.

::

    CallBegan  (AttemptBegan  AttemptEnded | Waiting)*  CallEnded

Hooks see all of these, and everything that began also ends, even if the caller is cancelled. The log only has the ends.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from callwell.observe.logs import log_notice
from callwell.observe.notices import AttemptBegan, AttemptEnded, CallBegan, CallEnded, Waiting

if TYPE_CHECKING:
    from callwell.observe.hooks import Hooks

NUMBERS: Final = count(1)
"""Call numbers, unique in the process, which show hooks which notices belong together."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

CALLER_LEFT: Final = "the caller left before a response came"


class CallTrace:
    """Reports one call to the log and the hooks.

    Args:
        hooks: the client's hooks, if it has any.
        provider: the provider's name.
        operation: the operation's name.
        began_at: when the call began, in monotonic seconds.
    """

    __slots__ = ("_attempt", "_began_at", "_ended", "_hooks", "_number", "_operation", "_provider", "_sent_at")

    def __init__(self, hooks: Hooks | None, provider: str, operation: str, began_at: float) -> None:
        self._hooks = hooks
        self._provider = provider
        self._operation = operation
        self._began_at = began_at
        self._sent_at = began_at
        self._attempt = 0  # the attempt that the hooks see as running; 0 for none
        self._ended = False
        self._number = 0
        if hooks is not None:
            self._number = next(NUMBERS)
            hooks.notice(CallBegan(provider=provider, operation=operation, call=self._number))

    def attempt_began(
        self,
        attempt: int,
        sent_at: float,
        method: str,
        url: str,
        names: set[str],
        *,
        template: str | None,
    ) -> tuple[tuple[str, str], ...]:
        """A request is about to be sent.

        Args:
            attempt: 1 for the first.
            sent_at: monotonic seconds.
            method: the HTTP method.
            url: the whole address.
            names: of the request's own headers, in lower case.
            template: the address as described, with its parameters in braces; None if it is not known.

        Returns:
            the headers that the hooks add.
        """
        if self._hooks is None:
            return ()
        self._attempt = attempt
        self._sent_at = sent_at
        base, host, port = split_server(url)
        notice = AttemptBegan(
            provider=self._provider,
            operation=self._operation,
            call=self._number,
            attempt=attempt,
            method=method,
            url=base + urlsplit(url).path,
            template=None if template is None else urlsplit(template).path,
            host=host,
            port=port,
        )
        return self._hooks.began(notice, names)

    def attempt_ended(self, attempt: int, status: int | None, code: str | None, reason: str, seconds: float) -> None:
        """An attempt has ended, or could not be made: see `AttemptEnded`."""
        self._attempt = 0
        self._report(
            AttemptEnded(
                provider=self._provider,
                operation=self._operation,
                attempt=attempt,
                status=status,
                code=code,
                reason=reason,
                seconds=seconds,
            )
        )

    def wait_began(self, seconds: float, reason: str) -> None:
        """The call waits: see `Waiting`."""
        self._report(Waiting(self._provider, self._operation, seconds=max(0.0, seconds), reason=reason))

    def call_ended(self, attempts: int, outcome: str, now: float, *, possibly_billed: int = 0) -> None:
        """The call has ended: see `CallEnded`.

        Args:
            attempts: requests sent.
            outcome: `done`, `refused` or `unknown`.
            now: monotonic seconds.
            possibly_billed: requests without a whole response that the provider may have billed.
        """
        self._ended = True
        self._report(self._call_ended(attempts, outcome, now, possibly_billed))

    def end_unfinished(self, attempts: int, now: float, *, may_be_done: bool) -> None:
        """The call is over: end everything that hooks still see as running.

        Args:
            attempts: requests sent.
            now: monotonic seconds.
            may_be_done: an earlier attempt may have been done.
        """
        if self._hooks is None:
            return
        may_be_done = may_be_done or self._attempt > 0
        if self._attempt:
            attempt = AttemptEnded(
                provider=self._provider,
                operation=self._operation,
                attempt=self._attempt,
                status=None,
                code=None,
                reason=CALLER_LEFT,
                seconds=now - self._sent_at,
                call=self._number,
            )
            self._attempt = 0
            self._hooks.notice(attempt)
        if not self._ended:
            ended = self._call_ended(attempts, "unknown" if may_be_done else "refused", now, 0)
            self._ended = True
            self._hooks.notice(replace(ended, call=self._number))

    def _call_ended(self, attempts: int, outcome: str, now: float, possibly_billed: int) -> CallEnded:
        return CallEnded(
            provider=self._provider,
            operation=self._operation,
            attempts=attempts,
            outcome=outcome,
            seconds=now - self._began_at,
            possibly_billed=possibly_billed,
        )

    def _report(self, notice: AttemptEnded | Waiting | CallEnded) -> None:
        log_notice(notice)
        if self._hooks is not None:
            self._hooks.notice(replace(notice, call=self._number))


def split_server(url: str) -> tuple[str, str, int]:
    """Scheme and host of an address as written, without a user; its host; its port. Empty if it has no server."""
    try:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return base, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0

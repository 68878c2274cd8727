# SPDX-License-Identifier: Apache-2.0
"""One call as its hooks see it: what began also ends, however the caller leaves."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from callwell.observe.notices import AttemptBegan, AttemptEnded, CallBegan, CallEnded

if TYPE_CHECKING:
    from callwell.observe.hooks import Hooks
    from callwell.observe.notices import Waiting

NUMBERS: Final = count(1)

PORTS: Final = {"http": 80, "https": 443}

LEFT: Final = "the caller left before an answer came"


class Watch:
    """What the hooks of a client are told of one call.

    Args:
        hooks: the hooks.
        provider: the provider's name.
        operation: the operation's name.
        began: when it began, in monotonic seconds.
    """

    __slots__ = ("_began", "_call", "_ended", "_hooks", "_open", "_operation", "_provider", "_sent_at")

    def __init__(self, hooks: Hooks, provider: str, operation: str, began: float) -> None:
        self._hooks = hooks
        self._provider = provider
        self._operation = operation
        self._call = next(NUMBERS)
        self._began = self._sent_at = began
        self._open = 0
        self._ended = False
        hooks.notice(CallBegan(provider, operation, self._call))

    def began(
        self,
        attempt: int,
        at: float,
        method: str,
        url: str,
        names: set[str],
        *,
        template: str | None,
    ) -> tuple[tuple[str, str], ...]:
        """A request is about to be sent.

        Args:
            attempt: 1 for the first.
            at: monotonic seconds.
            method: the HTTP method.
            url: the whole address.
            names: of the request's own headers, in lower case.
            template: the address as described, with its parameters in braces, None if it is not known.

        Returns:
            the headers that the hooks add.
        """
        self._open, self._sent_at = attempt, at
        base, host, port = server_of(url)
        path = None if template is None else urlsplit(template).path
        call, address = self._call, base + urlsplit(url).path
        told = AttemptBegan(self._provider, self._operation, call, attempt, method, address, path, host=host, port=port)
        return tuple(self._hooks.began(told, names))

    def notice(self, notice: AttemptEnded | Waiting | CallEnded) -> None:
        """Something has happened to the call."""
        if isinstance(notice, AttemptEnded):
            self._open = 0
        self._ended = self._ended or isinstance(notice, CallEnded)
        self._hooks.notice(notice._replace(call=self._call))

    def left(self, attempts: int, now: float, *, may_be_done: bool) -> None:
        """The call is over: what has not ended ends now.

        Args:
            attempts: arrivals made.
            now: monotonic seconds.
            may_be_done: an earlier attempt may have been done.
        """
        may_be_done = may_be_done or self._open > 0
        if self._open:
            seconds = now - self._sent_at
            self.notice(AttemptEnded(self._provider, self._operation, self._open, None, None, LEFT, seconds))
        if not self._ended:
            outcome, seconds = "unknown" if may_be_done else "refused", now - self._began
            self.notice(CallEnded(self._provider, self._operation, attempts, outcome, seconds))


def server_of(url: str) -> tuple[str, str, int]:
    """The server of an address: scheme and host as written there, without a user; name; port. Empty if it is none."""
    try:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return base, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0

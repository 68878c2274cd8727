# SPDX-License-Identifier: Apache-2.0
"""Answers that no description knows: odd statuses, odd bytes in every header that is read, odd bodies, and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from callwell.core.types import Outcome
from callwell.testing import ManualClock
from callwell.transport.base import NoReply, Response

if TYPE_CHECKING:
    from random import Random

    from callwell.clock import Clock
    from callwell.observe.notices import AttemptBegan, Notice
    from callwell.transport.base import Request

READ = (
    *("date", "age", "retry-after", "ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining"),
    *("x-ratelimit-reset", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "deprecation", "sunset"),
    *("location", "x-request-id", "content-type", "proxy-authenticate", "proxy-status", "link", "x-left", "x-reset"),
)
"""Headers that somebody reads, or might."""

VALUES = (
    *("", " ", "0", "1", "-1", "--5", "@--5", "@-5", "@1", "@" + "9" * 400, "9" * 400, "1e999", "nan", "inf", "0x10"),
    *("٣", "²", "1,5", "1.5", "1;2", "5, 10", '"a";r=1;t=2', '"a";r=-1', '";;;', '"\\', "a" * 5000, "caf\xe9", "\xff"),
    *("\x00", "\udce9", "Thu, 01 Jan 1970 00:00:00 GMT", "Sun, 06 Nov 1994 08:49:37", "Fri, 31 Dec 9999 23:59:59 GMT"),
    *("Mon, 99 Foo 9999 99:99:99 +9999", "//[", "http://[::1", "https://one\\@two/", "/v1/things/1", "error=x"),
    *("text/html", "application/json", "text/plain; charset=\xff", "1700000000", "1700000000000", "true", "?1"),
)

BODIES = (
    *(b"", b"{}", b"null", b"1", b'"x"', b"[]", b'{"data":{"id":"1"}}', b'{"data":', b"<html>", b"\xff\xfe", b"\x00"),
    *(b"\xef\xbb\xbf{}", b"[" * 3000, b'{"error":5}', b'{"error":["a"]}', b'{"error":{"code":{}}}', b'{"error":null}'),
    *(b'{"code":"\\ud800","message":"\\ud800"}', b'{"code":"DEAD"}', b'{"message":"' + b"y" * 3000 + b'"}', b"NaN"),
)

STATUSES = (
    *(0, 100, 101, 200, 200, 200, 201, 204, 206, 226, 299, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 407),
    *(408, 409, 410, 422, 425, 429, 429, 451, 499, 500, 502, 503, 504, 511, 520, 529, 599, 600, 999),
)


class OddError(Exception):
    """Unexpected responses."""


class RaisingHeaders(Mapping[str, str]):
    """Headers of which some cannot be read, as a library may have them.

    Args:
        given: those that can.
        error: what reading the others raises.
    """

    def __init__(self, given: dict[str, str], error: Exception) -> None:
        self._given = given
        self._error = error

    def __getitem__(self, name: str) -> str:
        if name in self._given:
            return self._given[name]
        raise self._error

    def get(self, name: str, default: Any = None) -> Any:
        """Raises for what cannot be read."""
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


class Odd:
    """Gives odd replies for ever.

    Args:
        dice: chance.

    Attributes:
        replies: all that it gave; errors that it raised are lost responses.
        arrivals: when something arrived.
        clock: measures the seconds.
    """

    def __init__(self, dice: Random) -> None:
        self.replies: list[Response | NoReply] = []
        self.arrivals: list[float] = []
        self.clock: Clock = ManualClock()
        self._dice = dice

    def reply(self, _request: Request) -> Response | NoReply:
        """The next one.

        Raises:
            OddError: now and then.
        """
        dice = self._dice
        chance = dice.random()
        if chance < 0.04:
            self.replies.append(NoReply(Outcome.REFUSED, "no connection: the network is odd"))
            return self.replies[-1]
        self.arrivals.append(self.clock.now())
        if chance < 0.07:
            self.replies.append(NoReply(Outcome.UNKNOWN, "the network is odd"))
        elif chance < 0.1:
            self.replies.append(NoReply(Outcome.UNKNOWN, "an error"))
            raise OddError
        else:
            given = {name: dice.choice(VALUES) for name in READ if dice.random() < 0.25}
            headers: Mapping[str, str] = given
            if dice.random() < 0.1:
                headers = RaisingHeaders(given, dice.choice([ValueError("no text"), OddError(), KeyError("x")]))
            self.replies.append(
                Response(dice.choice(STATUSES), headers, dice.choice(BODIES), whole=dice.random() > 0.1)
            )
        return self.replies[-1]


class OddHook:
    """A hook that raises, or adds what is not a header.

    Args:
        dice: chance.
    """

    def __init__(self, dice: Random) -> None:
        self._dice = dice

    def began(self, _attempt: AttemptBegan) -> Any:
        """Now and then an error or nonsense."""
        if self._dice.random() < 0.2:
            raise OddError
        return self._dice.choice([None, {}, {"x": "caf\xe9"}, {"a b": "c"}, {1: 2}, "text", 5])

    def notice(self, _notice: Notice) -> None:
        """Now and then an error."""
        if self._dice.random() < 0.2:
            raise OddError


def may_be_done(reply: Response | NoReply) -> bool:
    """Whether a request that changes something may have been done, for all that its reply says."""
    if isinstance(reply, NoReply):
        return reply.outcome is not Outcome.REFUSED
    if reply.status in range(300, 400):
        return reply.status not in (307, 308)
    if reply.status in (408, 499):
        return True
    return not 300 <= reply.status < 500 and reply.status != 511


def surely_done(reply: Response | NoReply) -> bool:
    """Whether a reply could be a provider's own word that it was done."""
    return isinstance(reply, Response) and (reply.status in range(200, 300) or reply.status == 303)


def is_json(body: bytes) -> bool:
    """Whether a body can be read."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True

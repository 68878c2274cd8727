# SPDX-License-Identifier: Apache-2.0
"""Fakes for testing code that uses Callwell: a clock, dice, and a transport that replies from a script.

    transport = ScriptedTransport([Response(429, {"retry-after": "3"}, b""), Response(200, {}, b"{}")])
    ...
    assert [request.url for request in transport.requests] == [...]

`tests/contract` checks them against the same contracts as the real ones.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec.structs import replace

from callwell.core.types import Outcome
from callwell.errors import KeyMissing
from callwell.keys.key import Key
from callwell.transport.base import NoReply, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from callwell.keys.spec import KeySource
    from callwell.transport.base import Request

Reply: TypeAlias = "Response | NoReply"
Script: TypeAlias = "Iterable[Reply] | Callable[[Request], Reply]"

CUT_OFF_REPLY: Final = NoReply(Outcome.UNKNOWN, "the response broke off")


class ManualClock:
    """A clock that stands still until `advance` is called. Waits on it take no time.

    Args:
        now: monotonic seconds.
        wall: seconds since 1970-01-01 UTC.
    """

    def __init__(self, now: float = 0.0, wall: float = 1_700_000_000.0) -> None:
        self._now = now
        self._wall = wall

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self._wall

    def real_s(self, seconds: float) -> float:  # noqa: ARG002 - as every clock
        """No real time passes."""
        return 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: time does not run backwards.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += seconds
        self._wall += seconds


class Dice:
    """Random numbers that are known in advance, repeated forever.

    Args:
        rolls: at least one, each in [0, 1).
    """

    def __init__(self, rolls: Iterable[float] = (0.5,)) -> None:
        known = tuple(rolls)
        if not known or not all(0.0 <= roll < 1.0 for roll in known):
            raise ValueError("dice need at least one roll, each in [0, 1)")
        self._next = cycle(known).__next__

    def __call__(self) -> float:
        """The next roll."""
        return self._next()


class _Scripted:
    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self._replies = iter(()) if callable(script) else iter(script)
        self._reply = script if callable(script) else self._next
        self._closed = False

    def _next(self, request: Request) -> Reply:
        for reply in self._replies:
            return reply
        raise AssertionError(f"the script has no reply to request {len(self.requests)}: {request.method} {request.url}")

    def _answer(self, request: Request) -> Reply:
        if self._closed:
            return NoReply(Outcome.REFUSED, "the transport was closed")
        if request.body is not None and not isinstance(request.body, bytes):
            request = replace(request, body=b"".join(request.body))
        if request.on_abandoned is not None:  # it belongs to one call, so equal requests would otherwise differ
            request = replace(request, on_abandoned=None)
        self.requests.append(request)
        return self._reply(request)

    def _reply_to(self, request: Request) -> Reply:
        reply = self._answer(request)
        if isinstance(reply, Response) and not (reply.whole or reply.too_large or request.keep_status):
            return CUT_OFF_REPLY
        return reply


class _Body:
    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        self._chunks: Iterator[bytes | NoReply] = iter((response.body or b"", b"" if response.whole else CUT_OFF_REPLY))

    def read(self) -> bytes | NoReply:
        return next(self._chunks, b"")


class _AsyncBody:
    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        self._read = _Body(response).read

    async def read(self) -> bytes | NoReply:
        return self._read()


class ScriptedTransport(_Scripted):
    """A transport that sends nothing and replies from a script.

    A streamed request body is read to its end, and recorded as bytes.

    A `Response` that is not whole is returned as a real transport does: with its status if the request has
    `keep_status`, as a `NoReply` otherwise, and in a stream as a break after its body.

    Args:
        script: replies in order, or a function from the request to its reply.

    Attributes:
        requests: all requests, in order.
    """

    def send(self, request: Request) -> Response | NoReply:
        """The script's next reply."""
        return self._reply_to(request)

    @contextmanager
    def stream(self, request: Request) -> Iterator[_Body | NoReply]:
        """The script's next reply, with its body to be read."""
        reply = self._answer(request)
        yield _Body(reply) if isinstance(reply, Response) else reply

    def close(self) -> None:
        """Refuse all further requests."""
        self._closed = True


class AsyncScriptedTransport(_Scripted):
    """The same for asynchronous code: see `ScriptedTransport`.

    Args:
        script: replies in order, or a function from the request to its reply.

    Attributes:
        requests: all requests, in order.
    """

    async def send(self, request: Request) -> Response | NoReply:
        """The script's next reply."""
        return self._reply_to(request)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[_AsyncBody | NoReply]:
        """The script's next reply, with its body to be read."""
        reply = self._answer(request)
        yield _AsyncBody(reply) if isinstance(reply, Response) else reply

    async def aclose(self) -> None:
        """Refuse all further requests."""
        self._closed = True


def check_key_source(source: KeySource, store: Callable[[str | None], object], *, missing: bool = True) -> None:
    """Test whether a key source keeps its contract. `tests/contract/test_key_sources.py` does so for Callwell's own.

    Args:
        source: the source.
        store: stores a key at its place, or removes it (None).
        missing: whether the key can be removed.

    Raises:
        AssertionError: the source violates the contract; the message says how.
    """
    first = "first_key_7f3a9c1e5b"
    second = "second_key_0d8e6b2f4a"
    store(first)
    _require(source.read() == Key(first), "read() returns the key that is there, as a Key")
    before = source.revision()
    _require(before == source.revision(), "revision() stays the same while nothing changes")
    _require(source.location.isprintable() and source.location != "", "location is one line")
    store(second)
    _require(source.read() == Key(second), "read() returns a new key as soon as it is there")
    if source.can_change and source.lease_s is None:
        _require(before != source.revision(), "revision() differs after a change, where there is no lease")
    if source.lease_s is not None:
        _require(source.lease_s > 0.0, "lease_s is above zero")
        _require(before == source.revision(), "revision() of a source with a lease is always the same")
    shown = [source.location, repr(before), repr(source.revision())]
    if missing:
        store(None)
        try:
            source.read()
        except KeyMissing as error:
            shown.append(str(error))
            _require(str(error).isprintable(), "the message of KeyMissing is one line")
        else:
            raise AssertionError("a key source must keep this: read() raises KeyMissing where there is no key")
    _require(not any(key in text for key in (first, second) for text in shown), "no text contains the key")


def _require(holds: bool, promise: str) -> None:  # noqa: FBT001 - what is asked
    if not holds:
        raise AssertionError(f"a key source must keep this: {promise}")

# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/open_answer.py by tools/unasync.py; do not edit
"""Makes a call, and leaves the body of its answer to be read as it arrives: for files and streams.

The call itself is like any other: the engine handles permits, keys, retries and errors, with an `AnswerOpener` in
place of the transport. It reads errors completely, and also successes of an unexpected type, which may be a gateway's.
A success of the expected type ends the call as soon as its head has arrived: the request has then arrived too, so its
permit is released (`core/quota/permits.py`), however long the body takes.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec.structs import replace

from callwell.client.calls.answer_values import describe_mismatch
from callwell.core import outcome
from callwell.core.headers import join_lines
from callwell.core.types import Outcome
from callwell.errors import CallFacts, InvalidOption, UnexpectedAnswer
from callwell.transport.base import MAX_ERROR_BYTES, NoReply, RequestHeaders, Response
from callwell.transport.codings import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client._sync.calls.engine import Engine
    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.context import CallPlan, PreparedCall
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.options import CallOptions, ResolvedOptions
    from callwell.client.calls.responses import Answer
    from callwell.client.config import ClientConfig
    from callwell.transport.base import Body, Request, Transport

NO_CONTENT: Final = frozenset({202, 204, 205})
"""Successes without a body to read: there is none, or none yet."""

MIN_LEFT_S: Final = 0.001
"""The shortest time limit: transports take zero for "no limit"."""

NEVER: Final = float("inf")


class OpenCaller(Protocol):
    """What a call with an open answer needs of its caller: see `callwell.client._sync.calls.caller.Caller`."""

    engine: Engine
    config: ClientConfig
    options: ResolvedOptions

    def with_engine(self, engine: Engine) -> OpenCaller:
        """A caller with the same options that makes its requests by another engine."""
        ...

    def with_options(self, options: CallOptions) -> OpenCaller:
        """A caller with other options."""
        ...

    def prepare(self, plan: CallPlan, bound: BoundRequest) -> PreparedCall:
        """A call for the engine, with the caller's options."""
        ...

    def send(self, prepared: PreparedCall) -> Answer:
        """Make a prepared call."""
        ...


class AnswerOpener:
    """Sends the requests of one call like a transport, and leaves the body of an expected success open.

    Args:
        transport: the transport that sends.
        fields: more header fields.
        is_expected: whether a success with these headers is left open.
        limits: returns, in real seconds, the longest pause in a body, and the time within which all of it must arrive;
            None for no limit.

    Attributes:
        body: the open body, if there is one.
    """

    def __init__(
        self,
        transport: Transport,
        fields: tuple[tuple[str, str], ...],
        *,
        is_expected: Callable[[Mapping[str, str]], bool],
        limits: Callable[[], tuple[float, float | None]],
    ) -> None:
        self.body: Body | None = None
        self._transport = transport
        self._fields = fields
        self._is_expected = is_expected
        self._limits = limits
        self._manager: Any = None

    def send(self, request: Request) -> Response | NoReply:
        """Send a request; the body of an expected success is not in the response."""
        self.close()
        stall_s, left_s = self._limits()
        headers = RequestHeaders((*request.headers, *self._fields))
        request = replace(request, headers=headers, timeout_s=stall_s, total_timeout_s=left_s)
        manager = self._transport.stream(request)
        body = manager.__enter__()
        self._manager = manager
        if isinstance(body, NoReply):
            self.close()
            return body
        is_success = body.status in outcome.OK and body.status not in NO_CONTENT
        if is_success and self._is_expected(body.headers):
            self.body = body
            return Response(body.status, body.headers, b"")
        response = _read_whole(body)
        self.close()
        return response

    def close(self) -> None:
        """Close the connection, whether or not the body was read."""
        manager = self._manager
        self._manager = None
        self.body = None
        if manager is not None:
            manager.__exit__(None, None, None)


def _read_whole(body: Body) -> Response:
    """Read a response that is neither a file nor a stream, up to the limit."""
    content = b""
    is_whole = True
    while chunk := body.read():
        if isinstance(chunk, NoReply):
            is_whole = False
            break
        content += chunk
        if len(content) > MAX_ERROR_BYTES:
            return Response(body.status, body.headers, content[:MAX_ERROR_BYTES], whole=False)
    decoded = decode(content, join_lines(body.headers, "content-encoding"), MAX_ERROR_BYTES)
    return Response(body.status, body.headers, decoded.body, is_whole and decoded.whole, decoded.too_large)


class OpenAnswer:
    """A success with an unread body. It must be closed.

    Args:
        status: the HTTP status.
        headers: values by field name, case-insensitive.
        opener: holds the body; None if there is none to read.

    Attributes:
        status: the HTTP status.
        headers: values by field name, case-insensitive.
    """

    def __init__(self, status: int, headers: Mapping[str, str], opener: AnswerOpener | None) -> None:
        self.status = status
        self.headers = headers
        self._opener = opener

    @property
    def is_empty(self) -> bool:
        """Whether it is a success without a body."""
        return self.status in outcome.OK and (self._opener is None or self._opener.body is None)

    def read(self) -> bytes | NoReply:
        """The next chunk of the body: empty at its end, a `NoReply` if it broke off."""
        body = None if self._opener is None else self._opener.body
        return b"" if body is None else body.read()

    def close(self) -> None:
        """Leave the rest unread."""
        if self._opener is not None:
            self._opener.close()


def open_answer(
    caller: OpenCaller,
    handle: OperationHandle,
    bound: BoundRequest,
    *,
    is_expected: Callable[[Mapping[str, str]], bool],
    stall_s: float,
    fields: tuple[tuple[str, str], ...] = (),
    deadline: float = NEVER,
) -> OpenAnswer:
    """Make a call, and leave its answer open.

    Args:
        caller: makes the call.
        handle: the operation.
        bound: the request.
        is_expected: whether the caller wants to read a success with these headers.
        stall_s: seconds without a byte after which the body counts as broken off.
        fields: more header fields.
        deadline: when the body must have ended, in monotonic seconds.

    Raises:
        UnexpectedAnswer: the call was done, but its answer has another type.
        CallwellError: see `callwell.errors`.
    """
    clock = caller.engine.clock

    def limits() -> tuple[float, float | None]:
        left_s = None if deadline == NEVER else clock.real_s(max(MIN_LEFT_S, deadline - clock.now()))
        return clock.real_s(stall_s), left_s

    caller.engine.open(handle.plan.operation)
    opener = AnswerOpener(
        caller.engine.transport,
        (("accept-encoding", "identity"), *fields),
        is_expected=is_expected,
        limits=limits,
    )
    engine = copy(caller.engine)
    engine.transport = opener  # type: ignore[assignment] # all that the engine does with it is to send
    engine.is_open = False
    try:
        plan = replace(handle.plan, takes_range=True)  # a caller that opens an answer can handle a part
        answer = caller.with_engine(engine).send(caller.prepare(plan, bound))
    except BaseException:
        opener.close()
        raise
    if opener.body is None and answer.status in outcome.OK and answer.status not in NO_CONTENT:
        facts = done_facts(caller, handle, answer)
        mismatch = describe_mismatch(answer.headers, bound.accept[1])
        text = f"{facts['provider']} {facts['operation']}: {answer.status}: {mismatch}"
        raise UnexpectedAnswer(text, status=answer.status, **facts)
    return OpenAnswer(answer.status, answer.headers, opener)


def done_facts(caller: OpenCaller, handle: OperationHandle, answer: Answer) -> CallFacts:
    """The facts of an error about an answer that arrived, so the call was done."""
    return CallFacts(
        provider=caller.config.provider.name,
        operation=handle.plan.operation,
        attempts=answer.attempts,
        outcome=str(Outcome.DONE),
    )


def check_recordable(caller: OpenCaller) -> None:
    """Check that a call need not be recorded, since one with an open answer cannot be.

    Raises:
        InvalidOption: it is to be made exactly once.
    """
    if caller.options.exactly_once:
        raise InvalidOption("exactly_once", caller.options.exactly_once, "False here: a stream cannot be recorded")

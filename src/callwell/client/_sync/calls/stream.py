# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/stream.py by tools/unasync.py; do not edit
"""An answer in parts that are delivered as they arrive: server-sent events, or JSON lines.

A stream that breaks off ends with `StreamCut`, which says how much was read. It is never repeated, because delivered
parts cannot be taken back. Only a GET of events is opened again, with the ID of the last event, if the profile says so
(`[stream] reconnects`).
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from callwell.client._sync.calls.open_answer import NEVER, check_recordable, open_answer
from callwell.client._sync.concurrency.primitives import sleep
from callwell.client.calls.answer_values import media_type
from callwell.client.downloads.decoding import DamagedCoding, FileDecoder
from callwell.core import retry, storage_head
from callwell.core.event_stream import EventParser, LineSplitter, StreamTooLarge
from callwell.core.types import Outcome
from callwell.description.answer_types import EVENTS, classify
from callwell.description.schemas import type_names
from callwell.errors import CallFacts, InvalidOption, StreamCut
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import Self

    from callwell.client._sync.calls.open_answer import OpenAnswer, OpenCaller
    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.operations import OperationHandle
    from callwell.core.event_stream import ServerSentEvent

T = TypeVar("T")

STREAM_ARGUMENT: Final = "stream"
"""The argument that selects streaming, where an operation can also answer with a single value."""


class Stream(Generic[T]):
    """The answer of one call, part by part: `with` it and iterate over it, once.

    Args:
        caller: makes the call.
        handle: the operation.
        bound: the request.

    Attributes:
        items: how many parts were delivered.
        status: the HTTP status; 0 before the stream is open.
        headers: of the answer; empty before the stream is open.
    """

    def __init__(self, caller: OpenCaller, handle: OperationHandle, bound: BoundRequest) -> None:
        self.items = 0
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._caller = caller
        self._handle = handle
        self._bound = bound
        self._rule = caller.config.provider.profile.stream
        self._answer: OpenAnswer | None = None
        self._parser = EventParser(self._max_bytes)
        self._is_used = False
        self._has_ended = False
        self._broken: NoReply | None = None

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the rest of the stream is not read."""
        answer = self._answer
        self._answer = None
        if answer is not None:
            answer.close()

    def __iter__(self) -> Generator[T]:
        """The parts, in order. The connection is closed after the last one, or when the loop is left.

        Raises:
            StreamCut: it broke off.
            InvalidOption: it was already read.
        """
        if self._is_used:
            raise InvalidOption("stream", "read before", "a new stream: each can be read only once")
        self._is_used = True
        try:
            failures = 0
            while not self._has_ended:
                before = self.items
                with closing(self._read()) as parts:
                    for part in parts:
                        yield part
                failures = 0 if self.items > before else failures + 1
                if not self._has_ended:
                    self._reconnect(failures)
        finally:
            self.close()

    def _open(self) -> OpenAnswer:
        if self._answer is None:
            fields: tuple[tuple[str, str], ...] = ()
            if self._parser.last_id:
                fields = (("last-event-id", self._parser.last_id),)
            explicit_deadline_s = self._caller.options.explicit_deadline_s
            clock = self._caller.engine.clock
            self._answer = open_answer(
                self._caller,
                self._handle,
                self._bound,
                is_expected=self._is_stream,
                stall_s=self._rule.idle_s,
                fields=fields,
                deadline=NEVER if explicit_deadline_s == NEVER else clock.now() + explicit_deadline_s,
            )
            self.status = self._answer.status
            self.headers = self._answer.headers
        return self._answer

    @property
    def _max_bytes(self) -> int:
        return self._caller.config.network.max_answer_bytes

    def _is_stream(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer is a stream; plain JSON counts as JSON lines if it is declared for them."""
        name = media_type(headers)
        if name == EVENTS:
            return True
        declared = [kind.name.partition(";")[0] for kind in self._handle.plan.media if kind.kind == "lines"]
        return name in declared or classify(name, {}).kind == "lines"

    def _read(self) -> Generator[Any]:
        """The parts of one answer; afterwards `_has_ended` and `_broken` say how it ended."""
        answer = self._open()
        is_events = media_type(answer.headers) == EVENTS
        lines = LineSplitter(self._max_bytes)
        codings = storage_head.parse_head(answer.status, answer.headers, 0.0).codings
        decoder = FileDecoder(codings) if codings else None
        self._broken = None
        try:
            while (chunk := answer.read()) and not isinstance(chunk, NoReply):
                decoded = chunk if decoder is None else decoder.decode_next(chunk)
                for part in self._parser.feed(decoded) if is_events else lines.feed(decoded):
                    if self._ends(part):
                        self._has_ended = True
                        return
                    if part:
                        yield self._deliver(part)
            if not is_events and not chunk and lines.rest().strip():
                yield self._deliver(lines.rest())
        except StreamTooLarge:
            raise self._to_stream_cut("one part has more bytes than max_answer_bytes allows") from None
        except DamagedCoding as error:
            raise self._to_stream_cut("its bytes do not fit the Content-Encoding it names") from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._to_stream_cut("a line is not JSON") from error
        self._broken = chunk if isinstance(chunk, NoReply) else None
        self._has_ended = not (is_events and self._bound.method == "GET" and self._rule.reconnects)
        if self._has_ended and self._broken is not None:
            raise self._to_stream_cut(self._broken.reason) from self._broken.cause

    def _ends(self, part: ServerSentEvent | bytes) -> bool:
        text = part.decode("utf-8", "replace") if isinstance(part, bytes) else part.text
        return bool(self._rule.end) and text.strip() == self._rule.end

    def _deliver(self, part: ServerSentEvent | bytes) -> Any:
        if isinstance(part, bytes):
            value = msgspec.json.decode(part)
            self.items += 1
            return value
        self.items += 1
        try:
            return part._replace(data=msgspec.json.decode(part.text))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return part

    def _reconnect(self, failures: int) -> None:
        """Close an answer that has ended, and wait until the stream may be opened again.

        Raises:
            StreamCut: it broke off too often.
        """
        self.close()
        if failures > self._rule.reconnects:
            self._has_ended = True
            if self._broken is not None:
                raise self._to_stream_cut(self._broken.reason) from self._broken.cause
            return
        engine = self._caller.engine
        backoff_s = retry.backoff(engine.profile.retry, max(0, failures - 1), engine.roll(), 0.0)
        sleep(engine.clock.real_s(max(backoff_s, self._parser.retry_s or 0.0)))
        self._parser = EventParser(self._max_bytes, self._parser.last_id)

    def _to_stream_cut(self, reason: str) -> StreamCut:
        plan = self._handle.plan
        name = self._caller.config.provider.name
        known = Outcome.REFUSED if plan.traits.safe else Outcome.UNKNOWN
        facts = CallFacts(provider=name, operation=plan.operation, attempts=1, outcome=str(known))
        remedy = "" if plan.traits.safe else "; it may have been done, so check before you repeat it"
        text = f"{name} {plan.operation}: the stream broke off after {self.items} parts: {reason}{remedy}"
        return StreamCut(text, items=self.items, last_id=self._parser.last_id, **facts)


def start_stream(caller: OpenCaller, handle: OperationHandle, arguments: Mapping[str, object]) -> Stream[Any]:
    """The stream that an operation answers with. Nothing is sent until it is entered or iterated over.

    Args:
        caller: makes the call.
        handle: the operation.
        arguments: in snake case. If the operation has a flag named `stream` that is not among them, it is set.

    Raises:
        InvalidOption: it does not answer with a stream, or an argument is invalid.
    """
    check_recordable(caller)
    operation = caller.config.provider.operation(handle.plan.operation)
    has_stream_flag = any(
        parameter.name == STREAM_ARGUMENT and "boolean" in type_names(parameter.schema)
        for parameter in operation.parameters
    )
    declared = [kind.name for kind in operation.media if kind.kind in ("events", "lines")]
    if not declared and (has_stream_flag or any(kind.kind == "any" for kind in operation.media)):
        declared = [EVENTS, "application/x-ndjson"]
    if not declared:
        raise InvalidOption("operation", operation.name, "one that answers with events or JSON lines")
    if has_stream_flag:
        arguments = {STREAM_ARGUMENT: True, **arguments}
    bound = handle.binder.bind(arguments)
    return Stream(caller, handle, replace(bound, accept=("accept", ", ".join(declared))))

# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/uploads/uploader.py by tools/unasync.py; do not edit
"""An upload from file to object: checks, plans, starts or resumes, sends, and waits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from callwell.client._sync.concurrency.primitives import (
    post_to_state,
    run_blocking,
    sleep,
    use_state,
    wait_for_state,
    when_loop_closes,
)
from callwell.client._sync.uploads.creation import ObjectCreator
from callwell.client._sync.uploads.sender import PieceSender
from callwell.client._sync.uploads.stream import PieceStream
from callwell.client.calls.context import PreparedCall
from callwell.client.calls.options import MIN_DEADLINE_S, NOT_GIVEN
from callwell.client.uploads import files
from callwell.client.uploads import options as upload_options
from callwell.client.uploads.options import NO_UPLOAD, ResolvedUpload, Uploaded, UploadOptions
from callwell.client.uploads.piece_reader import ProgressMeter
from callwell.client.uploads.position import UploadPosition
from callwell.core import upload, upload_status
from callwell.core.piece_size import choose_piece_size
from callwell.core.upload import UploadReason
from callwell.errors import (
    CallwellError,
    DeadlineExceeded,
    FileChanged,
    FileRejected,
    InvalidOption,
    KeyRefused,
    Missing,
    ProcessingFailed,
    UploadMismatch,
    UploadStopped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from callwell.client._sync.calls.caller import Caller
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.responses import Answer
    from callwell.client.uploads.files import DiskFile, MemoryFile
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload

T = TypeVar("T")

MAX_WAIT_S: Final = 3_600.0
"""Seconds to wait for a state if the caller sets no deadline: an unreadable file never reaches it."""

FIRST_POLL_S: Final = 1.0
MAX_POLL_S: Final = 15.0
"""Seconds between two queries for a state: waits double up to this. Encoding takes minutes, and a query costs a
permit."""


def ignore_result(_done: Uploaded[Any]) -> None:
    """Do nothing: the default for `on_done`."""


class UploadArguments(NamedTuple):
    """The arguments of an upload, by the operation that takes them.

    Attributes:
        pieces: of the operation that receives the pieces.
        create: of the operation that creates the object.
        target: the object, if the caller names one.
    """

    pieces: dict[str, object]
    create: dict[str, object]
    target: str | None


class Uploader:
    """Sends a file by one operation.

    Args:
        caller: makes the calls.
        handle: the operation.
        rule: the operation's rule in the profile.
        on_done: called with the result while the position is still stored, so that a caller that records the result
            then loses nothing in a kill. It may use the state: on an event loop it is called in the state's thread.
    """

    def __init__(
        self,
        caller: Caller,
        handle: OperationHandle,
        rule: UploadRule,
        on_done: Callable[[Uploaded[Any]], None] | None = None,
    ) -> None:
        self._caller = caller
        self._config = caller.config
        self._engine = caller.engine
        self._call_options = replace(caller.options, retry_unsafe_5xx=False)
        self._handle = handle
        self._name = handle.plan.operation
        self._rule = rule
        self._on_done = on_done or ignore_result
        self._options = ResolvedUpload()
        self._deadline = float("inf")
        self._position = self._position_at(None)
        self._duration_s: float | None = None

    def run(self, file: Any, given: Mapping[str, Any]) -> Uploaded[Any]:
        """Send a file.

        Args:
            file: bytes, a path, an open file, or something that yields bytes.
            given: arguments of the operation and of the one that creates the object, and upload options.

        Raises:
            UploadError: the file cannot be sent, or did not arrive as it was sent.
            CallwellError: see `callwell.errors`.
        """
        names = UploadOptions.__annotations__.keys()
        self._options = upload_options.resolve(self._rule, {name: given[name] for name in given if name in names})
        self._deadline = self._engine.clock.now() + self._options.deadline_s
        return self._run(file, {name: given[name] for name in given if name not in names})

    def _run(self, file: Any, given: Mapping[str, object]) -> Uploaded[Any]:
        arguments = self._split_arguments(given)
        source = run_blocking(lambda: files.open_source(file))
        if source is None:
            return self._run_stream(file, arguments)
        container = run_blocking(lambda: upload_options.check_file(self._rule, source, check=self._options.check))
        self._duration_s = None if container is None else container.duration_s
        stated = {name: value for name, value in given.items() if value is not None and value is not NOT_GIVEN}
        call_name = self._caller.options.exactly_once
        parts = (
            run_blocking(source.fingerprint),
            sorted(stated.items()),
            call_name if isinstance(call_name, str) else None,
        )
        self._position = self._position_at(parts)
        with self._position.hold(), when_loop_closes(self._position.release):
            sender = self._send_file(source, arguments)
            return self._finish(sender, source.size, arguments)

    def _run_stream(self, file: Any, arguments: UploadArguments) -> Uploaded[Any]:
        if self._rule.unknown_total is None:
            raise InvalidOption("file", type(file).__name__, "a path, bytes or an open file: its size must be known")
        piece_size = self._choose_piece_size(None)
        stream = PieceStream(file, self._rule, piece_size)
        stream.open()
        state = self._start(upload.start_upload(self._rule, piece_size, None, None), arguments)
        sender = self._send(stream, arguments, state)
        return self._finish(sender, stream.total, arguments)

    def _send_file(self, source: MemoryFile | DiskFile, arguments: UploadArguments) -> PieceSender:
        """Resume the upload where this or another process stopped, or start it."""
        stored = self._use(self._position.join) if self._options.resume else NO_UPLOAD
        gone = None
        if stored.target is not None:
            try:
                return self._send(source, arguments, upload.resume(stored))
            except UploadStopped as error:
                is_gone = isinstance(error.__cause__, Missing) and error.confirmed == upload.count_confirmed(stored)
                if not is_gone or arguments.target is not None:
                    raise
                gone = stored.target
        blank = upload.start_upload(self._rule, self._choose_piece_size(source.size), source.size, None)
        return self._send(source, arguments, self._start(blank, arguments, gone=gone))

    def _position_at(self, parts: Iterable[object] | None) -> UploadPosition:
        cell = None if parts is None else upload_options.position_cell(self._config.account, self._name, parts)
        return UploadPosition(self._config.state, cell, ledger=self._config.ledger(), name=self._name)

    def _split_arguments(self, given: Mapping[str, object]) -> UploadArguments:
        """Split the arguments between the two operations, and check those of the one that creates the object."""
        rule = self._rule
        left = {name: value for name, value in given.items() if value is not NOT_GIVEN}
        target = left.pop(rule.target, None)
        if target is not None and not isinstance(target, str):
            raise InvalidOption(rule.target, target, "the name of an object")
        of_pieces = self._handle.binder.names
        pieces = {name: value for name, value in left.items() if name in of_pieces}
        create = {name: value for name, value in left.items() if name not in of_pieces}
        name = min((name for name, value in create.items() if value is not None), default=None)
        if name is not None and (target is not None or rule.create is None):
            raise InvalidOption(name, create[name], f"nothing: {self._name} creates no object here")
        if target is None and rule.create is not None:
            self._caller.find_operation(rule.create).binder.bind(create)
        return UploadArguments(pieces=pieces, create=create, target=target)

    def _choose_piece_size(self, size: int | None) -> int:
        quotas = self._config.provider.profile.quotas
        limits = [quotas[name].limit for name in self._handle.plan.quotas]
        piece_size = self._options.piece_size or choose_piece_size(self._rule, size, min(limits, default=None))
        if size is not None and -(-size // piece_size) > self._rule.max_pieces:
            raise InvalidOption("piece_size", piece_size, f"enough for {self._rule.max_pieces} pieces or fewer")
        return piece_size

    def _start(self, blank: Upload, arguments: UploadArguments, *, gone: str | None = None) -> Upload:
        """A new upload, with an object for it if one must exist before the first piece."""
        if arguments.target is None and self._rule.target_from == 1:
            creator = ObjectCreator(self._caller, self._rule, self._position)
            force_new = not self._options.resume
            return creator.create(blank, arguments.create, self._left_s(), gone=gone, force_new=force_new)
        started = blank._replace(target=arguments.target)
        self._use(partial(self._position.store, started))
        return started

    def _send(
        self, file: MemoryFile | DiskFile | PieceStream, arguments: UploadArguments, state: Upload
    ) -> PieceSender:
        meter = ProgressMeter(self._options.progress)
        meter.add(upload.count_confirmed_bytes(state))
        sender = PieceSender(
            self._rule,
            self._name,
            arguments=arguments.pieces,
            call=self._call,
            engine=self._engine,
            file=file,
            meter=meter,
            store=self._store,
            flush=partial(wait_for_state, self._config.state),
            state=state,
            reports_sent_size=not upload_options.may_be_cut(self._config.sandbox, self._duration_s),
        )
        try:
            sender.run(self._options.pieces)
        except (FileChanged, FileRejected, UploadMismatch, ProcessingFailed) as error:
            error.target = sender.state.target
            if not (isinstance(error, UploadMismatch) and error.what in ("state", "report")):
                self._use(self._position.delete)
            raise
        except CallwellError as error:
            cause: CallwellError = error
            if isinstance(error, KeyRefused) and self._rule.token is None:
                cause = self._caller.explain(error)
            wait_for_state(self._config.state)  # it is known now whether positions could be stored
            raise self._to_stopped(sender.state, cause, arguments) from error
        return sender

    def _to_stopped(self, state: Upload, error: CallwellError, arguments: UploadArguments) -> CallwellError:
        """The error with the name of the object that remains, or the error itself if there is none."""
        if state.target is None:
            return error
        confirmed = upload.count_confirmed(state)
        of_total = "" if state.total is None else f" of {state.total}"
        what_next = self._advise(state, error, arguments)
        text = f"{error}; {state.target} has {confirmed}{of_total} pieces: {what_next}"
        stopped = UploadStopped(text, target=state.target, confirmed=confirmed, pieces=state.total)
        stopped.__cause__ = error
        return stopped

    def _advise(self, state: Upload, error: CallwellError, arguments: UploadArguments) -> str:
        """What repeating the call would do, or what to do instead."""
        if isinstance(error, Missing):
            return "it is gone" if arguments.target is not None else "it is gone, and the same call creates another one"
        if self._position.cell is None and state.verified:
            return "it has the whole stream"
        if self._position.cell is None:
            return "a stream cannot be resumed, so delete it and send everything again"
        if state.failure is UploadReason.OTHER_TARGET:
            return "the same call does not touch it; resume=False creates another one"
        if self._position.has_failed:
            return "its position could not be stored, so the same call may send some pieces again"
        accepted = ""
        if state.failure is UploadReason.REFUSED:
            accepted = f"once the provider accepts piece {state.failed_piece}, "
        if not self._options.resume:
            return f"{accepted}the same call with resume=True continues it"
        if not self._config.state.shared:
            return f"{accepted}the same call by this client continues it"
        return f"{accepted}the same call continues it"

    def _finish(self, sender: PieceSender, size: int, arguments: UploadArguments) -> Uploaded[Any]:
        target = sender.state.target or ""
        try:
            answer = self._read_object(sender, target)
        except (ProcessingFailed, DeadlineExceeded):
            raise  # they name the object
        except CallwellError as error:
            raise self._to_stopped(sender.state, error, arguments) from error
        warnings = upload_options.sandbox_warnings(self._config.sandbox, self._duration_s, self._engine.clock.wall())
        done = Uploaded(
            target=target,
            answer=answer,
            size=size,
            pieces=sender.state.total or 0,
            resent=sender.state.resent_bytes,
            warnings=warnings,
        )
        self._use(partial(self._on_done, done))
        self._use(self._position.delete)
        return done

    def _read_object(self, sender: PieceSender, target: str) -> Any:
        """The last response about an object that has all its pieces, once it has reached the requested state."""
        rule = self._rule
        answer: Any = sender.answer
        if rule.get is not None and len(answer) <= 1:  # the last response, which describes the object, was lost
            answer = (self._call(rule.get, {rule.target: target})).json
        if self._options.wait is not None:
            self._wait_for(self._options.wait, target, sender.status)
        return answer

    def _wait_for(self, name: str, target: str, json: Any) -> None:
        """Wait for a state of the object.

        Args:
            name: of the state.
            target: the object.
            json: the last response about it, which may already show the state; None if there is none.
        """
        until = self._rule.until[name]
        clock = self._engine.clock
        deadline = min(self._deadline, clock.now() + MAX_WAIT_S)
        pause_s = FIRST_POLL_S
        polls = 1
        if json is None:
            json = (self._query(target)).json
        while not upload_status.has_reached(until, json):
            word = upload_status.find_failure(until, json)
            if word is not None:
                self._use(self._position.delete)
                text = f"{self._name}: {target} was sent, and will never be {name}: the provider says {word!r}"
                raise ProcessingFailed(text, target=target, state=word)
            if clock.now() + pause_s >= deadline:
                raise DeadlineExceeded(
                    f"{self._name}: {target} was sent, but was not {name} before the deadline",
                    provider=self._config.provider.name,
                    operation=self._rule.status,
                    attempts=polls,
                    outcome="done",
                )
            sleep(clock.real_s(pause_s))
            pause_s = min(2 * pause_s, MAX_POLL_S)
            polls += 1
            json = (self._query(target)).json

    def _use(self, work: Callable[[], T]) -> T:
        """Use the state that stores the position."""
        return use_state(self._config.state, work)

    def _store(self, state: Upload) -> None:
        """Store the position, after earlier ones."""
        post_to_state(self._config.state, partial(self._position.store, state))

    def _query(self, target: str) -> Answer:
        return self._call(self._rule.status, {self._rule.target: target})

    def _call(self, operation: str, arguments: Mapping[str, object]) -> Answer:
        handle = self._caller.find_operation(operation)
        options = replace(self._call_options, deadline_s=self._left_s())
        return self._engine.run(PreparedCall(handle.plan, handle.binder.bind(arguments), options))

    def _left_s(self) -> float:
        return max(MIN_DEADLINE_S, self._deadline - self._engine.clock.now())

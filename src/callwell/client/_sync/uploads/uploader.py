# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/uploads/uploader.py by tools/unasync.py; do not edit
"""An upload from its file to its object: looked at, planned, begun or gone on with, sent, and waited for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.client._sync.concurrency.primitives import run_blocking, sleep
from callwell.client._sync.uploads.creation import ObjectCreator
from callwell.client._sync.uploads.sender import PieceSender
from callwell.client._sync.uploads.stream import PieceStream
from callwell.client.calls.options import NOT_GIVEN
from callwell.client.calls.prepared import PreparedCall
from callwell.client.uploads import files
from callwell.client.uploads import options as upload_options
from callwell.client.uploads.options import NO_UPLOAD, ResolvedUpload, Uploaded, UploadOptions
from callwell.client.uploads.piece_reader import ProgressMeter
from callwell.core import upload, upload_status
from callwell.core.piece_size import choose_piece_size
from callwell.core.upload import UploadReason
from callwell.errors import (
    CallwellError,
    DeadlineExceeded,
    FileChanged,
    FileUnfit,
    InvalidOption,
    KeyRefused,
    Missing,
    ProcessingFailed,
    StateError,
    UploadMismatch,
    UploadStopped,
)
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client._sync.calls.caller import Caller
    from callwell.client.calls.operations import OperationHandle
    from callwell.client.calls.responses import Answer
    from callwell.client.uploads.files import DiskFile, MemoryFile
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload
    from callwell.state.base import Cell

MAX_WAIT_S: Final = 3_600.0
"""How long a state is waited for where the caller sets no deadline: a file that cannot be read never gets there."""

POLL_S: Final = (1.0, 15.0)
"""Seconds between two looks, the first and the longest: each is twice the one before."""


def ignore_result(_done: Uploaded[Any]) -> None:
    """Nobody writes down that an upload has ended."""


class UploadArguments(NamedTuple):
    """The arguments of an upload, by the operation that takes them."""

    pieces: dict[str, object]
    create: dict[str, object]
    target: str | None


class Uploader:
    """Sends a file by one operation.

    Args:
        caller: makes the calls.
        found: the operation.
        rule: what the profile says about it.
        note: called with what an upload was worth while its position is still stored: whoever writes that down loses
            nothing by a kill.
    """

    def __init__(
        self,
        caller: Caller,
        found: OperationHandle,
        rule: UploadRule,
        note: Callable[[Uploaded[Any]], None] = ignore_result,
    ) -> None:
        self._caller = caller
        self._note = note
        self._found = found
        self._name = found.plan.operation
        self._rule = rule
        self._engine = caller.engine
        self._setting = caller.config
        self._known = caller.find_operation
        self._wish = caller.options.exactly_once
        self._choices = dataclasses.replace(caller.options, retry_unsafe_5xx=False)
        self._wants = ResolvedUpload()
        self._until = float("inf")
        self._cell: Cell[Upload] | None = None
        self._duration_s: float | None = None
        self._unkept = False

    def run(self, file: Any, given: Mapping[str, Any]) -> Uploaded[Any]:
        """Send a file.

        Args:
            file: bytes, a path, an open file, or what gives bytes.
            given: arguments of the operation and of the one that makes the object, and upload options.

        Raises:
            UploadError: the file, or what became of it on its way.
            CallwellError: see `callwell.errors`.
        """
        options = UploadOptions.__annotations__.keys()
        self._wants = upload_options.resolve(self._rule, {name: given[name] for name in given if name in options})
        self._until = self._engine.clock.now() + self._wants.deadline_s
        return self._run(file, {name: given[name] for name in given if name not in options})

    def _run(self, file: Any, arguments: Mapping[str, object]) -> Uploaded[Any]:
        given = self._split(arguments)
        source = run_blocking(lambda: files.open_source(file))
        if source is None:
            return self._run_stream(file, given)
        held = run_blocking(lambda: upload_options.check_file(self._rule, source, check=self._wants.check))
        self._duration_s = None if held is None else held.duration_s
        said = {name: value for name, value in arguments.items() if value is not None and value is not NOT_GIVEN}
        parts = (
            run_blocking(source.mark),
            sorted(said.items()),
            self._wish if isinstance(self._wish, str) else None,
        )
        self._cell = upload_options.position_cell(self._setting.account, self._name, parts)
        pieces = self._gone_on(source, given) if self._wants.resume else None
        if pieces is None:
            state = upload.start_upload(self._rule, self._piece(source.size), source.size, None)
            pieces = self._sent(source, given, self._begun(state, given))
        return self._done(pieces, source.size)

    def _run_stream(self, file: Any, given: UploadArguments) -> Uploaded[Any]:
        if self._rule.unknown_total is None:
            raise InvalidOption("file", type(file).__name__, "a path, bytes or an open file: its size must be known")
        piece = self._piece(None)
        stream = PieceStream(file, self._rule, piece)
        stream.open()
        state = self._begun(upload.start_upload(self._rule, piece, None, None), given)
        pieces = self._sent(stream, given, state)
        return self._done(pieces, stream.total)

    def _split(self, arguments: Mapping[str, object]) -> UploadArguments:
        """Whose argument each of them is."""
        rule, taken = self._rule, self._found.binder.names
        given = {name: value for name, value in arguments.items() if value is not NOT_GIVEN}
        target = given.pop(rule.target, None)
        if target is not None and not isinstance(target, str):
            raise InvalidOption(rule.target, target, "the name of an object")
        pieces = {name: value for name, value in given.items() if name in taken}
        create = {name: value for name, value in given.items() if name not in taken}
        name = min((name for name, value in create.items() if value is not None), default=None)
        if name is not None and (target is not None or rule.create is None):
            raise InvalidOption(name, create[name], f"nothing: {self._name} makes no object here")
        if target is None and rule.create is not None:
            self._known(rule.create).binder.bind(create)
        return UploadArguments(pieces, create, target)

    def _piece(self, size: int | None) -> int:
        quotas = self._setting.provider.profile.quotas
        limits = [quotas[name].limit for name in self._found.plan.quotas]
        piece = self._wants.piece_size or choose_piece_size(self._rule, size, min(limits, default=None))
        if size is not None and -(-size // piece) > self._rule.max_pieces:
            raise InvalidOption("piece_size", piece, f"so many bytes that {self._rule.max_pieces} pieces suffice")
        return piece

    def _begun(self, state: Upload, given: UploadArguments) -> Upload:
        """An upload of which nothing has been sent, with an object for it if one must be there first."""
        if given.target is None and self._rule.target_from == 1:
            making = ObjectCreator(self._caller, self._rule, self._cell)
            return making.make(state, given.create, self._left_s(), anew=not self._wants.resume)
        state = state._replace(target=given.target)
        self._keep(state)
        return state

    def _gone_on(self, source: MemoryFile | DiskFile, given: UploadArguments) -> PieceSender | None:
        """Go on where this or another process has stopped, if there is such a place."""
        state = NO_UPLOAD if self._cell is None else self._setting.state.read(self._cell)
        if state == NO_UPLOAD or state.target is None:
            return None
        try:
            return self._sent(source, given, upload.resume(state))
        except UploadStopped as error:
            if (
                isinstance(error.__cause__, Missing)
                and given.target is None
                and error.confirmed == upload.count_confirmed(state)
            ):
                return None
            raise

    def _sent(self, file: MemoryFile | DiskFile | PieceStream, given: UploadArguments, state: Upload) -> PieceSender:
        meter = ProgressMeter(self._wants.progress)
        meter.move(upload.count_confirmed_bytes(state))
        pieces = PieceSender(
            self._rule,
            self._name,
            arguments=given.pieces,
            call=self._call,
            engine=self._engine,
            file=file,
            meter=meter,
            keep=self._keep,
            state=state,
            sized=not upload_options.may_be_cut(self._setting.sandbox, self._duration_s),
        )
        try:
            pieces.run(self._wants.pieces)
        except (FileChanged, FileUnfit, UploadMismatch, ProcessingFailed) as error:
            error.target = pieces.state.target
            if not (isinstance(error, UploadMismatch) and error.what == "state"):
                self._forget()
            raise
        except CallwellError as error:
            cause: CallwellError = error
            if isinstance(error, KeyRefused) and self._rule.token is None:
                cause = self._caller.explain(error)
            raise self._stopped(pieces.state, cause, given) from error
        return pieces

    def _stopped(self, state: Upload, error: CallwellError, given: UploadArguments) -> CallwellError:
        """The error with the name of what is left behind, or the error itself if nothing is."""
        if state.target is None:
            return error
        done = upload.count_confirmed(state)
        of = "" if state.total is None else f" of {state.total}"
        text = f"{error}; {state.target} has {done}{of} pieces: {self._outlook(state, error, given)}"
        stopped = UploadStopped(text, target=state.target, confirmed=done, pieces=state.total)
        stopped.__cause__ = error
        return stopped

    def _outlook(self, state: Upload, error: CallwellError, given: UploadArguments) -> str:
        """What the same call would do, or what is to be done instead."""
        if isinstance(error, Missing):
            return "it is gone, and the same call makes another one" if given.target is None else "it is gone"
        if self._cell is None:
            return "a stream cannot be gone on with, so delete it and send the whole again"
        if state.why is UploadReason.OTHER:
            return "the same call does not touch it; resume=False makes another one"
        if self._unkept:
            return "where it stands could not be stored, so that the same call may send pieces again"
        if not self._wants.resume:
            return "the same call with resume=True goes on with it"
        if not self._setting.state.shared:
            return "the same call by this client goes on with it"
        return "the same call goes on with it"

    def _done(self, pieces: PieceSender, size: int) -> Uploaded[Any]:
        rule = self._rule
        target = pieces.state.target or ""
        answer: Any = pieces.answer
        if rule.get is not None and len(answer) <= 1:
            answer = (self._call(rule.get, {rule.target: target})).json
        if self._wants.wait is not None:
            self._await(self._wants.wait, target, pieces.status)
        done = Uploaded(
            target=target,
            answer=answer,
            size=size,
            pieces=pieces.state.total or 0,
            resent=pieces.state.resent,
            warnings=upload_options.sandbox_warnings(
                self._setting.sandbox, self._duration_s, self._engine.clock.wall()
            ),
        )
        self._note(done)
        self._forget()
        return done

    def _await(self, name: str, target: str, json: Any) -> None:
        """Wait for a state of the object, which may be that of the last answer about it."""
        until = self._rule.until[name]
        clock = self._engine.clock
        pause = POLL_S[0]
        end = min(self._until, clock.now() + MAX_WAIT_S)
        looks = 1
        json = (self._status(target)).json if json is None else json
        while not upload_status.has_reached(until, json):
            word = upload_status.find_failure(until, json)
            if word is not None:
                self._forget()
                text = f"{self._name}: {target} is there, and will never be {name}: the provider says {word!r}"
                raise ProcessingFailed(text, target=target, state=word)
            if clock.now() + pause >= end:
                raise DeadlineExceeded(
                    f"{self._name}: {target} is there, but not yet {name}",
                    provider=self._setting.provider.name,
                    operation=self._rule.status,
                    attempts=looks,
                    outcome="done",
                )
            sleep(clock.real_s(pause))
            pause = min(2 * pause, POLL_S[1])
            looks += 1
            json = (self._status(target)).json

    def _status(self, target: str) -> Answer:
        return self._call(self._rule.status, {self._rule.target: target})

    def _call(self, operation: str, arguments: Mapping[str, object]) -> Answer:
        known = self._known(operation)
        choices = dataclasses.replace(self._choices, deadline_s=self._left_s())
        return self._engine.run(PreparedCall(known.plan, known.binder.bind(arguments), choices))

    def _left_s(self) -> float:
        return max(0.001, self._until - self._engine.clock.now())

    def _keep(self, state: Upload) -> None:
        """Store where it stands. A state that fails in the middle costs the upload nothing but that."""
        if self._cell is None or state.target is None:
            return
        try:
            self._setting.state.update(self._cell, lambda _: (state, None))
        except StateError as error:
            if not self._unkept:
                LOGGER.warning("%s: where %s stands could not be stored: %s", self._name, state.target, error)
            self._unkept = True

    def _forget(self) -> None:
        if self._cell is None:
            return
        try:
            maker = self._setting.state.read(self._cell).maker
            if maker:
                self._setting.ledger().forget(maker)
            self._setting.state.remove(self._cell.key)
        except StateError as error:  # it must not cost the result
            LOGGER.warning("%s: that it has ended could not be stored: %s", self._name, error)

# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/uploads/sender.py by tools/unasync.py; do not edit
"""The workers that send the pieces of one file, as `core.upload` says: the first is the caller itself.

They meet under one lock, which is held while the position is stored and never while anything is waited for. Whoever
fails stops all: a piece that is under way is broken off, and nothing is stored any more.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from callwell.client._sync.concurrency.primitives import BackgroundTask, cancel_all, run_blocking, sleep, wait_all
from callwell.client.uploads.options import is_same_checksum, to_error
from callwell.client.uploads.piece_reader import PieceReader, ProgressMeter
from callwell.core import json_values, retry, upload, upload_status
from callwell.core.upload import QueryStatus, ReadPiece, SendPiece, UploadFailed
from callwell.core.upload_status import UploadStatus
from callwell.errors import ApiError, Forbidden, KeyProblem, Missing, OutcomeUnknown, Unauthorized, UploadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from callwell.client._sync.calls.engine import Engine
    from callwell.client._sync.concurrency.primitives import Fetch
    from callwell.client._sync.uploads.stream import PieceStream
    from callwell.client.uploads.piece_reader import PieceSource
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload


class PieceSender:
    """The pieces of one file.

    Args:
        rule: how they are sent.
        operation: the operation that takes them.
        arguments: its arguments, but for the piece, its number and the object.
        call: calls an operation by name with arguments.
        engine: for its clock and dice.
        file: where the pieces are; a stream is read by and by.
        meter: counts their bytes.
        keep: stores the position.
        state: where the upload stands.
        sized: the size that the provider gives is that of the file as it was sent.

    Attributes:
        state: where the upload stands.
        answer: the fullest answer to a piece: that of the last one has the object.
        status: the last answer about what has arrived; None for none.
    """

    def __init__(
        self,
        rule: UploadRule,
        operation: str,
        *,
        arguments: Mapping[str, object],
        call: Fetch,
        engine: Engine,
        file: PieceSource | PieceStream,
        meter: ProgressMeter,
        keep: Callable[[Upload], None],
        state: Upload,
        sized: bool = True,
    ) -> None:
        self.state = state
        self.answer: Mapping[str, Any] = {}
        self.status: Any = None
        self._rule = rule
        self._operation = operation
        self._arguments = arguments
        self._call = call
        self._engine = engine
        self._file = file
        self._meter = meter
        self._keep = keep
        self._sized = sized
        self._given = dict[int, int]()
        self._received = UploadStatus()
        self._checksum: bytes | None = None
        self._error: Exception | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, most: int) -> None:
        """Send what is to be sent.

        Args:
            most: pieces at once.

        Raises:
            CallwellError: it did not succeed.
        """
        helpers = list[BackgroundTask[bool]]()
        try:
            if self._work(alone=True):
                left = 1 if self.state.total is None else self.state.total - upload.count_confirmed(self.state)
                helpers += [BackgroundTask(self._work) for _ in range(min(most, left) - 1)]
                self._work()
                wait_all(helpers)
        finally:
            with self._lock:
                self._stopped = True
            self._meter.stopped = True
            cancel_all(helpers)

    def _work(self, *, alone: bool = False) -> bool:
        """Do what there is to do; alone, until others can help, which is told."""
        while True:
            if alone and self.state.target is not None and not self.state.unsure:
                return True
            with self._lock:
                self.state, action = upload.next_action(self.state)
            if isinstance(action, ReadPiece):
                self._send(self._read())
            elif isinstance(action, SendPiece):
                self._send(action)
            elif isinstance(action, QueryStatus):
                self._ask(action)
            elif isinstance(action, UploadFailed):
                raise self._failed(action)
            else:
                return False

    def _read(self) -> SendPiece:
        last = self._file.ready(self.state)  # type: ignore[union-attr] # only a stream is read by and by
        with self._lock:
            self.state, action = upload.add_piece(self.state, last=last)
        return action

    def _send(self, piece: SendPiece) -> None:
        region = PieceReader(self._file, *self._place(piece.number), self._meter)
        if piece.again:
            self._again(self._given.pop(piece.number, region.size))
        with self._lock:
            self._keep_now(self.state)  # whoever goes on after a kill knows that it was sent
        count = self._rule.unknown_total if self.state.total is None else self.state.total
        given = {
            **self._arguments,
            self._rule.file: region,
            self._rule.range: self._rule.range_format.format(piece=piece.number, pieces=count),
            self._rule.target: self.state.target,
        }
        try:
            answer = self._call(self._operation, given)
        except OutcomeUnknown as error:
            self._doubtful(piece, region, error)
        except ApiError as error:
            if error.outcome != "done":
                self._refused(piece, region, error)
            elif self.state.target is None:
                self._doubtful(piece, region, error)
            else:
                self._stored(piece, None)
        else:
            self._stored(piece, answer.json)
        finally:
            self._again(region.wasted)

    def _again(self, count: int) -> None:
        """So many bytes are sent that were sent before."""
        if count:
            with self._lock:
                self.state = self.state._replace(resent=self.state.resent + count)

    def _place(self, number: int) -> tuple[int, int]:
        return (0, self._file.size) if self.state.size is None else upload.piece_bounds(self.state, number)

    def _stored(self, piece: SendPiece, json: object) -> None:
        named = json_values.value_at(json, self._rule.id)
        with self._lock:
            if isinstance(json, dict) and len(json) > len(self.answer):
                self.answer = json
            self._keep_now(upload.confirm_piece(self.state, piece.number, named if isinstance(named, str) else None))
        if self.state.target is None:
            raise UploadError(f"{self._operation}: the answer to the first piece names no object")

    def _doubtful(self, piece: SendPiece, region: PieceReader, error: Exception) -> None:
        self._given[piece.number] = region.given
        region.forget()
        with self._lock:
            self._error = error
            self.state = upload.doubt_piece(self.state, piece.number)

    def _refused(self, piece: SendPiece, region: PieceReader, error: ApiError) -> None:
        with self._lock:
            self._keep_now(upload.reject_piece(self.state, piece.number, error.code))
            if self.state.why is None:
                return
            self._error = error
        region.forget()

    def _keep_now(self, state: Upload) -> None:
        self.state = state
        if not self._stopped and state.why is None:
            self._keep(state)

    def _ask(self, ask: QueryStatus) -> None:
        if ask.tries:
            seconds = retry.backoff(self._engine.profile.retry, ask.tries - 1, self._engine.roll())
            sleep(self._engine.clock.real_s(seconds))
        with self._lock:
            self.state = upload.start_query(self.state)
        try:
            json = (self._call(self._rule.status, {self._rule.target: self.state.target})).json
        except (Unauthorized, Forbidden, KeyProblem, Missing) as error:
            if self._rule.token is None or (isinstance(error, Missing) and self.state.unsure):
                raise
            with self._lock:
                self.state = upload.skip_verification(self.state)
            return
        self.status = json
        said = self._compared(upload_status.parse_status(self._rule, json))
        with self._lock:
            before = upload.count_confirmed_bytes(self.state)
            self._received = said
            self._keep_now(upload.apply_report(self.state, said, self._size()))
            more = upload.count_confirmed_bytes(self.state) - before
        self._meter.move(more)

    def _size(self) -> int | None:
        """Bytes of the whole file, as far as they are known: of a stream when its end was seen."""
        if self.state.size is not None or self.state.total is None:
            return self.state.size
        return self._file.total  # type: ignore[union-attr] # only of a stream the size is not known

    def _compared(self, said: UploadStatus) -> UploadStatus:
        """What the provider says, with its checksum compared with that of the file."""
        if not self._sized:
            said = said._replace(size=None)
        if said.checksum is None or self.state.total is None:
            return said
        if self._checksum is None:
            self._checksum = run_blocking(lambda: self._file.checksum(self._rule.checksum_kind))
        return said._replace(same=is_same_checksum(said.checksum, self._checksum))

    def _failed(self, fail: UploadFailed) -> Exception:
        return to_error(fail, self._operation, self.state, self._received, size=self._size(), error=self._error)

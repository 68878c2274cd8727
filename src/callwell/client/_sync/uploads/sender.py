# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/uploads/sender.py by tools/unasync.py; do not edit
"""The workers that send the pieces of one file, as `core.upload` decides: the first is the caller itself.

They share one lock, which is held while the state is stored, but never during a wait. When one fails, all stop: a
piece being sent is aborted, and nothing more is stored.
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
    from callwell.client._sync.concurrency.primitives import Fetch, Work
    from callwell.client._sync.uploads.stream import PieceStream
    from callwell.client.uploads.piece_reader import PieceSource
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload


class PieceSender:
    """Sends the pieces of one file.

    Args:
        rule: the profile's rule for uploads.
        operation: the operation that receives them.
        arguments: its arguments, without the piece, its number and the object.
        call: calls an operation by name.
        engine: for its clock and random numbers.
        file: the source of the pieces; a stream is read one piece at a time.
        meter: counts their bytes.
        store: stores a state, or queues it to be stored in order.
        flush: waits until all queued states are stored.
        state: the state of the upload.
        reports_sent_size: the provider reports the original file's size, so it can be compared.

    Attributes:
        state: the state of the upload.
        answer: the most complete answer to a piece; the answer to the last one describes the object.
        status: the last status response; None before the first.
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
        store: Callable[[Upload], None],
        flush: Work,
        state: Upload,
        reports_sent_size: bool = True,
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
        self._store = store
        self._flush = flush
        self._reports_sent_size = reports_sent_size
        self._bytes_sent = dict[int, int]()
        self._last_report = UploadStatus()
        self._checksum: bytes | None = None
        self._error: Exception | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, parallel: int) -> None:
        """Send all pieces.

        Args:
            parallel: how many pieces to send in parallel.

        Raises:
            CallwellError: it failed.
        """
        helpers = list[BackgroundTask[bool]]()
        try:
            if self._work(until_target_known=True):
                left = 1 if self.state.total is None else self.state.total - upload.count_confirmed(self.state)
                helpers += [BackgroundTask(self._work) for _ in range(min(parallel, left) - 1)]
                self._work()
                wait_all(helpers)
            run_blocking(self._file.check_sent)
        finally:
            with self._lock:
                self._stopped = True
            self._meter.stopped = True
            cancel_all(helpers)

    def _work(self, *, until_target_known: bool = False) -> bool:
        """Carry out actions until none is left; return true if other workers can help from now on.

        Args:
            until_target_known: stop as soon as the object has an ID, and no status query is due.
        """
        while True:
            if until_target_known and self.state.target is not None and not self.state.needs_query:
                return True
            with self._lock:
                self.state, action = upload.next_action(self.state)
            if isinstance(action, ReadPiece):
                self._send(self._read())
            elif isinstance(action, SendPiece):
                self._send(action)
            elif isinstance(action, QueryStatus):
                self._query(action)
            elif isinstance(action, UploadFailed):
                raise to_error(
                    action, self._operation, self.state, self._last_report, size=self._size(), error=self._error
                )
            else:
                return False

    def _read(self) -> SendPiece:
        is_last = self._file.read_piece(self.state)  # type: ignore[union-attr] # only a stream is read by pieces
        with self._lock:
            self.state, action = upload.add_piece(self.state, is_last=is_last)
        return action

    def _send(self, piece: SendPiece) -> None:
        if self.state.size is None:  # of a stream, only the current piece is in memory
            reader = PieceReader(self._file, 0, self._file.size, self._meter)
        else:
            start, size = upload.piece_bounds(self.state, piece.number)
            reader = PieceReader(self._file, start, size, self._meter)
        if piece.again:
            self._count_resent(self._bytes_sent.pop(piece.number, reader.size))
        with self._lock:
            self._store_state()
        self._flush()  # before the send: a resumed call must know of it
        total = self._rule.unknown_total if self.state.total is None else self.state.total
        arguments = {
            **self._arguments,
            self._rule.file: reader,
            self._rule.range: self._rule.range_format.format(piece=piece.number, pieces=total),
            self._rule.target: self.state.target,
        }
        try:
            answer = self._call(self._operation, arguments)
        except OutcomeUnknown as error:
            self._mark_in_doubt(piece, reader, error)
        except ApiError as error:
            if error.outcome != "done":
                self._reject(piece, reader, error)
            elif self.state.target is None:
                self._mark_in_doubt(piece, reader, error)
            else:
                self._confirm(piece, None)
        else:
            self._confirm(piece, answer.json)
        finally:
            self._count_resent(reader.wasted)

    def _count_resent(self, count: int) -> None:
        """Count bytes that are sent again."""
        if count:
            with self._lock:
                self.state = self.state._replace(resent_bytes=self.state.resent_bytes + count)

    def _confirm(self, piece: SendPiece, json: object) -> None:
        target = json_values.value_at(json, self._rule.id)
        with self._lock:
            if isinstance(json, dict) and len(json) > len(self.answer):
                self.answer = json
            named = target if isinstance(target, str) else None
            self.state = upload.confirm_piece(self.state, piece.number, named)
            self._store_state()
        if self.state.target is None:
            raise UploadError(f"{self._operation}: the response to the first piece names no object")

    def _mark_in_doubt(self, piece: SendPiece, reader: PieceReader, error: Exception) -> None:
        self._bytes_sent[piece.number] = reader.given
        reader.reset()
        with self._lock:
            self._error = error
            self.state = upload.doubt_piece(self.state, piece.number)

    def _reject(self, piece: SendPiece, reader: PieceReader, error: ApiError) -> None:
        with self._lock:
            self.state = upload.reject_piece(self.state, piece.number, error.code)
            self._store_state()
            if self.state.failure is None:
                return
            self._error = error
        reader.reset()

    def _store_state(self) -> None:
        """Store the state, unless the upload was stopped or has failed."""
        if not self._stopped and self.state.failure is None:
            self._store(self.state)

    def _query(self, query: QueryStatus) -> None:
        if query.tries:
            seconds = retry.backoff(self._engine.profile.retry, query.tries - 1, self._engine.roll())
            sleep(self._engine.clock.real_s(seconds))
        with self._lock:
            self.state = upload.start_query(self.state)
        try:
            json = (self._call(self._rule.status, {self._rule.target: self.state.target})).json
        except (Unauthorized, Forbidden, KeyProblem, Missing) as error:
            # Upload tokens often lack read permission: then the responses to the pieces must suffice.
            if self._rule.token is None or (isinstance(error, Missing) and self.state.needs_query):
                raise
            with self._lock:
                self.state = upload.skip_verification(self.state)
            return
        self.status = json
        report = self._compare(upload_status.parse_status(self._rule, json))
        with self._lock:
            before = upload.count_confirmed_bytes(self.state)
            self._last_report = report
            self.state = upload.apply_report(self.state, report, self._size())
            self._store_state()
            added = upload.count_confirmed_bytes(self.state) - before
        self._meter.add(added)

    def _size(self) -> int | None:
        """Bytes of the whole file; None for a stream whose end has not been read."""
        if self.state.size is not None or self.state.total is None:
            return self.state.size
        return self._file.total  # type: ignore[union-attr] # only a stream's size is unknown

    def _compare(self, report: UploadStatus) -> UploadStatus:
        """The report, with its checksum compared to the file's."""
        if not self._reports_sent_size:
            report = report._replace(size=None)
        if report.checksum is None or self.state.total is None:
            return report
        if self._checksum is None:
            self._checksum = run_blocking(lambda: self._file.checksum(self._rule.checksum_kind))
        return report._replace(checksum_matches=is_same_checksum(report.checksum, self._checksum))

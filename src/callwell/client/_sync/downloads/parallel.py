# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/parallel.py by tools/unasync.py; do not edit
"""Fetches several ranges of one file in parallel: the workers of a round of `core.parallel_download`.

The first worker is the caller itself, with the response that has begun to arrive; the others run concurrently. One lock
guards the round and the file: it is held while bytes are written, never while waiting for them. A worker that fails
stops all: afterwards nothing is written, not even by a thread that still waits for its bytes.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from callwell.client._sync.concurrency.primitives import BackgroundTask, cancel_all, wait_all
from callwell.core import parallel_download
from callwell.core.download import FetchRange
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from callwell.client._sync.downloads.signed_url import SignedUrl
    from callwell.client.downloads.writer import FileWriter
    from callwell.core.parallel_download import DownloadRound
    from callwell.core.ranges import ByteRange
    from callwell.transport.base import Body

HASH_FACTOR: Final = 2
"""Bytes that may be read back and hashed for each byte that arrives: at two, hashing catches up with early ranges."""


class ParallelDownload:
    """One round.

    Args:
        source: where the file comes from.
        file: where its bytes go.
        start: the state at which the round starts.
    """

    def __init__(self, source: SignedUrl, file: FileWriter, start: DownloadRound) -> None:
        self._source = source
        self._file = file
        self._round = start
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, body: Body, parallel: int) -> DownloadRound:
        """Fetch all ranges of the round, until it is over or a response does not fit.

        Args:
            body: the body of the first range's response, unread.
            parallel: how many ranges to fetch in parallel.

        Returns:
            how the round ended.

        Raises:
            OSError: the file cannot be written.
            Exception: what the caller's progress function raises.
        """
        first = self._take_range()
        workers = [BackgroundTask(self._work) for _ in range(min(parallel - 1, len(self._round.todo)))]
        try:
            if first is not None:
                self._work_on(self._end_request(self._read(first, body), first))
            wait_all(workers)
        finally:
            with self._lock:
                self._stopped = True
            cancel_all(workers)
        return self._round

    def _work(self) -> None:
        self._work_on(self._take_range())

    def _work_on(self, byte_range: ByteRange | None) -> None:
        """Fetch a range, then further ones, until none is left."""
        while byte_range is not None:
            request = FetchRange(byte_range.start, self._round.version.if_range, failures=0, stop=byte_range.stop)
            with self._source.open(request, self._source.url_for_range()) as body:
                if isinstance(body, NoReply):
                    byte_range = self._end_request(byte_range, byte_range)
                    continue
                head = self._source.parse_head(body)
                if parallel_download.is_requested_range(self._round, byte_range, head):
                    byte_range = self._end_request(self._read(byte_range, body), byte_range)
                else:
                    byte_range = self._end_request(
                        byte_range, byte_range, status=head.status, retry_after_s=head.retry_after_s
                    )

    def _read(self, byte_range: ByteRange, body: Body) -> ByteRange:
        """Write the bytes of a range as they arrive, and return the rest of the range."""
        stop = self._source.parse_head(body).stop  # bytes beyond the announced range are ignored
        stop = byte_range.stop if stop is None else min(stop, byte_range.stop)
        try:
            while byte_range.start < stop and not self._stopped:
                chunk = body.read()
                if not chunk or isinstance(chunk, NoReply):
                    break
                byte_range = self._write(byte_range, chunk[: stop - byte_range.start])
        except BaseException:
            self._stopped = True
            raise
        return byte_range

    def _write(self, byte_range: ByteRange, chunk: bytes) -> ByteRange:
        with self._lock:
            if not self._stopped:
                self._file.write(byte_range.start, chunk)
                self._round, byte_range = parallel_download.add_bytes(self._round, byte_range, len(chunk))
                self._file.hash_more(parallel_download.count_leading(self._round.safe), HASH_FACTOR * len(chunk))
        return byte_range

    def _take_range(self) -> ByteRange | None:
        with self._lock:
            self._round, byte_range = parallel_download.take_range(self._round)
        return byte_range

    def _end_request(
        self, rest: ByteRange, requested: ByteRange, *, status: int = 0, retry_after_s: float = 0.0
    ) -> ByteRange | None:
        """Account for the end of a request, and return the worker's next range: the rest of its own, or another."""
        with self._lock:
            self._round, next_range = parallel_download.end_request(
                self._round, rest, requested, status=status, retry_after_s=retry_after_s
            )
        return None if self._stopped else next_range

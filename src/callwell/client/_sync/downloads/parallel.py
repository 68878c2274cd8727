# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/parallel.py by tools/unasync.py; do not edit
"""Several ranges of one file at once: the workers of a round of `core.parallel_download`.

The first worker is the caller itself, with the response that has begun to come; the others run beside it. They meet
under one lock, which is held while bytes are written and never while they are waited for. Whoever fails stops all: from
then on nothing is written, not even by a thread that is still waiting for its bytes.
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
"""Bytes that are hashed for each one that comes, while some that came early are not: so hashing catches up."""


class ParallelDownload:
    """One round.

    Args:
        source: where the file comes from.
        file: where its bytes go.
        start: where it starts.
    """

    def __init__(self, source: SignedUrl, file: FileWriter, start: DownloadRound) -> None:
        self._source = source
        self._file = file
        self._round = start
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, body: Body, parallel: int) -> DownloadRound:
        """Fetch what can be fetched.

        Args:
            body: of the first range.
            parallel: how many ranges at once.

        Returns:
            how the round ended.

        Raises:
            OSError: something cannot be written.
            Exception: whatever the caller's own progress function raises.
        """
        first = self._take_range()
        helpers = [BackgroundTask(self._work) for _ in range(min(parallel - 1, len(self._round.todo)))]
        try:
            if first is not None:
                self._work_on(self._end_request(self._read(first, body), first))
            wait_all(helpers)
        finally:
            with self._lock:
                self._stopped = True
            cancel_all(helpers)
        return self._round

    def _work(self) -> None:
        self._work_on(self._take_range())

    def _work_on(self, wanted: ByteRange | None) -> None:
        while wanted is not None:
            request = FetchRange(wanted.start, self._round.version.if_range, 0, wanted.stop)
            with self._source.open(request, self._source.url_for_range()) as body:
                if isinstance(body, NoReply):
                    wanted = self._end_request(wanted, wanted)
                    continue
                head = self._source.parse_head(body)
                if parallel_download.is_requested_range(self._round, wanted, head):
                    wanted = self._end_request(self._read(wanted, body), wanted)
                else:
                    wanted = self._end_request(wanted, wanted, status=head.status, retry_after_s=head.retry_after_s)

    def _read(self, wanted: ByteRange, body: Body) -> ByteRange:
        stop = self._source.parse_head(body).stop  # what comes beyond it has no place
        stop = wanted.stop if stop is None else min(stop, wanted.stop)
        try:
            while wanted.start < stop and not self._stopped:
                chunk = body.read()
                if not chunk or isinstance(chunk, NoReply):
                    break
                wanted = self._write(wanted, chunk[: stop - wanted.start])
        except BaseException:
            self._stopped = True
            raise
        return wanted

    def _write(self, wanted: ByteRange, chunk: bytes) -> ByteRange:
        with self._lock:
            if not self._stopped:
                self._file.write(wanted.start, chunk)
                self._round, wanted = parallel_download.add_bytes(self._round, wanted, len(chunk))
                self._file.hash_more(parallel_download.count_leading(self._round.safe), HASH_FACTOR * len(chunk))
        return wanted

    def _take_range(self) -> ByteRange | None:
        with self._lock:
            self._round, wanted = parallel_download.take_range(self._round)
        return wanted

    def _end_request(
        self, wanted: ByteRange, requested: ByteRange, *, status: int = 0, retry_after_s: float = 0.0
    ) -> ByteRange | None:
        with self._lock:
            self._round, following = parallel_download.end_request(
                self._round, wanted, requested, status=status, retry_after_s=retry_after_s
            )
        return None if self._stopped else following

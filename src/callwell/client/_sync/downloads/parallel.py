# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/parallel.py by tools/unasync.py; do not edit
"""Several pieces of one file at once: the workers of a round of `core.parallel_download`.

The first worker is the caller itself, with the answer that has begun to come; the others are started beside it. They
meet under one lock, which is held while a piece is written and never while one is waited for. Whoever fails stops all:
from then on nothing is written any more, not even by a thread that is still waiting for its bytes.
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

HASHED: Final = 2
"""Bytes that are hashed again for each that comes, while some that came early are not: more than come."""


class ParallelDownload:
    """One round.

    Args:
        source: where the file comes from.
        file: where its bytes go.
        now: how it begins.
    """

    def __init__(self, source: SignedUrl, file: FileWriter, now: DownloadRound) -> None:
        self._source = source
        self._file = file
        self._now = now
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, body: Body, most: int) -> DownloadRound:
        """Fetch what can be fetched.

        Args:
            body: of the first piece.
            most: pieces at once.

        Returns:
            how the round ended.

        Raises:
            OSError: something cannot be written.
            Exception: whatever the caller's own function for progress raises.
        """
        first = self._take()
        helpers = [BackgroundTask(self._work) for _ in range(min(most - 1, len(self._now.todo)))]
        try:
            if first is not None:
                self._work_on(self._left(self._read(first, body), first))
            wait_all(helpers)
        finally:
            with self._lock:
                self._stopped = True
            cancel_all(helpers)
        return self._now

    def _work(self) -> None:
        self._work_on(self._take())

    def _work_on(self, span: ByteRange | None) -> None:
        while span is not None:
            wanted = FetchRange(span.start, self._now.version.pin, 0, span.stop)
            with self._source.open(wanted, self._source.another()) as body:
                if isinstance(body, NoReply):
                    span = self._left(span, span)
                    continue
                head = self._source.head(body)
                if parallel_download.is_requested_range(self._now, span, head):
                    span = self._left(self._read(span, body), span)
                else:
                    span = self._left(span, span, status=head.status, wait_s=head.wait_s)

    def _read(self, span: ByteRange, body: Body) -> ByteRange:
        stop = self._source.head(body).stop  # what comes beyond it has no place
        stop = span.stop if stop is None else min(stop, span.stop)
        try:
            while span.start < stop and not self._stopped:
                piece = body.read()
                if not piece or isinstance(piece, NoReply):
                    break
                span = self._put(span, piece[: stop - span.start])
        except BaseException:
            self._stopped = True
            raise
        return span

    def _put(self, span: ByteRange, piece: bytes) -> ByteRange:
        with self._lock:
            if not self._stopped:
                self._file.put(span.start, piece)
                self._now, span = parallel_download.add_bytes(self._now, span, len(piece))
                self._file.hash(parallel_download.leading_bytes(self._now.safe), HASHED * len(piece))
        return span

    def _take(self) -> ByteRange | None:
        with self._lock:
            self._now, span = parallel_download.take_range(self._now)
        return span

    def _left(self, span: ByteRange, before: ByteRange, *, status: int = 0, wait_s: float = 0.0) -> ByteRange | None:
        with self._lock:
            self._now, following = parallel_download.end_request(self._now, span, before, status=status, wait_s=wait_s)
        return None if self._stopped else following

# SPDX-License-Identifier: Apache-2.0
"""Downloads one file: carries out what `core.download` decides, and yields the file in chunks."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from callwell.client.downloads.decoding import DamagedCoding, FileDecoder
from callwell.client.downloads.parallel import AsyncParallelDownload
from callwell.core import download
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from callwell.client.downloads.partial_file import PartialFile
    from callwell.client.downloads.signed_url import AssetInfo, AsyncSignedUrl
    from callwell.core.download import Download
    from callwell.core.parallel_download import RangeSplit
    from callwell.core.storage_head import FileVersion
    from callwell.transport.base import AsyncBody


class AsyncTransfer:
    """One transfer.

    Args:
        source: where the file comes from.
        start: the state of the download.
        before: called with the provider's description of the file, before its first byte.
        partial_file: the file on disk, which is truncated where chunks start again. Parallel ranges are written to it
            directly and not yielded.
        split: how many ranges to fetch in parallel, and when.
    """

    def __init__(
        self,
        source: AsyncSignedUrl,
        start: Download,
        *,
        before: Callable[[AssetInfo], None] | None = None,
        partial_file: PartialFile | None = None,
        split: RangeSplit | None = None,
    ) -> None:
        self._source = source
        self._state = start._replace(split=split, absent_statuses=source.absent_statuses)
        self._step: download.Action = download.RequestUrl()
        self._before = before
        self._partial_file = partial_file
        self._split = split
        self._decoder: FileDecoder | None = None

    @property
    def version(self) -> FileVersion:
        """The version of the chunks that are being yielded."""
        return self._state.version

    async def chunks(self) -> AsyncGenerator[tuple[int, bytes]]:
        """Chunks with their offsets in the file. An offset may go back; at 0 the file starts again.

        Raises:
            AssetError: the file cannot be downloaded.
            OutOfTime: the deadline came first.
        """
        wait_s = 0.0
        while not isinstance(self._step, download.DownloadDone):
            step = self._step
            if isinstance(step, download.DownloadFailed):
                raise self._source.to_error(step.reason, step.status, self._state)
            if not isinstance(step, download.FetchRange):
                self._state, self._step = await self._source.refresh(self._state, self._before)
                continue
            wait_s = await self._source.wait_before(step, wait_s)
            async with self._source.open(step) as body:
                if isinstance(body, NoReply):
                    self._state, self._step = download.interrupt(self._state, permanent=body.permanent)
                    continue
                self._state, self._step = download.accept_head(self._state, self._source.parse_head(body))
                if not isinstance(self._step, download.ReadBody):
                    continue
                async with aclosing(self._read(body, self._step)) as chunks:
                    async for chunk in chunks:
                        yield chunk

    async def _read(self, body: AsyncBody, step: download.ReadBody) -> AsyncGenerator[tuple[int, bytes]]:
        """Yield the chunks of one response; set the next step when it ends."""
        state = self._state
        if step.offset == 0:
            self._decoder = FileDecoder(state.codings) if state.codings else None
        if self._partial_file is not None:
            self._partial_file.set_version(state)
            if not state.later_ranges and (self._decoder is None or step.offset == 0):
                self._partial_file.writer.truncate(step.offset)
            if step.parallel and self._split is not None:
                ranges = AsyncParallelDownload(self._source, self._partial_file.writer, download.start_round(state))
                self._state, self._step = download.end_round(state, await ranges.run(body, self._split.parallel))
                return
        chunk: bytes | NoReply = b""
        try:
            while (chunk := await body.read()) and not isinstance(chunk, NoReply):
                if self._decoder is None:
                    yield state.offset, chunk
                else:
                    for offset, decoded in self._decoder.decode(state.offset, chunk):
                        yield offset, decoded
                state = download.add_bytes(state, len(chunk))
        except DamagedCoding:
            self._source.fault = f"its bytes do not fit the Content-Encoding it names ({', '.join(state.codings)})"
            self._state, self._step = download.restart(state)
            return
        self._state, self._step = self._end_body(state, chunk)

    def _end_body(self, state: Download, chunk: bytes | NoReply) -> tuple[Download, download.Action]:
        """The state and the next step after the end of a body."""
        if isinstance(chunk, NoReply):
            self._source.last_error = chunk.reason
            return download.interrupt(state, permanent=chunk.permanent)
        state, step = download.end_body(state)
        decoder = self._decoder
        if not isinstance(step, download.DownloadDone) or decoder is None or decoder.is_complete(state.announced_size):
            return state, step
        self._source.fault = f"{decoder.encoded_bytes} compressed bytes decode to {decoder.decoded_bytes} only"
        return download.restart(state)

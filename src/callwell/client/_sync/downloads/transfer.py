# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/transfer.py by tools/unasync.py; do not edit
"""One transfer of a file: it carries out what `core.download` decides, and gives the file out piece by piece."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from callwell.client._sync.downloads.parallel import ParallelDownload
from callwell.client.downloads.decoding import DamagedCoding, FileDecoder
from callwell.core import download
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from callwell.client._sync.downloads.signed_url import AssetInfo, SignedUrl
    from callwell.client.downloads.partial_file import PartialFile
    from callwell.core.download import Download
    from callwell.core.parallel_download import RangeSplit
    from callwell.core.partial import Version
    from callwell.transport.base import Body


class Transfer:
    """One transfer.

    Args:
        source: where the file comes from.
        start: where the download stands.
        before: called with what the provider says.
        saving: the file, which is cut where the pieces begin again. Several pieces at once are written to it, and not
            given out.
        split: how many, and when.
    """

    def __init__(
        self,
        source: SignedUrl,
        start: Download,
        *,
        before: Callable[[AssetInfo], None] | None = None,
        saving: PartialFile | None = None,
        split: RangeSplit | None = None,
    ) -> None:
        self._source = source
        self._state = start._replace(split=split, absent=source.absent)
        self._step: download.Action = download.RequestUrl()
        self._before = before
        self._saving = saving
        self._split = split
        self._decoder: FileDecoder | None = None

    @property
    def version(self) -> Version:
        """Of what comes now."""
        return self._state.version

    def pieces(self) -> Generator[tuple[int, bytes]]:
        """Pieces with their place in the file; a later piece may go back, and one at 0 begins the file again.

        Raises:
            AssetError: the file cannot be had.
            OutOfTime: the deadline.
        """
        waited = 0.0
        while not isinstance(self._step, download.DownloadDone):
            step = self._step
            if isinstance(step, download.DownloadFailed):
                raise self._source.failed(step.why, step.status, self._state)
            if not isinstance(step, download.FetchRange):
                self._state, self._step = self._source.fresh(self._state, self._before)
                continue
            waited = self._source.pause(step, waited)
            with self._source.open(step) as body:
                if isinstance(body, NoReply):
                    self._state, self._step = download.break_off(self._state, permanent=body.permanent)
                    continue
                self._state, self._step = download.accept_head(self._state, self._source.head(body))
                if not isinstance(self._step, download.ReadBody):
                    continue
                with closing(self._read(body, self._step)) as found:
                    for piece in found:
                        yield piece

    def _read(self, body: Body, step: download.ReadBody) -> Generator[tuple[int, bytes]]:
        state = self._state
        if step.offset == 0:
            self._decoder = FileDecoder(state.coding) if state.coding else None
        if self._saving is not None:
            self._saving.reading(state)
            if not state.islands and (self._decoder is None or step.offset == 0):
                self._saving.growing.cut(step.offset)
            if step.several and self._split is not None:
                several = ParallelDownload(self._source, self._saving.growing, download.start_round(state))
                self._state, self._step = download.end_round(state, several.run(body, self._split.most))
                return
        piece: bytes | NoReply = b""
        try:
            while (piece := body.read()) and not isinstance(piece, NoReply):
                if self._decoder is None:
                    yield state.offset, piece
                else:
                    for offset, decoded in self._decoder.decode(state.offset, piece):
                        yield offset, decoded
                state = download.add_bytes(state, len(piece))
        except DamagedCoding:
            self._source.fault = f"it is not in the coding that is named ({', '.join(state.coding)})"
            self._state, self._step = download.restart(state)
            return
        self._state, self._step = self._over(state, piece)

    def _over(self, state: Download, piece: bytes | NoReply) -> tuple[Download, download.Action]:
        """What follows from the end of a body."""
        if isinstance(piece, NoReply):
            self._source.last = piece.reason
            return download.break_off(state, permanent=piece.permanent)
        state, step = download.end_body(state)
        if isinstance(step, download.DownloadDone) and self._decoder and not self._decoder.is_complete(state.announced):
            self._source.fault = (
                f"{self._decoder.decoded_bytes} bytes came of {self._decoder.encoded_bytes} compressed ones"
            )
            return download.restart(state)
        return state, step

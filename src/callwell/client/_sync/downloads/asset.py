# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/asset.py by tools/unasync.py; do not edit
"""A file behind a signed URL. The URL is used without the key, never stored, and replaced when it expires."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.client._sync.concurrency.primitives import sleep
from callwell.client._sync.downloads.fetch import NEVER
from callwell.client._sync.downloads.transfer import Transfer
from callwell.client.calls.options import check_seconds
from callwell.client.downloads.delivered import DeliveredBytes, FileReplaced
from callwell.client.downloads.partial_file import PartialFile, Saved, to_file_error
from callwell.core.download import Download
from callwell.core.parallel_download import RangeSplit
from callwell.errors import AssetDamaged, InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Self

    from callwell.client._sync.downloads.signed_url import AssetInfo, SignedUrl
    from callwell.folders import Folder

MAX_RANGES: Final = 16
"""Ranges of one file that may be fetched in parallel: each opens a connection, which storages and proxies limit."""


class Asset:
    """A file behind a signed URL, or one that an operation answers with.

    Args:
        source: where it comes from.
        deadline_s: seconds for everything that one method does; infinite for no limit.
        wait_s: seconds of the longest wait that the storage may ask for.
    """

    def __init__(self, source: SignedUrl, *, deadline_s: float = NEVER, wait_s: float = NEVER) -> None:
        self._source = source
        self._split = RangeSplit()
        self._deadline_s = deadline_s
        self._wait_s = wait_s

    @property
    def facts(self) -> AssetInfo | None:
        """The provider's last information; None if it was not asked yet."""
        return self._source.info

    def info(self) -> AssetInfo:
        """What the provider says about the file. Each call sends a new request."""
        self._begin(None)
        return self._source.fetch_info()

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        ranges: int = RangeSplit().parallel,
        resume: bool = False,
        before: Callable[[AssetInfo], None] | None = None,
        progress: Callable[[int], None] | None = None,
        deadline_s: float | None = None,
    ) -> Saved:
        """Save the file. It appears under its name only when it is complete.

        Args:
            path: where it goes; the folder must exist.
            ranges: how many ranges of a file of 16 MiB or more are fetched in parallel, if its storage supports that; 1
                for one stream.
            resume: if the save fails or the process ends, keep the bytes so far under `.NAME.part`, with a record in
                `.NAME.part.json`, and continue from there when the same file is saved again, by any process. A file
                that has changed at the storage in the meantime is started again. Nothing is kept of a file from a
                storage that sends neither a strong ETag nor an old enough `Last-Modified`.
            before: called with the provider's information, before the first byte; an exception ends the save.
            progress: called with the number of bytes that are safe on disk; on the sync side by any of the threads
                that fetch a range, one at a time.
            deadline_s: seconds for everything, waits included. By default the deadline that was chosen for the call,
                if any: the default deadline of calls is too short for a large file.

        Raises:
            InvalidOption: an invalid path, number of ranges or deadline.
            AssetUnavailable: the provider has no such file.
            AssetDamaged: the file repeatedly differs from what was announced.
            DiskFull: the disk is full; nothing is left behind, unless `resume` is set.
            FileProblem: the file cannot be written, or another process is saving it.
            OutOfTime: the deadline came first.
        """
        if not isinstance(path, str | os.PathLike):
            raise InvalidOption("path", type(path).__name__, "the path of a file, since a download can be resumed")
        target = Path(path)
        if not target.name or "\0" in str(target):
            raise InvalidOption("path", str(path), "the name of a file")
        if ranges not in range(1, MAX_RANGES + 1):
            raise InvalidOption("ranges", ranges, f"a number from 1 to {MAX_RANGES}")
        self._begin(deadline_s)
        partial = PartialFile(target, resume=resume, progress=progress)
        parallel = min(ranges, self._source.max_ranges)
        return self._save(partial, target, parallel=parallel, before=before)

    def save_in(self, folder: Folder, name: str, *, before: Callable[[AssetInfo], None] | None = None) -> Saved:
        """Save the file in a folder that is held open, without a deadline.

        Args:
            folder: the folder, in which no link is followed.
            name: the file's name.
            before: see `save`.

        Raises:
            CallwellError: see `save`.
        """
        self._source.start(NEVER, self._wait_s)
        target = folder.path / name
        partial = PartialFile(target, resume=False, progress=None, folder=folder)
        parallel = min(RangeSplit().parallel, self._source.max_ranges)
        return self._save(partial, target, parallel=parallel, before=before)

    def _save(
        self, partial: PartialFile, target: Path, *, parallel: int, before: Callable[[AssetInfo], None] | None
    ) -> Saved:
        try:
            with partial:
                writer = partial.writer
                transfer = Transfer(
                    self._source,
                    partial.start,
                    before=before,
                    partial_file=partial,
                    split=self._split._replace(parallel=parallel),
                )
                with closing(transfer.chunks()) as chunks:
                    for offset, chunk in chunks:
                        writer.write(offset, chunk)
                while writer.hash_more(writer.size):
                    sleep(0.0)  # lets other tasks run between two chunks
                partial.publish()
        except OSError as error:
            raise to_file_error(target, error) from error
        media_type = None if self.facts is None else self.facts.type
        return Saved(path=target, size=writer.size, sha256=writer.sha256, type=media_type)

    def iter_bytes(self, *, deadline_s: float | None = None) -> Generator[bytes]:
        """The file's bytes in chunks, resumed where they broke off.

        Args:
            deadline_s: seconds for everything, including your own time between the chunks; see `save`.

        Raises:
            AssetUnavailable: the provider has no such file.
            AssetDamaged: the file changed after some of it had been delivered.
            OutOfTime: the deadline came first.
        """
        self._begin(deadline_s)
        delivered = DeliveredBytes()
        transfer = Transfer(self._source, Download())
        with closing(transfer.chunks()) as chunks:
            try:
                for offset, chunk in chunks:
                    fresh = delivered.add(offset, chunk, transfer.version)
                    if fresh:
                        yield fresh
                delivered.finish()
            except FileReplaced:
                text = f"{self._source.name}: the file changed while it was read; read it again from the beginning"
                raise AssetDamaged(text) from None

    def read(self, *, deadline_s: float | None = None) -> bytes:
        """Read the whole file into memory.

        Args:
            deadline_s: seconds for everything; see `save`.
        """
        whole = bytearray()
        for chunk in self.iter_bytes(deadline_s=deadline_s):
            whole += chunk
        return bytes(whole)

    def open(self, *, deadline_s: float | None = None) -> AssetReader:
        """A reader of the file, for use with `with`.

        Args:
            deadline_s: seconds for everything, including your own time between the reads; see `save`.
        """
        return AssetReader(self.iter_bytes(deadline_s=deadline_s))

    def _begin(self, deadline_s: float | None) -> None:
        chosen = self._deadline_s if deadline_s is None else check_seconds("deadline_s", deadline_s)
        self._source.start(chosen, self._wait_s)


class AssetReader:
    """A file that is read from the network on demand.

    Args:
        chunks: its bytes.
    """

    def __init__(self, chunks: Generator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; all that is left if it is negative, none at the end."""
        parts = [self._rest]
        count = len(self._rest)
        while size < 0 or count < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            parts.append(chunk)
            count += len(chunk)
        whole = b"".join(parts)
        end = len(whole) if size < 0 else size
        self._rest = whole[end:]
        return whole[:end]

    def close(self) -> None:
        """Close the file without reading the rest."""
        self._chunks.close()

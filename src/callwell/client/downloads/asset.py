# SPDX-License-Identifier: Apache-2.0
"""A file behind a signed URL: asked for when needed, used without the key, never kept, resumed when it expires."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.client.calls.options import check_seconds
from callwell.client.concurrency.primitives import sleep
from callwell.client.downloads.delivered import DeliveredBytes, FileReplaced
from callwell.client.downloads.fetch import NEVER
from callwell.client.downloads.partial_file import PartialFile, Saved, to_file_error
from callwell.client.downloads.signed_url import AsyncSignedUrl
from callwell.client.downloads.transfer import AsyncTransfer
from callwell.core.download import Download
from callwell.core.parallel_download import RangeSplit
from callwell.errors import AssetDamaged, InvalidOption

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable
    from typing import Self

    from callwell.client.calls.engine import AsyncEngine
    from callwell.client.concurrency.primitives import AsyncFetch
    from callwell.client.downloads.signed_url import AssetInfo
    from callwell.core.rules.operations import AssetRule
    from callwell.folders import Folder

MAX_RANGES: Final = 16
"""Pieces of one file that may be fetched at once: as many connections are open."""


class AsyncAsset:
    """A file behind a signed URL.

    Args:
        name: provider and operation, for messages.
        rule: where the provider's answer says what about it.
        engine: for the storage's answers.
        ask: asks the provider for a fresh URL, within the seconds that it is given.
        deadline_s: seconds for everything that one method does; infinite for no end.
        wait_s: seconds of the longest wait that the storage may ask for.
    """

    def __init__(
        self,
        name: str,
        rule: AssetRule,
        *,
        engine: AsyncEngine,
        ask: AsyncFetch,
        deadline_s: float = NEVER,
        wait_s: float = NEVER,
    ) -> None:
        self._source = AsyncSignedUrl(name, rule, engine=engine, ask=ask)
        self._split = RangeSplit()
        self._deadline_s = deadline_s
        self._wait_s = wait_s

    @property
    def facts(self) -> AssetInfo | None:
        """What the provider said last, if it was asked."""
        return self._source.facts

    async def info(self) -> AssetInfo:
        """What the provider says about the file; each time it is asked anew."""
        self._begin(None)
        return await self._source.info()

    async def save(
        self,
        path: str | os.PathLike[str],
        *,
        ranges: int = RangeSplit().most,
        resume: bool = False,
        before: Callable[[AssetInfo], None] | None = None,
        progress: Callable[[int], None] | None = None,
        deadline_s: float | None = None,
    ) -> Saved:
        """Save the file. It appears under its name only when it is whole.

        Args:
            path: where it goes; the folder must exist.
            ranges: pieces of a file of 16 MiB or more that are fetched at once, if its storage can do that; 1 for none.
            before: called with what the provider says, before the first byte; what it raises ends the save.
            progress: called with the number of bytes that are safe on disk; on the sync side by any of the threads
                that fetch a piece, one at a time.
            resume: leave what has come under `.NAME.part` when the save fails or the process ends, with a record of it
                in `.NAME.part.json`, and go on from there when the same is saved again, in this process or another.
                What storage has meanwhile in its place is begun again; where it gives neither a strong ETag nor an old
                enough `Last-Modified`, nothing is left.
            deadline_s: seconds for everything, waits included; unless given, the one that was chosen for the call, if
                any: the usual deadline of a call is too short for a large file.

        Raises:
            InvalidOption: a path, a number of ranges or a time that cannot be.
            AssetUnavailable: the provider has no such file.
            AssetDamaged: what arrives is not what was announced, again and again.
            DiskFull: the disk is full; nothing is left behind, unless to be resumed.
            FileProblem: the file cannot be written, or another process is saving it.
            OutOfTime: the deadline.
        """
        target = Path(path)
        if not target.name or "\0" in str(target):
            raise InvalidOption("path", str(path), "the name of a file")
        if ranges not in range(1, MAX_RANGES + 1):
            raise InvalidOption("ranges", ranges, f"a number from 1 to {MAX_RANGES}")
        self._begin(deadline_s)
        return await self._save(PartialFile(target, resume=resume, progress=progress), target, ranges, before)

    async def save_in(self, folder: Folder, name: str, *, before: Callable[[AssetInfo], None] | None = None) -> Saved:
        """Save the file in a folder that is held open, however long that takes.

        Args:
            folder: the folder, in which no link is followed.
            name: of the file.
            before: see `save`.

        Raises:
            CallwellError: see `save`.
        """
        self._source.begin(NEVER, self._wait_s)
        target = folder.path / name
        saving = PartialFile(target, resume=False, progress=None, folder=folder)
        return await self._save(saving, target, RangeSplit().most, before)

    async def _save(
        self, saving: PartialFile, target: Path, ranges: int, before: Callable[[AssetInfo], None] | None
    ) -> Saved:
        try:
            with saving:
                growing = saving.growing
                split = self._split._replace(most=ranges)
                transfer = AsyncTransfer(self._source, saving.start, before=before, saving=saving, split=split)
                async with aclosing(transfer.pieces()) as pieces:
                    async for offset, piece in pieces:
                        growing.put(offset, piece)
                while growing.hash(growing.size):
                    await sleep(0.0)
                saving.finish()
        except OSError as error:
            raise to_file_error(target, error) from error
        return Saved(target, growing.size, growing.sha256, self.facts.type if self.facts else None)

    async def iter_bytes(self, *, deadline_s: float | None = None) -> AsyncGenerator[bytes]:
        """The file's bytes in pieces, resumed where it broke off.

        Args:
            deadline_s: seconds for everything, your own between the pieces included; see `save`.

        Raises:
            AssetUnavailable: the provider has no such file.
            AssetDamaged: the file changed after some of it had been given out.
            OutOfTime: the deadline.
        """
        self._begin(deadline_s)
        delivered = DeliveredBytes()
        transfer = AsyncTransfer(self._source, Download())
        async with aclosing(transfer.pieces()) as pieces:
            try:
                async for offset, piece in pieces:
                    rest = delivered.fresh(offset, piece, transfer.version)
                    if rest:
                        yield rest
                delivered.finish()
            except FileReplaced:
                raise AssetDamaged(f"{self._source.name}: the file changed while it was read") from None

    async def read(self, *, deadline_s: float | None = None) -> bytes:
        """The whole file in memory.

        Args:
            deadline_s: seconds for everything; see `save`.
        """
        whole = bytearray()
        async for piece in self.iter_bytes(deadline_s=deadline_s):
            whole += piece
        return bytes(whole)

    def open(self, *, deadline_s: float | None = None) -> AsyncAssetReader:
        """The file as something to read from, inside `async with`.

        Args:
            deadline_s: seconds for everything, your own between the reads included; see `save`.
        """
        return AsyncAssetReader(self.iter_bytes(deadline_s=deadline_s))

    def _begin(self, deadline_s: float | None) -> None:
        chosen = self._deadline_s if deadline_s is None else check_seconds("deadline_s", deadline_s)
        self._source.begin(chosen, self._wait_s)


class AsyncAssetReader:
    """A file that is read from the network as it is needed.

    Args:
        pieces: its bytes.
    """

    def __init__(self, pieces: AsyncGenerator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that is left if it is negative, none at the end."""
        parts, have = [self._rest], len(self._rest)
        while size < 0 or have < size:
            piece = await anext(self._pieces, b"")
            if not piece:
                break
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]

    async def aclose(self) -> None:
        """Leave the rest unread."""
        await self._pieces.aclose()

# SPDX-License-Identifier: Apache-2.0
# Generated from _async/asset.py by tools/unasync.py; do not edit
"""A file behind a signed URL: asked for when needed, used without the key, never kept, resumed when it expires."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from callwell.client._sync.primitives import sleep
from callwell.client._sync.several import Several
from callwell.client._sync.source import Source, head
from callwell.client.saving import Saved, Saving, file_error
from callwell.core import download
from callwell.core.download import Download
from callwell.core.ranges import Split
from callwell.errors import AssetDamaged, InvalidOption
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator
    from typing import Self

    from callwell.client._sync.engine import Engine
    from callwell.client._sync.primitives import Fetch
    from callwell.client._sync.source import Facts
    from callwell.core.rules import AssetRule

MOST_RANGES: Final = 16
"""Pieces of one file that may be fetched at once: as many connections are open."""


class Asset:
    """A file behind a signed URL.

    Args:
        name: provider and operation, for messages.
        rule: where the provider's answer says what about it.
        engine: for the storage's answers.
        ask: asks the provider for a fresh URL.
    """

    def __init__(self, name: str, rule: AssetRule, *, engine: Engine, ask: Fetch) -> None:
        self._source = Source(name, rule, engine=engine, ask=ask)
        self._split = Split()

    @property
    def facts(self) -> Facts | None:
        """What the provider said last, if it was asked."""
        return self._source.facts

    def info(self) -> Facts:
        """What the provider says about the file; each time it is asked anew."""
        return self._source.info()

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        ranges: int = Split().most,
        resume: bool = False,
        before: Callable[[Facts], None] | None = None,
        progress: Callable[[int], None] | None = None,
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
                What storage has meanwhile in its place is begun again; where it gives no strong ETag, nothing is left.

        Raises:
            InvalidOption: a path or a number of ranges that cannot be.
            AssetUnavailable: the provider has no such file.
            AssetDamaged: what arrives is not what was announced, again and again.
            DiskFull: the disk is full; nothing is left behind, unless to be resumed.
            FileProblem: the file cannot be written, or another process is saving it.
        """
        target = Path(path)
        if not target.name or "\0" in str(target):
            raise InvalidOption("path", str(path), "the name of a file")
        if ranges not in range(1, MOST_RANGES + 1):
            raise InvalidOption("ranges", ranges, f"a number from 1 to {MOST_RANGES}")
        try:
            with Saving(target, resume=resume, progress=progress) as saving:
                growing = saving.growing
                with closing(self._pieces(before, saving, self._split._replace(most=ranges))) as pieces:
                    for _, offset, piece in pieces:
                        growing.put(offset, piece)
                while growing.hash(growing.size):
                    sleep(0.0)
                saving.finish()
        except OSError as error:
            raise file_error(target, error) from error
        return Saved(target, growing.size, growing.sha256, self.facts.type if self.facts else None)

    def iter_bytes(self) -> Generator[bytes]:
        """The file's bytes in pieces, resumed where it broke off.

        Raises:
            AssetUnavailable: the provider has no such file.
            AssetDamaged: the file changed after some of it had been given out.
        """
        given = 0
        with closing(self._pieces()) as pieces:
            for version, offset, piece in pieces:
                if offset > given or (version and given):
                    raise AssetDamaged(f"{self._source.name}: the file changed while it was read")
                rest = piece[given - offset :]
                if rest:
                    given += len(rest)
                    yield rest

    def read(self) -> bytes:
        """The whole file in memory."""
        whole = bytearray()
        for piece in self.iter_bytes():
            whole += piece
        return bytes(whole)

    def open(self) -> AssetReader:
        """The file as something to read from, inside `with`."""
        return AssetReader(self.iter_bytes())

    def _pieces(
        self,
        before: Callable[[Facts], None] | None = None,
        saving: Saving | None = None,
        split: Split | None = None,
    ) -> Generator[tuple[int, int, bytes]]:
        """Pieces with their place in the file, and how often the file has changed; a later piece may go back.

        Args:
            before: called with what the provider says.
            saving: the file, which is cut where the pieces begin again. Several pieces at once are written to it, and
                not given out.
            split: how many, and when.
        """
        start = Download() if saving is None else saving.start
        state, step = start._replace(split=split, absent=self._source.absent), cast("download.Action", download.Ask())
        waited = 0.0
        while not isinstance(step, download.Finish):
            if isinstance(step, download.Fail):
                raise self._source.failed(step.why, step.status, state)
            if not isinstance(step, download.Fetch):
                state, step = self._source.fresh(state, before)
                continue
            waited = self._source.pause(step.failures, waited)
            with self._source.open(step) as body:
                if isinstance(body, NoReply):
                    state, step = download.broke(state)
                    continue
                state, step = download.opened(state, head(body))
                if not isinstance(step, download.Read):
                    continue
                if saving is not None:
                    saving.reading(state)
                    if not state.islands:
                        saving.growing.cut(step.offset)
                if step.several and saving is not None and split is not None:
                    several = Several(self._source, saving.growing, download.begun(state))
                    state, step = download.joined(state, several.run(body, split.most))
                    continue
                while (piece := body.read()) and not isinstance(piece, NoReply):
                    yield state.restarts, state.offset, piece
                    state = download.received(state, len(piece))
                state, step = download.broke(state) if piece else download.ended(state)


class AssetReader:
    """A file that is read from the network as it is needed.

    Args:
        pieces: its bytes.
    """

    def __init__(self, pieces: Generator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that is left if it is negative, none at the end."""
        parts, have = [self._rest], len(self._rest)
        while size < 0 or have < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]

    def close(self) -> None:
        """Leave the rest unread."""
        self._pieces.close()

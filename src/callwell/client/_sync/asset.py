# SPDX-License-Identifier: Apache-2.0
# Generated from _async/asset.py by tools/unasync.py; do not edit
"""A file behind a signed URL: asked for when needed, used without the key, never kept, resumed when it expires."""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from callwell.client._sync.fetch import fetched
from callwell.client._sync.primitives import sleep
from callwell.client.answers import origin
from callwell.core import download, paging, retry
from callwell.core.download import Download
from callwell.errors import AssetDamaged, AssetError, AssetUnavailable, DiskFull, FileProblem, InvalidOption
from callwell.transport.base import NoReply, Request

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Mapping
    from typing import Self

    from callwell.client._sync.engine import Engine
    from callwell.client._sync.primitives import Fetch
    from callwell.core.rules import AssetRule

STALL_S = 30.0
"""Real seconds without a byte after which a body counts as broken off."""

PART = ".part"

CHUNK = 1 << 20
"""Bytes that are read from the disk at once."""

MESSAGES = {
    download.Why.EXPIRED: "every fresh URL was refused by the storage (HTTP {status})",
    download.Why.BROKEN: "the storage broke off every time",
    download.Why.REFUSED: "the storage refused it (HTTP {status})",
    download.Why.DAMAGED: "what the storage has is not what the provider announced",
    download.Why.UNAVAILABLE: "it is not there",
}


class Facts(NamedTuple):
    """What the provider says about a file.

    Attributes:
        size: bytes, if it says.
        type: the media type, if it says.
        captured: whether such a file was made at all, if it says.
        available: there is a URL.
    """

    size: int | None
    type: str | None
    captured: bool | None
    available: bool


class Saved(NamedTuple):
    """A file that was saved.

    Attributes:
        path: where it is.
        size: bytes.
        sha256: checksum, in hexadecimal.
        type: the media type that the provider announced.
    """

    path: Path
    size: int
    sha256: str
    type: str | None


class Asset:
    """A file behind a signed URL.

    Args:
        name: provider and operation, for messages.
        rule: where the provider's answer says what about it.
        engine: for the storage's answers.
        ask: asks the provider for a fresh URL.
    """

    def __init__(self, name: str, rule: AssetRule, *, engine: Engine, ask: Fetch) -> None:
        self._name = name
        self._rule = rule
        self._engine = engine
        self._ask = ask
        self._url = ""
        self.facts: Facts | None = None

    def info(self) -> Facts:
        """What the provider says about the file; each time it is asked anew."""
        body = (self._ask()).json
        found = paging.at(body, self._rule.url)
        size, captured = paging.at(body, self._rule.size), paging.at(body, self._rule.captured)
        self._url = found if isinstance(found, str) else ""
        self.facts = Facts(
            size if isinstance(size, int) else None,
            str(kind) if (kind := paging.at(body, self._rule.type)) else None,
            captured if isinstance(captured, bool) else None,
            available=bool(self._url),
        )
        return self.facts

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        before: Callable[[Facts], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Saved:
        """Save the file. It appears under its name only when it is whole.

        Args:
            path: where it goes; the folder must exist.
            before: called with what the provider says, before the first byte; what it raises ends the save.
            progress: called with the number of bytes that are safe on disk.

        Raises:
            AssetUnavailable: the provider has no such file.
            AssetDamaged: what arrives is not what was announced, again and again.
            DiskFull: the disk is full; nothing is left behind.
            FileProblem: the file cannot be written.
        """
        target = Path(path)
        if not target.name or "\0" in str(target):
            raise InvalidOption("path", str(path), "the name of a file")
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PART}")
        try:
            with part.open("wb") as file:
                digest, size = hashlib.sha256(), 0
                with closing(self._pieces(before)) as pieces:
                    for _, offset, piece in pieces:
                        if offset != size:
                            file.flush()
                            digest, size = _rewound(part, offset), offset
                            file.seek(offset)
                            file.truncate()
                        file.write(piece)
                        digest.update(piece)
                        size += len(piece)
                        if progress is not None:
                            progress(size)
            part.replace(target)
        except OSError as error:
            raise _file_error(target, error) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return Saved(target, size, digest.hexdigest(), self.facts.type if self.facts else None)

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
                    raise AssetDamaged(f"{self._name}: the file changed while it was read")
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

    def _pieces(self, before: Callable[[Facts], None] | None = None) -> Generator[tuple[int, int, bytes]]:
        """Pieces with their place in the file, and how often the file has changed; a later piece may go back."""
        state, step = Download(), cast("download.Action", download.Ask())
        waited = 0.0
        while not isinstance(step, download.Finish):
            if isinstance(step, download.Fail):
                raise self._failed(step.why, step.status, state)
            if isinstance(step, download.Ask):
                state, step = self._fresh(state, before)
                continue
            waited = self._pause(state.failures, waited)
            operation = self._name.partition(" ")[2]
            self._engine.check_open(operation)
            with fetched(self._engine, operation, self._request(state)) as body:
                if isinstance(body, NoReply):
                    state, step = download.broke(state)
                    continue
                state, step = download.opened(state, body.status, *_range(body.headers))
                if not isinstance(step, download.Read):
                    continue
                while (piece := body.read()) and not isinstance(piece, NoReply):
                    yield state.restarts, state.offset, piece
                    state = download.received(state, len(piece))
                state, step = download.broke(state) if piece else download.ended(state)

    def _pause(self, failures: int, waited: float) -> float:
        if not failures:
            return 0.0
        seconds = retry.backoff(self._engine.profile.retry, failures - 1, self._engine.roll(), waited)
        sleep(self._engine.clock.real_s(seconds))
        return seconds

    def _fresh(self, state: Download, before: Callable[[Facts], None] | None) -> tuple[Download, download.Action]:
        facts = self.info()
        if not self._url:
            why = "it was not captured" if facts.captured is False else "the provider has none at present"
            raise AssetUnavailable(f"{self._name}: no file: {why}", captured=facts.captured)
        if origin(self._engine.base_url)[0] == "https" and origin(self._url)[0] != "https":
            raise AssetError(f"{self._name}: the provider names an address without TLS")
        if before is not None:
            before(facts)
        return download.given(state, facts.size)

    def _request(self, state: Download) -> Request:
        headers: tuple[tuple[str, str], ...] = (("accept", "*/*"), ("accept-encoding", "identity"))
        if state.offset:
            headers = (*headers, ("range", f"bytes={state.offset}-"))
            if state.etag:
                headers = (*headers, ("if-range", state.etag))
        return Request("GET", self._url, headers, timeout_s=STALL_S)

    def _failed(self, why: download.Why, status: int, state: Download) -> AssetError:
        cls = AssetDamaged if why is download.Why.DAMAGED else AssetError
        size = f" ({state.size} bytes announced)" if why is download.Why.DAMAGED and state.size is not None else ""
        return cls(f"{self._name}: {MESSAGES[why].format(status=status)}{size}")


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


def _range(headers: Mapping[str, str]) -> tuple[int | None, int | None, str | None]:
    length = headers.get("content-length", "")
    begins = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
    return int(length) if length.isdigit() else None, int(begins[1]) if begins else None, headers.get("etag")


def _rewound(part: Path, offset: int) -> hashlib._Hash:
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while offset and (piece := file.read(min(offset, CHUNK))):
            digest.update(piece)
            offset -= len(piece)
    return digest


def _file_error(target: Path, error: OSError) -> DiskFull | FileProblem:
    if error.errno in (28, 122):
        return DiskFull(f"{target}: the disk is full; make room and run the same again")
    return FileProblem(f"{target}: cannot be written: {error.strerror}")

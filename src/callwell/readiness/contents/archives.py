# SPDX-License-Identifier: Apache-2.0
"""Unpacks archives, within limits: an archive of a few kilobytes can unpack to petabytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from callwell.readiness.contents.archive_formats import HEAD_BYTES, UNSUPPORTED, detect_archive
from callwell.readiness.contents.part import CHUNK, ContentPart, UnreadablePart
from callwell.readiness.contents.pdf import list_streams
from callwell.readiness.files.listing import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from callwell.readiness.contents.archive_formats import ArchiveFormat

MAX_BYTES: Final = 512 << 20
"""The most bytes that one file may unpack to, with all nested archives. Large wheels and images have half as many."""

MAX_MEMBERS: Final = 20_000
"""The most members that one file may have, with all nested archives."""

MAX_DEPTH: Final = 4
"""How deep archives may be nested: a member of a wheel in a compressed tar is at depth three."""

IN_MEMORY: Final = 8 << 20
"""How many bytes of a nested archive are kept in memory; the rest is on disk until it was read."""

COMPRESSIONS: Final[dict[str, Callable[..., Any]]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
"""Formats that compress a single stream."""

UNPACK: Final = "Unpack it and check the folder, or leave it out of the project."

Member = tuple[str, "Callable[[], IO[bytes]]"]
"""The name of a member (empty if the format has none), and a function that opens it."""


class ArchiveTooLarge(Exception):
    """An archive exceeds the limits."""


DAMAGE: Final = (zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError)
CLOSED: Final = (RuntimeError,)
"""Errors that the standard library raises for damaged or encrypted archives and unknown compression methods."""


class Unpacking:
    """Unpacks one file, with nested archives.

    Args:
        max_bytes: how many bytes it may unpack to.
        max_members: how many members it may have.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_members: int = MAX_MEMBERS) -> None:
        self._max_bytes = max_bytes
        self._max_members = max_members
        self._bytes = 0
        self._members = 0
        self._stopped = False

    def unpack(self, file: IO[bytes], inside: str, depth: int = 1) -> Iterator[ContentPart | UnreadablePart]:
        """The members of an archive.

        Args:
            file: the archive, at its beginning.
            inside: its own name inside the file, as in `ContentPart`.
            depth: how many archives contain the members.
        """
        archive_format = detect_archive(file.read(HEAD_BYTES))
        file.seek(0)
        if archive_format in UNSUPPORTED:
            yield UnreadablePart(inside, f"it is a {archive_format} archive, which cannot be unpacked", UNPACK)
            return
        if depth > MAX_DEPTH:
            yield UnreadablePart(
                inside, f"it is nested in {MAX_DEPTH} archives, and deeper ones are not opened", UNPACK
            )
            return
        try:
            for name, open_member in list_members(file, archive_format):
                self._members += 1
                if self._members > self._max_members:
                    self._stopped = True
                    raise ArchiveTooLarge(f"it has more than {self._max_members} members")
                where = " > ".join(filter(None, (inside, printable(name))))
                yield from self._read_member(open_member, where, depth)
                if self._stopped:
                    return
        except (*DAMAGE, *CLOSED, ArchiveTooLarge) as error:
            yield UnreadablePart(inside, describe(error), UNPACK)

    def _read_member(
        self, open_member: Callable[[], IO[bytes]], where: str, depth: int
    ) -> Iterator[ContentPart | UnreadablePart]:
        """Read one member, which may be an archive itself."""
        errors: list[Exception] = []
        chunks = self._read(open_member, errors)
        head = next(chunks, b"")
        if detect_archive(head) is None:
            yield ContentPart(where, chain([head], chunks))
        else:
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as inner:
                inner.writelines(chain([head], chunks))
                inner.seek(0)
                if not errors:
                    yield from self.unpack(inner, where, depth + 1)
        for error in errors:
            yield UnreadablePart(where, describe(error), UNPACK)

    def _read(self, open_member: Callable[[], IO[bytes]], errors: list[Exception]) -> Iterator[bytes]:
        """The content of a member. Errors are collected, because readers of a part do not expect them."""
        try:
            with open_member() as member:
                while chunk := member.read(CHUNK):
                    self._bytes += len(chunk)
                    if self._bytes > self._max_bytes:
                        self._stopped = True
                        raise ArchiveTooLarge(f"it unpacks to more than {self._max_bytes >> 20} MiB")
                    yield chunk
        except (*DAMAGE, *CLOSED, ArchiveTooLarge) as error:
            errors.append(error)


def list_members(file: IO[bytes], archive_format: ArchiveFormat | None) -> Iterator[Member]:
    """List the members of an archive that are files.

    Args:
        file: the archive, at its beginning.
        archive_format: its format.
    """
    if archive_format == "zip":
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    yield entry.filename, partial(archive.open, entry)
    elif archive_format == "tar":
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                if info.isreg():
                    yield info.name, partial(_open_tar_member, tar, info)
    elif archive_format == "PDF":
        yield from list_streams(file)
    elif archive_format in COMPRESSIONS:
        yield "", partial(COMPRESSIONS[archive_format], file)


def _open_tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    member = tar.extractfile(info)
    if member is None:
        raise tarfile.TarError(f"{info.name} has no content")
    return member


def describe(error: Exception) -> str:
    """Why an archive cannot be read, in one sentence.

    Args:
        error: what stopped it.
    """
    if isinstance(error, ArchiveTooLarge):
        return f"the archive is too large: {error}, and the rest was not read"
    if isinstance(error, CLOSED):
        return f"the archive cannot be opened: {printable(str(error))}"
    return f"the archive is damaged: {printable(str(error)) or type(error).__name__}"

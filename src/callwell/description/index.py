# SPDX-License-Identifier: Apache-2.0
"""Caches the records of a large description in the user's cache folder, so that the next client starts quickly.

Reading GitHub's 12 MiB takes a second: parsing, resolving references, naming 1,199 operations. A program only needs a
few of these operations. So the index encodes each operation, and each shared schema, separately, and an operation is
decoded on first use. References stay references in it: expanded, Stripe's schemas would be thousands of times as large.

An index is used only if

* it belongs to this user and is a regular file, not a link;
* its checksum is right, so it is complete;
* its digest matches all documents of the description, and the code of Callwell that makes records from them. The
  documents are read each time to compute the digest, 10 ms for GitHub's: comparing size and time would be faster, but
  would miss an edit that keeps both.

Otherwise the index is written again. If it cannot be written, the description only loads more slowly.
"""

from __future__ import annotations

import functools
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from callwell.description.documents.reading import find_document
from callwell.description.model import Operation
from callwell.description.provider import Provider
from callwell.description.shared_schemas import SchemaEncoder, decode_shared
from callwell.errors import FileProblem
from callwell.folders import Folder
from callwell.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.description.loading import Loaded

MIN_BYTES: Final = 32 << 10
"""The size of the smallest document with an index, in bytes. A smaller one is read about as fast as its index."""

MAGIC: Final = b"callwell index 1\n"
CHECKSUM_BYTES: Final = 4
CHUNK: Final = 1 << 20

_PRIVATE_FILE: Final = 0o600


class _Content(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """The content of an index.

    Attributes:
        digest: the digest of the documents and the code, see `digest_documents`.
        files: the files of the description besides document and profile, relative to its folder.
        provider: the provider without its operations.
        operations: the encoded operations, by name.
        schemas: the encoded schemas that the operations share.
    """

    digest: bytes
    files: tuple[str, ...]
    provider: Provider
    operations: dict[str, msgspec.Raw]
    schemas: list[msgspec.Raw]


class Operations(Mapping[str, Operation]):
    """Operations, each decoded on first use.

    Args:
        encoded: the encoded operations, by name.
        schemas: the encoded schemas that they share.
    """

    def __init__(self, encoded: Mapping[str, msgspec.Raw], schemas: list[msgspec.Raw]) -> None:
        self._encoded = encoded
        self._decode = decode_shared(schemas)
        self._decoded: dict[str, Operation] = {}

    def __getitem__(self, name: str) -> Operation:
        found = self._decoded.get(name)
        if found is None:
            found = msgspec.convert(self._decode(self._encoded[name]), Operation)
            self._decoded[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)


def load(folder: Path) -> Provider:
    """Load the provider that the documents in a folder describe, from its index if that is up to date.

    Raises:
        ProfileError: a document cannot be used.
    """
    if not _is_large(find_document(folder)):
        return _read_documents(folder).provider
    cache = cache_folder()
    name = f"{sha256(os.fsencode(folder.resolve())).hexdigest()[:32]}.index"
    found = _read(cache, name, folder)
    if found is None:
        before = digest_documents(folder, ())
        loaded = _read_documents(folder)
        found = loaded.provider
        if digest_documents(folder, ()) == before:  # nobody has edited them in the meantime
            _write(cache, name, encode(found, loaded.files, digest_documents(folder, loaded.files)))
    return found


def _read_documents(folder: Path) -> Loaded:
    from callwell.description.loading import load_with_files  # slow to import, and not needed with an index

    return load_with_files(folder)


def cache_folder() -> Path:
    """Callwell's folder in the XDG cache directory, which may not exist yet.

    `XDG_CACHE_HOME` must be absolute (XDG Base Directory Specification); otherwise it is ignored.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if given.startswith("/") else Path("~/.cache").expanduser()) / "callwell"


def digest_documents(folder: Path, files: Iterable[str]) -> bytes:
    """The digest of a description and of the code that reads it; empty if a file cannot be read.

    Args:
        folder: the folder of the description.
        files: its files besides document and profile.
    """
    digest = sha256(_code_version())
    try:
        for path in (find_document(folder), folder / "profile.toml", *(folder / name for name in files)):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            with path.open("rb", buffering=0) as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
    except OSError:
        return b""
    return digest.digest()


@functools.cache
def _code_version() -> bytes:
    """Identifies the code that makes the records: versions, and the files of the code."""
    package = Path(__file__).parent.parent
    files = sorted(path for room in ("description", "core/rules") for path in (package / room).rglob("*.py"))
    stats = [(path.name, found.st_size, found.st_mtime_ns) for path in files for found in (path.stat(),)]
    return repr((VERSION, msgspec.__version__, sys.version_info, stats)).encode()


def encode(provider: Provider, files: tuple[str, ...], digest: bytes) -> bytes:
    """Encode an index.

    Args:
        provider: the provider.
        files: the files besides document and profile that it was made from.
        digest: the digest of all files.
    """
    operations = provider.api.operations
    encoder = SchemaEncoder(operations.values())
    content = _Content(
        digest=digest,
        files=files,
        provider=msgspec.structs.replace(provider, api=msgspec.structs.replace(provider.api, operations={})),
        operations={name: encoder.encode(operation) for name, operation in operations.items()},
        schemas=encoder.encode_shared(),
    )
    payload = msgspec.msgpack.encode(content)
    return MAGIC + zlib.crc32(payload).to_bytes(CHECKSUM_BYTES, "big") + payload


def _read(cache: Path, name: str, folder: Path) -> Provider | None:
    """Read the provider from an index; None if there is no index, or an outdated one."""
    try:
        with Folder.at(cache) as opened:
            data = opened.read(name, must_be_own=True)
        start = len(MAGIC) + CHECKSUM_BYTES
        payload = memoryview(data)[start:]
        checksum = int.from_bytes(data[len(MAGIC) : start], "big")
        if data[: len(MAGIC)] != MAGIC or zlib.crc32(payload) != checksum:
            return None
        content = msgspec.msgpack.decode(payload, type=_Content)
    except (OSError, FileProblem, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if not content.digest or content.digest != digest_documents(folder, content.files):
        return None
    operations = Operations(content.operations, content.schemas)
    return msgspec.structs.replace(
        content.provider, api=msgspec.structs.replace(content.provider.api, operations=operations)
    )


def _write(cache: Path, name: str, content: bytes) -> None:
    """Write an index, unless that fails or another process is writing one."""
    from callwell.staged_files import StagedFiles  # a client with an index does not need it

    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with StagedFiles(cache) as staged:
            staged.write(name, content, mode=_PRIVATE_FILE)
            staged.commit()
    except (OSError, FileProblem):
        return


def _is_large(document: Path) -> bool:
    try:
        return document.stat().st_size >= MIN_BYTES
    except OSError:
        return False

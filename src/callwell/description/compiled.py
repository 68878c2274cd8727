# SPDX-License-Identifier: Apache-2.0
"""A provider as one file of records, `compiled.json`, beside the documents that it was made from.

Reading the documents takes 40 ms for a bundled provider: parsing, resolving references, checking one against the other,
and importing the code for it. Reading the compiled file takes 2 ms. It contains two checksums: one of the documents,
which detects that they have changed, and one of its own records, which detects that it was damaged, or written by a
version of Callwell with other fields. If a checksum is wrong, the file is ignored and the documents are read.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from callwell.description.provider import Provider

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "compiled.json"
DOCUMENTS: Final = ("openapi.json", "profile.toml")


class Compiled(msgspec.Struct, frozen=True):
    """The content of the file.

    Attributes:
        documents: the checksum of the documents, see `checksum_documents`.
        records: the checksum of `provider`, see `checksum_records`.
        provider: the provider that the documents describe.
    """

    documents: int
    records: int
    provider: Provider


def checksum_documents(folder: Path) -> int:
    """Compute the CRC-32 of a provider's documents, each preceded by its name and length.

    It detects edits, not forgeries: whoever can write the compiled file can write the documents as well.

    Raises:
        OSError: a document cannot be read.
    """
    total = 0
    for name in DOCUMENTS:
        content = (folder / name).read_bytes()
        total = zlib.crc32(f"{name} {len(content)}\n".encode(), total)
        total = zlib.crc32(content, total)
    return total


def checksum_records(provider: Provider) -> int:
    """Compute the CRC-32 of a provider's encoded records.

    Records read from a file are encoded again to check them: this detects a flipped bit, and also a field that was
    ignored, or that got its default because the file has it under another name.
    """
    return zlib.crc32(msgspec.json.encode(provider))


def compile_provider(folder: Path) -> bytes:
    """Compile the documents in a folder.

    Raises:
        ProfileError: a document cannot be used.
    """
    from callwell.description.loading import load_provider  # slow to load, and not needed to read

    provider = load_provider(folder)
    compiled = Compiled(checksum_documents(folder), checksum_records(provider), provider)
    return msgspec.json.format(msgspec.json.encode(compiled), indent=1) + b"\n"


def read_compiled(folder: Path) -> Provider | None:
    """Read the provider from the compiled file of a folder; None if there is no file, or an outdated one."""
    try:
        read = msgspec.json.decode((folder / FILE).read_bytes(), type=Compiled)
        is_current = read.documents == checksum_documents(folder) and read.records == checksum_records(read.provider)
    except (
        OSError,
        msgspec.MsgspecError,
        UnicodeError,
        RecursionError,
    ):  # the decoder may raise any of these for damaged bytes
        return None
    return read.provider if is_current else None

# SPDX-License-Identifier: Apache-2.0
"""A provider as one file of records, `compiled.json`, beside the documents that it was made of.

Reading the documents means parsing, resolving references, checking one against the other, and loading the code that
does so: 40 ms for a bundled provider. The compiled file is read in 2 ms. It holds two checksums: one of the documents,
which finds that they have changed, and one of its own records, which finds that it was damaged, or written by a version
of Callwell with other fields. A file with a wrong checksum is ignored, and the documents are read.
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
    """What the file holds.

    Attributes:
        documents: the checksum of the documents, see `checksum_documents`.
        records: the checksum of `provider`, see `checksum_records`.
        provider: what the documents describe.
    """

    documents: int
    records: int
    provider: Provider


def checksum_documents(folder: Path) -> int:
    """The CRC-32 of a provider's documents, one after the other, each after its name and length.

    It finds edits, not forgeries: who can write the compiled file can write the documents as well.

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
    """The CRC-32 of a provider's records as they are encoded here.

    What is read from a file is encoded again to check it: so a field that was ignored, or that got its default because
    the file has it under another name, is found as well as a flipped bit.
    """
    return zlib.crc32(msgspec.json.encode(provider))


def compile_provider(folder: Path) -> bytes:
    """The compiled file of the documents in a folder.

    Raises:
        ProfileError: a document cannot be used.
    """
    from callwell.description.loading import load_provider  # slow to load, and not needed to read

    provider = load_provider(folder)
    compiled = Compiled(checksum_documents(folder), checksum_records(provider), provider)
    return msgspec.json.format(msgspec.json.encode(compiled), indent=1) + b"\n"


def read_compiled(folder: Path) -> Provider | None:
    """The provider in the compiled file of a folder; None if there is none, or none of these documents."""
    try:
        read = msgspec.json.decode((folder / FILE).read_bytes(), type=Compiled)
        is_current = read.documents == checksum_documents(folder) and read.records == checksum_records(read.provider)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):  # what bytes can make of the decoder
        return None
    return read.provider if is_current else None

# SPDX-License-Identifier: Apache-2.0
"""A provider as one file of records, `compiled.json`, beside the documents that it was made of.

Reading the documents means parsing, resolving references, checking one against the other, and loading the code that
does so: 40 ms for a bundled provider. The compiled file is read in 2 ms. It holds a checksum of the documents, and is
ignored once they have changed.
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
        documents: the checksum of the documents, see `checksum`.
        provider: what they describe.
    """

    documents: int
    provider: Provider


def checksum(folder: Path) -> int:
    """The CRC-32 of a provider's documents, one after the other.

    It finds edits, not forgeries: who can write the compiled file can write the documents as well.

    Raises:
        OSError: a document cannot be read.
    """
    total = 0
    for name in DOCUMENTS:
        total = zlib.crc32((folder / name).read_bytes(), total)
    return total


def compile_provider(folder: Path) -> bytes:
    """The compiled file of the documents in a folder.

    Raises:
        ProfileError: a document cannot be used.
    """
    from callwell.description.loading import load_provider  # slow to load, and not needed to read

    made = Compiled(checksum(folder), load_provider(folder))
    return msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"


def read_compiled(folder: Path) -> Provider | None:
    """The provider in the compiled file of a folder; None if there is none, or none of these documents."""
    try:
        read = msgspec.json.decode((folder / FILE).read_bytes(), type=Compiled)
        return read.provider if read.documents == checksum(folder) else None
    except (OSError, msgspec.MsgspecError):
        return None

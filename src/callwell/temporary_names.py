# SPDX-License-Identifier: Apache-2.0
"""Names of temporary files, which stand next to the files that they become.

.NAME.<16 digits>.part    written once, then renamed
.NAME.part                a download that can be resumed
"""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import Final

PART_SUFFIX: Final = ".part"
"""The suffix of every temporary name."""

MAX_NAME_BYTES: Final = 255
"""The longest name of a file on the file systems of Linux and macOS."""

ADDED_BYTES: Final = 23
"""Bytes that `unguessable_name` adds: two dots, 16 digits and the suffix."""


def temporary_stem(name: str) -> str:
    """The part of a temporary name that says which file it is for: the name itself, or its digest if it is long.

    Args:
        name: the final name of the file.
    """
    encoded = os.fsencode(name)
    if len(encoded) <= MAX_NAME_BYTES - ADDED_BYTES:
        return name
    return hashlib.sha256(encoded).hexdigest()


def unguessable_name(name: str) -> str:
    """A temporary name that nobody can have used before.

    Args:
        name: the final name of the file.
    """
    return f".{temporary_stem(name)}.{secrets.token_hex(8)}{PART_SUFFIX}"

# SPDX-License-Identifier: Apache-2.0
"""Decodes characters of base64 of which nobody says where the first group begins."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD: Final = bytes.maketrans(b"-_", b"+/")
QUARTET: Final = 4
"""Characters of base64 that encode three bytes."""


def decode_base64(run: bytes) -> Iterator[bytes]:
    """Decode base64, for each of the four characters at which the first group of four may begin."""
    standard = run.translate(STANDARD)
    for start in range(QUARTET):
        part = standard[start:]
        surplus = len(part) % QUARTET
        if surplus == 1:  # six bits do not make a byte
            part = part[:-1]
        yield binascii.a2b_base64(part + b"=" * (-len(part) % QUARTET))

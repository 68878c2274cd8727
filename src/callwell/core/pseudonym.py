# SPDX-License-Identifier: Apache-2.0
"""What a provider is told of an end user: a UUID that only the holder of a secret can make of the caller's own id.

It is the HMAC-SHA-256 of provider and id, cut to 122 bits and written as a UUID of version 4, which is what
pseudorandom bits are (RFC 9562, section 5.4). So it is the same wherever the secret is, tells two providers nothing of
each other, and cannot be turned back, nor found by trying a list of ids, without the secret. That some two of a million
users share one has odds of one in 10^25.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SHORTEST: Final = 16
"""Bytes of a secret: with fewer, whoever sees pseudonyms could find it by trying."""

VERSION: Final = 0x4000
VARIANT: Final = 0x8000


def pseudonym(secret: bytes, provider: str, user: str) -> str:
    """The UUID of an end user.

    Args:
        secret: at least `SHORTEST` bytes.
        provider: the provider's name.
        user: the caller's own id of the user.
    """
    told = b"\x00".join((b"end user", provider.encode(), user.encode("utf-8", "surrogatepass")))
    bits = int.from_bytes(hmac.new(secret, told, hashlib.sha256).digest()[:16], "big")
    text = f"{bits:032x}"
    version = f"{int(text[12:16], 16) & 0x0FFF | VERSION:04x}"
    variant = f"{int(text[16:20], 16) & 0x3FFF | VARIANT:04x}"
    return "-".join((text[:8], text[8:12], version, variant, text[20:]))

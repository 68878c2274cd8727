# SPDX-License-Identifier: Apache-2.0
"""The pseudonym of an end user: a UUID that only the holder of a secret can compute from the caller's own user ID.

It is the HMAC-SHA-256 of provider and user ID, cut to 122 bits and written as a UUID of version 4, the version for
pseudorandom bits (RFC 9562, 5.4). It is the same wherever the secret is the same. Two providers cannot match their
pseudonyms, and without the secret a pseudonym cannot be reversed, or found by trying a list of IDs. The odds that any
two of a million users share one are 1 in 10^25.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

MIN_SECRET_BYTES: Final = 16
"""The minimum bytes of a secret: a shorter one could be brute-forced from the pseudonyms of known users."""

VERSION: Final = 0x4000
VARIANT: Final = 0x8000
"""The fixed bits of a UUID of version 4 (RFC 9562, 4.1 and 4.2)."""


def pseudonym(secret: bytes, provider: str, user: str) -> str:
    """The pseudonym of an end user.

    Args:
        secret: at least `MIN_SECRET_BYTES` bytes.
        provider: the provider's name.
        user: the caller's own ID of the user.
    """
    message = b"\x00".join((b"end user", provider.encode(), user.encode("utf-8", "surrogatepass")))
    bits = int.from_bytes(hmac.new(secret, message, hashlib.sha256).digest()[:16], "big")
    text = f"{bits:032x}"
    version = f"{int(text[12:16], 16) & 0x0FFF | VERSION:04x}"
    variant = f"{int(text[16:20], 16) & 0x3FFF | VARIANT:04x}"
    return "-".join((text[:8], text[8:12], version, variant, text[20:]))

# SPDX-License-Identifier: Apache-2.0
"""Checksums as providers write them."""

from __future__ import annotations

import base64
import hashlib

from callwell.client.uploads.options import is_same_checksum


def test_a_checksum_counts_in_every_usual_form() -> None:
    """Hex of any case, Base64 of both alphabets, with or without its padding, in quotes."""
    digest = hashlib.md5(b"film", usedforsecurity=False).digest()
    text = base64.b64encode(digest).decode()
    web = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    for reported in (digest.hex(), digest.hex().upper(), f'"{digest.hex()}"', text, web):
        assert is_same_checksum(reported, digest)
    for reported in (digest.hex()[:-1], "", "no checksum", text[:-3]):
        assert not is_same_checksum(reported, digest)

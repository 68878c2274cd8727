# SPDX-License-Identifier: Apache-2.0
"""Encrypts secrets in a shared state, so that only holders of the API key can decrypt them.

AES-256-GCM, with a key that HKDF derives from the API key and the name of the record. An API key is random, so no slow
key derivation is needed against guessing. The record's name is authenticated too: a text that is moved to another
record cannot be decrypted.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from callwell.errors import UsageError
from callwell.extras import install_command

if TYPE_CHECKING:
    from callwell.keys.key import Key

NONCE_BYTES: Final = 12
"""Bytes of a nonce (NIST SP 800-38D, 5.2.1.1); random nonces are safe for 2^32 messages of a key (8.3)."""

PURPOSE: Final = b"callwell seal 1"
"""Separates these derived keys from any others; changing it would make stored records unreadable."""


class RecordCipher:
    """Encrypts and decrypts the text of one record.

    Args:
        key: the key that everyone who may read the text has.
        record: the record's name.

    Raises:
        UsageError: the package for it is not installed.
    """

    def __init__(self, key: Key, record: str) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        except ModuleNotFoundError as error:
            raise UsageError(
                "tokens in a shared state are encrypted with the package cryptography, which is not "
                f"installed: {install_command('tokens')}; or use the state memory:"
            ) from error
        self._cipher = AESGCM(
            HKDF(SHA256(), 32, salt=record.encode(), info=PURPOSE).derive(key.reveal().encode())
        )  # no local variable holds the derived key
        self._record = record.encode()

    def encrypt(self, text: bytes) -> bytes:
        """Encrypt a string."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, self._record)

    def decrypt(self, encrypted: bytes) -> bytes | None:
        """Decrypt a string; None if it was not encrypted for this record with this key, or was modified."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], self._record)
        except (InvalidTag, ValueError):
            return None

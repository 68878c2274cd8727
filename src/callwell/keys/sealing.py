# SPDX-License-Identifier: Apache-2.0
"""Secrets that lie in a state which others can read: sealed by a key that all who may open them have.

AES-256-GCM, under a key that HKDF makes of the API key and the name of the record. An API key is random, so nothing
slower is needed to make guessing it hopeless. A seal is good for one record: what is moved into another cannot be
opened.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from callwell.errors import UsageError
from callwell.extras import install_command

if TYPE_CHECKING:
    from callwell.keys.key import Key

NONCE_BYTES: Final = 12
"""Bytes of a nonce, as the standard has it; a random one is fine for far more seals than a key ever makes."""

PURPOSE: Final = b"callwell seal 1"


class RecordCipher:
    """Seals texts for one record.

    Args:
        key: which all who may read the texts have.
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
                "tokens in a state that processes share are sealed by the package cryptography, which is not "
                f"installed: {install_command('tokens')}; or take the state memory:"
            ) from error
        self._cipher = AESGCM(
            HKDF(SHA256(), 32, salt=record.encode(), info=PURPOSE).derive(key.reveal().encode())
        )  # the derived key is in no local variable
        self._record = record.encode()

    def encrypt(self, text: bytes) -> bytes:
        """The text, sealed."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, self._record)

    def decrypt(self, sealed: bytes) -> bytes | None:
        """The text, or None if it was not sealed for this record by this key."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._record)
        except (InvalidTag, ValueError):
            return None

# SPDX-License-Identifier: Apache-2.0
"""A string is decrypted with the same key for the same record only."""

from __future__ import annotations

import sys

import pytest

from callwell.errors import UsageError
from callwell.keys import Key
from callwell.keys.sealing import NONCE_BYTES, RecordCipher

TEXT = b"a token"


def test_who_has_the_key_can_open_it() -> None:
    """Another process derives the same; two seals of one string are not alike."""
    sealed = RecordCipher(Key("one"), "record").encrypt(TEXT)
    assert RecordCipher(Key("one"), "record").decrypt(sealed) == TEXT
    assert TEXT not in sealed
    assert RecordCipher(Key("one"), "record").encrypt(TEXT) != sealed


@pytest.mark.parametrize(("key", "record"), [("two", "record"), ("one", "other")])
def test_others_cannot(key: str, record: str) -> None:
    """Neither with another key, nor from another record."""
    assert RecordCipher(Key(key), record).decrypt(RecordCipher(Key("one"), "record").encrypt(TEXT)) is None


@pytest.mark.parametrize("cut", [0, 1, NONCE_BYTES, NONCE_BYTES + 5])
def test_what_is_damaged_is_not_opened(cut: int) -> None:
    """Cut off or changed."""
    cipher = RecordCipher(Key("one"), "record")
    sealed = cipher.encrypt(TEXT)
    assert cipher.decrypt(sealed[:cut]) is None
    assert cipher.decrypt(sealed[:cut] + bytes([sealed[cut] ^ 1]) + sealed[cut + 1 :]) is None


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install, and what to do without."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(UsageError, match=r"-m pip install '?cryptography.*; or use the state memory:"):
        RecordCipher(Key("one"), "record")

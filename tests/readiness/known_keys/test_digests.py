# SPDX-License-Identifier: Apache-2.0
"""A file of keyed digests holds no key, and is refused when it is damaged."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from callwell.errors import FileProblem
from callwell.keys import Key
from callwell.readiness.known_keys.digests import alphabet_of, make_digests, read_digests, write_digests
from callwell.readiness.known_keys.known_key import KnownKey

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key("planted-Key_0123456789")
KNOWN = KnownKey(fingerprint=KEY.fingerprint, provider="userplane", environment="production", source="env:KEY")


def test_a_file_of_digests(tmp_path: Path) -> None:
    """It is read as it was written, holds no part of the key, and differs each time."""
    path = tmp_path / "known-keys.json"
    digests = make_digests([(KNOWN, KEY)])
    write_digests(path, digests)
    assert read_digests(path) == digests
    assert digests.keys[0].known_key == KNOWN
    assert "planted" not in path.read_text()
    assert make_digests([(KNOWN, KEY)]).keys[0].digest != digests.keys[0].digest
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a file of known keys"),
        ("[]", "not a file of known keys"),
        ('{"format": 1, "salt": "xy", "keys": []}', "not a file of known keys"),
        ('{"format": 1, "salt": "", "keys": [], "more": 1}', "not a file of known keys"),
        ('{"format": 2, "salt": "", "keys": []}', "format 2"),
    ],
)
def test_a_damaged_file_of_digests(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file."""
    path = tmp_path / "known-keys.json"
    path.write_text(text)
    with pytest.raises(FileProblem, match=message):
        read_digests(path)


def test_a_file_of_digests_that_is_not_there(tmp_path: Path) -> None:
    """Neither read nor written."""
    with pytest.raises(FileProblem, match="cannot read"):
        read_digests(tmp_path / "absent")
    with pytest.raises(FileProblem, match="cannot write"):
        write_digests(tmp_path / "absent" / "x", make_digests([]))


def test_the_alphabet_of_a_key() -> None:
    """Kinds of characters as a whole, and every other character that it has."""
    assert alphabet_of(b"a_1") == b"0123456789_abcdefghijklmnopqrstuvwxyz"

# SPDX-License-Identifier: Apache-2.0
"""The secret of our own: made once, whole, and readable only by its owner."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from callwell.errors import FileProblem
from callwell.keys import parse_source
from callwell.keys.secret import BYTES, create_secret

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_made_once(tmp_path: Path) -> None:
    """With mode 600, in a folder with mode 700, of many that try at once by one; what is there stays."""
    path = tmp_path / "state" / "user-secret"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create_secret, [path] * 16))
    text = path.read_text()
    assert len(bytes.fromhex(text)) == BYTES
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    create_secret(path)
    assert path.read_text() == text
    assert [item.name for item in path.parent.iterdir()] == ["user-secret"]
    assert parse_source(f"file:{path}", "").read().reveal() == text.strip()


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    """Not even an empty file: other pseudonyms would be other users to the provider."""
    path = tmp_path / "user-secret"
    path.touch()
    create_secret(path)
    assert path.read_bytes() == b""


def test_where_it_cannot_be_made(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "file").touch()
    with pytest.raises(FileProblem, match=f"cannot create a secret at {os.fspath(tmp_path)}/file/x"):
        create_secret(tmp_path / "file" / "x")

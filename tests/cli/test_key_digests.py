# SPDX-License-Identifier: Apache-2.0
"""`callwell keys digests` and `check --known-keys`: a machine without the keys finds them by digests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.cli.emulated import KEY_VARIABLE, Shell

if TYPE_CHECKING:
    from pathlib import Path

KEY = f"uspl_{secrets.token_hex(20)}"


@pytest.fixture
def cli(tmp_path: Path) -> Shell:
    """A shell in a project that has its key in a file."""
    (tmp_path / "callwell.toml").write_text('[userplane]\naccount = "shop"\n', encoding="utf-8")
    (tmp_path / "app.py").write_text(f'\nKEY = "{KEY}"\n', encoding="utf-8")
    return Shell(tmp_path, {KEY_VARIABLE: KEY, "HOME": str(tmp_path)}, KEY, "")


def test_a_key_is_found_by_its_digest(cli: Shell, tmp_path: Path) -> None:
    """The file has the digest and no key; with it, `check` finds the key where it is not set."""
    written = cli.run("keys", "digests", "known.json")
    assert "userplane (production): key" in written.out
    assert KEY not in written.out + (tmp_path / "known.json").read_text(encoding="utf-8")
    without = Shell(tmp_path, {"HOME": str(tmp_path)}, KEY, "")
    leaks = ("check", "--provider", "userplane", "--only", "leaks.keys-in-files")
    found = without.run(*leaks, "--known-keys", "known.json", "--json")
    assert found.code == 1
    assert [(finding["path"], finding["line"]) for finding in found.json["checks"][0]["findings"]] == [("app.py", 2)]
    assert found.json["checks"][0]["unchecked"] == []
    assert "there is no key on this machine" in without.fails(2, "keys", "digests", "other.json")

# SPDX-License-Identifier: Apache-2.0
"""Ignore comments that have no effect are findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.readiness import registry
from callwell.readiness.project import Project
from callwell.readiness.run import run_check

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n", []),
        ("x = 1  # callwell: ignore=keys.file-mode a sample\n", []),
        ("Write `callwell: ignore=ID reason` there.\n", []),
        (
            "\nx = 1  # callwell: ignore=keys.file-mode\n",
            ["a.py:2: the comment accepts nothing, because it gives no reason to ignore keys.file-mode"],
        ),
        ("# callwell: ignore=keys.file reason\n", ["a.py:1: the comment accepts nothing: there is no check keys.file"]),
        ("caf\xe9 # callwell: ignore=x reason\n", ["a.py:1: the comment accepts nothing: there is no check x"]),
    ],
)
def test_comments_without_effect(tmp_path: Path, text: str, found: list[str]) -> None:
    """Without a reason, or for a check that does not exist. A name in capitals is a placeholder of a document."""
    (tmp_path / "a.py").write_bytes(text.encode("latin-1"))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "huge.bin").write_bytes(b"\0" * 9_000_000)
    result = run_check(Project(tmp_path), registry.load("code.ignore-comments"))
    assert [f"{finding.place}: {finding.what}" for finding in result.findings] == found
    assert [str(unchecked.place) for unchecked in result.unchecked] == ["loop"]

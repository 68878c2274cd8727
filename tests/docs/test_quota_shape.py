# SPDX-License-Identifier: Apache-2.0
"""The walk "Add a quota shape" works: its changes fit the code as it is, and its tests pass once they are made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.docs import pages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PAGE = pages.DOCS / "how" / "contribute-a-quota-shape.md"
TEST = "tests/core/test_token_bucket.py"

AS_FOUND = """
from hypothesis import Phase
settings.register_profile("as-found", settings(), max_examples=100, phases=[Phase.generate])
"""
"""A way to run properties that leaves a failure as it was found: to make it small takes ten seconds."""


def changes() -> dict[str, list[tuple[str, str]]]:
    """The changes of the page by file: each is what stands there, and what takes its place."""
    found: dict[str, list[tuple[str, str]]] = {}
    for block in pages.blocks(PAGE, "diff"):
        lines = block.text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if not line.startswith("+"))
        after = "".join(line[1:] for line in lines if not line.startswith("-"))
        found.setdefault(block.title, []).append((before, after))
    return found


def apply(tree: Path, names: Iterable[str]) -> None:
    """Make the page's changes of some files in a copy of the project."""
    for name in names:
        edits = changes()[name]
        text = (tree / name).read_text(encoding="utf-8")
        for before, after in edits:
            assert text.count(before) == 1, f"{name} does not have once:\n{before}"
            text = text.replace(before, after)
        (tree / name).write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the walk changes, with the new test of the page beside the others."""
    shutil.copytree(pages.ROOT / "src" / "callwell", tmp_path / "src" / "callwell")
    for part in ("core", "emulator"):
        shutil.copytree(pages.ROOT / "tests" / part, tmp_path / "tests" / part)
    for name in ("pyproject.toml", "tests/conftest.py", "tests/patience.py"):
        shutil.copy(pages.ROOT / name, tmp_path / name)
    with (tmp_path / "tests/conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(AS_FOUND)
    (block,) = (block for block in pages.blocks(PAGE, "python") if block.title == TEST)
    (tmp_path / TEST).write_text(block.text, encoding="utf-8")
    return tmp_path


def run_tests(project: Path, *names: str) -> str:
    """What pytest prints about tests of a copy, which import the copy's package."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=as-found", *names]
    ran = subprocess.run(
        command,
        cwd=project,
        env={"PYTHONPATH": str(project / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout + ran.stderr


def test_the_walk_works(project: Path) -> None:
    """With the new word alone the property fails; with all changes it passes, and so do the emulator's windows."""
    word = [name for name in changes() if name.endswith(("profile.py", "checks.py"))]
    apply(project, word)
    printed = run_tests(project, TEST)
    assert "FAILED tests/core/test_token_bucket.py::test_a_token_bucket_is_never_overdrawn" in printed, printed
    assert "1 failed, 1 passed" in printed, printed
    apply(project, [name for name in changes() if name not in word])
    printed = run_tests(project, TEST, "tests/emulator/test_quota.py::test_windows")
    assert "7 passed" in printed, printed

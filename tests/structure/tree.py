# SPDX-License-Identifier: Apache-2.0
"""The source tree, for the tests of its structure: where it is, its files, and which of them are generated."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "callwell"


def project_files() -> list[Path]:
    """All files that are or would be checked in. Skips the test where git cannot tell."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip("not a git checkout")
    return [path for name in answer.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def python_files(*folders: str) -> list[Path]:
    """The Python files below the named folders of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def is_generated(path: Path) -> bool:
    """Whether a file is written by `make generate`."""
    parts = path.relative_to(ROOT).parts
    sync = "_sync" in parts and path.name != "primitives.py"
    return sync or (path.name.endswith(("client.py", "typed.py")) and "providers" in parts)

# SPDX-License-Identifier: Apache-2.0
"""The source tree, for the tests of its structure: where it is, its files, and which of them are generated."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """What `ast.walk` gives, in another order and without operators and contexts, which are half of all nodes."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in node._fields:
            if name in {"ctx", "op", "ops"}:
                continue
            value = getattr(node, name, None)
            if isinstance(value, list):
                waiting.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST):
                waiting.append(value)

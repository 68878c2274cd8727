# SPDX-License-Identifier: Apache-2.0
"""Git repositories for tests."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AUTHOR: Final = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(folder: Path, *words: str, stdin: bytes = b"") -> str:
    """What a command of git prints.

    Args:
        folder: where it runs.
        words: the command.
        stdin: what it reads.
    """
    command = ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *words]
    done = subprocess.run(command, check=True, input=stdin, capture_output=True, env=os.environ | AUTHOR)
    return done.stdout.decode().strip()


def write_files(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files.

    Args:
        root: the folder.
        files: contents by name.
    """
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

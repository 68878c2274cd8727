# SPDX-License-Identifier: Apache-2.0
"""Makes a history in one step, with `git fast-import`, and keys to put into it."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING, Final

from tests.readiness.repositories import git

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    Commit = tuple[str, Mapping[str, bytes | None]]
    """A message, and the contents of files; None removes one."""

IDENTITY: Final = "Test <test@localhost>"


def make_history(folder: Path, commits: Iterable[Commit]) -> Path:
    """A repository with these commits on its branch `main`.

    Args:
        folder: a folder that does not exist yet.
        commits: the commits, oldest first.
    """
    folder.mkdir()
    git(folder, "init", "--quiet")
    stream = b""
    for number, (message, files) in enumerate(commits, 1):
        text = message.encode()
        stream += f"commit refs/heads/main\ncommitter {IDENTITY} {number * 3600} +0000\ndata {len(text)}\n".encode()
        stream += text + b"\n"
        for name, content in files.items():
            if content is None:
                stream += f"D {name}\n".encode()
            else:
                stream += f"M 100644 inline {name}\ndata {len(content)}\n".encode() + content + b"\n"
    git(folder, "fast-import", "--quiet", stdin=stream)
    git(folder, "reset", "--quiet", "--hard")
    return folder


def fake_key(seed: int, prefix: str = "uspl_", length: int = 40) -> str:
    """A key that was never issued, in the shape of a real one.

    Args:
        seed: another key for each.
        prefix: its beginning.
        length: characters behind the prefix.
    """
    letters = random.Random(seed).choices(string.ascii_letters + string.digits, k=length)
    return prefix + "".join(letters)

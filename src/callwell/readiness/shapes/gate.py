# SPDX-License-Identifier: Apache-2.0
"""Holds kingfisher up between its start and its first file, so that what it reads is written meanwhile.

Its start takes half a second on one processor, and reading a history takes us as long on another. Kingfisher opens the
file of `--skip-aws-account-file` when it has loaded its rules, before it looks into folders. The option concerns
validation, which is off. Here the file is a pipe that ends when all is written. The order is not documented, so whoever
uses a gate asks for a witness too: a secret in the file that was written last.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HAS_PIPES = hasattr(os, "mkfifo")
"""Windows has no pipes among its files."""


class Gate:
    """A gate that is closed until `open` is called.

    Args:
        folder: a folder for the pipe.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "gate"
        os.mkfifo(self._path, 0o600)
        self._pipe: int | None = os.open(self._path, os.O_RDWR)  # to read and write, so that it waits for nobody

    @property
    def options(self) -> tuple[str, str]:
        """The options that make kingfisher wait."""
        return ("--skip-aws-account-file", str(self._path))

    def open(self) -> None:
        """Let kingfisher go on. It reads the end of the pipe, or an empty file if it has not come so far."""
        if self._pipe is None:
            return
        empty = self._path.with_name("open")
        empty.touch()
        empty.replace(self._path)
        os.close(self._pipe)
        self._pipe = None

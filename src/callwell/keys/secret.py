# SPDX-License-Identifier: Apache-2.0
"""A secret of our own, made once and kept in a file that nobody else may read."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from callwell.errors import FileProblem

BYTES: Final = 32


def create_secret(path: Path) -> None:
    """Make a random secret, unless one is there. Of several processes that try at once, one has its way.

    Args:
        path: the file, which appears whole and with mode 600.

    Raises:
        FileProblem: it cannot be made.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # its mode is 600
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{secrets.token_hex(BYTES)}\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    except OSError as error:
        raise FileProblem(f"no secret can be made at {path}: {error.strerror}") from error

# SPDX-License-Identifier: Apache-2.0
"""Creates a random secret once, in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from callwell.errors import FileProblem

BYTES: Final = 32
"""Bytes of a secret: 256 bits, which cannot be guessed."""


def create_secret(path: Path) -> None:
    """Create a random secret, unless the file exists. If several processes try at the same time, one secret wins.

    Args:
        path: the file, which appears complete and with mode 600.

    Raises:
        FileProblem: the file cannot be created.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # with mode 600
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
        raise FileProblem(f"cannot create a secret at {path}: {error.strerror}") from error

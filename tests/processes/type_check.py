# SPDX-License-Identifier: Apache-2.0
"""mypy as somebody runs it who uses the package: strict, with none of this project's settings."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).parents[2] / ".cache" / "mypy"
"""What mypy knows of the package and of what that imports, for all tests: to find it out takes ten seconds."""

STRICT: Final = ("--strict", "--no-pretty", "--config-file=", f"--cache-dir={CACHE}")


def mypy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Check files, one process at a time: the second finds in the cache what the first has found out."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "mypy", *STRICT, *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

# SPDX-License-Identifier: Apache-2.0
"""Packages of the public registries, installed by the locks in `requirements/` into `.cache/conformance`."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = ROOT / "requirements"
PLACE: Final = ROOT / ".cache" / "conformance"


class Failed(Exception):
    """A suite could not be run; the message says which and why."""


def node_modules(name: str) -> Path:
    """The folder that holds all Node packages of a lock.

    Args:
        name: the folder of the lock in `requirements/`.

    Raises:
        Failed: npm is missing, or could not install them.
    """
    if shutil.which("npm") is None:
        raise Failed("npm is missing: install Node 20 or newer")
    files = [LOCKS / name / file for file in ("package.json", "package-lock.json", ".npmrc")]
    place = cache_folder(f"node-{name}", *files)
    if not (place / "ready").exists():
        for file in files:
            shutil.copy(file, place)
        run("npm", "ci", "--silent", "--no-progress", folder=place)
        (place / "ready").touch()
    return place


def cache_folder(name: str, *locks: Path) -> Path:
    """A folder for what these locks install: the old one if they have not changed, else an empty one."""
    digest = sha256(b"".join(lock.read_bytes() for lock in (*locks, Path(__file__)))).hexdigest()[:16]
    place = PLACE / f"{name}-{digest}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    (place / "report.json").unlink(missing_ok=True)
    return place


def run(*command: str, folder: Path | None = None) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command[:4])} …: {done.stdout.decode('utf-8', 'replace').strip()}")

# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, small or read-only, for tests."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.processes.program import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own; skips where that is not allowed."""
    folder.mkdir(exist_ok=True)
    mount = shutil.which("mount")
    umount = shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("mounting a small file system needs root")
    command = [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    """Change a mounted file system."""
    subprocess.run([shutil.which("mount") or "mount", "-o", f"remount,{options}", str(folder)], check=True)


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Files that this process writes have at most so many bytes: a write beyond fails, as on a full disk.

    Python writes no bytecode meanwhile: it does not notice a short write, and every later import would fail.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = before


_KILLED = """
import resource, signal, sys
sys.dont_write_bytecode = True  # half a file, see `limited_files`
from callwell.cli.main import main
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), hard))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
main(sys.argv[2:])
"""


def run_killed(folder: Path, size: int, *arguments: str) -> int:
    """Run a command that the kernel kills at the first write beyond so many bytes of a file. Returns how it ended."""
    script = folder / "killed.py"
    script.write_text(_KILLED, encoding="utf-8")
    return run([str(script), str(size), *arguments]).returncode

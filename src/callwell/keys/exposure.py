# SPDX-License-Identifier: Apache-2.0
"""Checks who else can read a key file, and which files are secrets mounted by a platform.

A platform chooses the mode of the secrets that it mounts, and it cannot be changed from inside:

- Kubernetes, and drivers for its Secrets Store: a read-only tmpfs, files of root with mode 0644, in a directory that
  the link `..data` points to and that is exchanged as a whole.
- Docker Swarm, Podman: each secret is a separate mount at /run/secrets/NAME, mode 0444. Docker Compose mounts the
  user's file there, with its mode on the host.
- systemd: a read-only ramfs or tmpfs at $CREDENTIALS_DIRECTORY; the mask of an access list looks like a group that may
  read.

So the mode is ignored in a read-only tmpfs or ramfs, and if the file itself is a mount. It does count in /tmp, /dev/shm
and /run, which are writable, and in a mounted directory of the host.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
"""Permission bits of everyone but the owner."""

ROOT: Final = 0

IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
"""File systems that secrets are mounted with; they are never on a disk."""

MOUNTS: Final = Path("/proc/self/mountinfo")

ESCAPED: Final = re.compile(r"\\([0-7]{3})")
"""A space, tab, newline or backslash in a path of `MOUNTS`."""


class Mount(NamedTuple):
    """A mount, as Linux lists it.

    Attributes:
        point: where it is.
        file_system: the type of its file system.
        read_only: nothing can be changed through it.
    """

    point: str
    file_system: str
    read_only: bool


def describe_mode(found: os.stat_result) -> str | None:
    """The mode of a file, if other users can read or replace its content; None if they cannot.

    A group-readable file owned by root (mode 0640) is fine, as for PostgreSQL and others: root grants it to a service
    through the service's group. Windows does not express this in the mode.

    Args:
        found: what `stat` says about the file.
    """
    mode = stat.S_IMODE(found.st_mode)
    if os.name == "nt" or not mode & OTHERS:
        return None
    by_group = found.st_uid == ROOT and os.geteuid() != ROOT and not mode & (OTHERS & ~stat.S_IRGRP)
    return None if by_group else f"mode {mode:04o}"


def find_work_tree(file: Path) -> Path | None:
    """The nearest git work tree above a file, with links followed; in a linked work tree `.git` is a file."""
    real = Path(os.path.realpath(file))
    return next((folder for folder in real.parents if os.path.lexists(folder / ".git")), None)


def is_mounted_secret(file: Path) -> bool:
    """Whether a file is a secret that a platform has mounted, with a mode that only the platform can choose."""
    real = os.path.realpath(file)
    try:
        mount = find_mount(MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines(), real)
    except OSError:  # not Linux
        return False
    if mount is None or mount.point == "/":
        return False
    return mount.point == real or (mount.read_only and mount.file_system in IN_MEMORY)


def find_mount(lines: Iterable[str], path: str) -> Mount | None:
    """The mount that a path is in: the longest mount point above it, and the last of several at the same point.

    Args:
        lines: those of `MOUNTS`: number, parent, device, root, point, options, optional fields, `-`, type, source,
            options of the file system. See proc(5).
        path: an absolute path without links.
    """
    best: Mount | None = None
    for line in lines:
        fields = line.split(" ")
        if "-" not in fields[6:]:
            continue
        end = fields.index("-", 6)
        point = ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
        is_above = path == point or path.startswith(point if point == "/" else f"{point}/")
        if is_above and (best is None or len(point) >= len(best.point)):
            options = {*fields[5].split(","), *fields[-1].split(",")}
            best = Mount(point, fields[end + 1], read_only="ro" in options)
    return best

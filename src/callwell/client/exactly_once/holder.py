# SPDX-License-Identifier: Apache-2.0
"""Finds out which calls are still running, in any process of this machine.

A holder is one call of one process. Its name tells any process how to find out whether that call is still running::

    MACHINE | PID | START | BYTE | DEVICE:INODE
       │       │      │      │          └─ the lock file beside the state
       │       │      │      └──────────── the byte of it that is locked while the call is running
       │       └──────┴─────────────────── the process; numbers are reused, start times tell them apart
       └────────────────────────────────── this boot and this PID namespace

1. Another machine: its processes cannot be seen, so the lease in the record decides.
2. This process: it knows its own calls (`LIVE_HOLDERS`).
3. The process has ended: so has its call.
4. Another live process: its call is running as long as the byte is locked. Where there is no such lock (the state is
    not a file, the folder is read-only, the file was replaced), it counts as running until its process ends.

The kernel drops the locks of a process when it ends, however it ends. On Linux they are open file description locks
(`F_OFD_SETLK`): they survive when other code in this process opens and closes the same file, for example to back it up.
A forked child shares its parent's description and would not see its locks, so it opens its own. Elsewhere they are
POSIX record locks, which belong to the process, so closing any descriptor of the file would drop them. In both cases a
process cannot see its own locks, hence 2, and its own descriptors are never closed.

Other code in the process may close every descriptor, as daemons do when they start, and this descriptor's number may
then belong to another file. So it is compared with the file each time.
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import secrets
import struct
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.clock import boot_id

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVE_HOLDERS: Final = set[str]()
"""The running calls of this process."""

ENDED_STATES: Final = "ZX"
"""States in /proc of a process that has ended but that its parent has not waited for yet."""

START_TIME_FIELD: Final = 19
"""Which field of /proc/PID/stat holds the start time, counted from the state, the first one after the name."""

MAX_BYTE: Final = 1 << 62
"""The range of random lock offsets. Offsets are signed 64-bit numbers, and locked bytes need not exist."""

FLOCK: Final = "hhqqi0q"
"""The kernel's `struct flock`: type, whence, start, length, pid (0 here)."""


class LockFile(NamedTuple):
    """An open lock file.

    Attributes:
        descriptor: never closed, see above.
        identity: its device and inode.
        pid: the process that opened it.
    """

    descriptor: int
    identity: str
    pid: int

    def is_at(self, path: Path) -> bool:
        """Whether this process still has it open under this descriptor, and it is still at a path.

        Raises:
            OSError: the path does not exist, or the descriptor was closed.
        """
        if self.pid != os.getpid() or self.identity != _identify(os.fstat(self.descriptor)):
            return False
        return self.identity == _identify(path.stat())


_BY_PATH: Final[dict[Path, LockFile]] = {}
"""The lock files that this process, or its parent, has opened."""

_LOCKED: Final[dict[str, LockFile]] = {}
"""Live holder → the lock file with its locked byte, which is the only one where it can be unlocked."""


class CallLocks:
    """The locks of the calls that share one state.

    Args:
        path: the lock file, created when it is first needed; None if the state is not a file.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @contextmanager
    def hold(self) -> Iterator[str]:
        """A new holder, which is alive inside the block."""
        holder = self.acquire()
        try:
            yield holder
        finally:
            self.release(holder)

    def acquire(self) -> str:
        """Create a holder, which is alive from now on, and return its name."""
        holder = new_holder()
        file = self._open()
        if file is not None:
            with suppress(OSError):  # a file system without locks
                _set_lock(file.descriptor, fcntl.F_WRLCK, int(holder.rpartition("|")[2]))
                holder = f"{holder}|{file.identity}"
                _LOCKED[holder] = file
        LIVE_HOLDERS.add(holder)
        return holder

    def release(self, holder: str) -> None:
        """Record that the holder's call is no longer running. A holder may be released twice."""
        LIVE_HOLDERS.discard(holder)
        file = _LOCKED.pop(holder, None)
        if file is not None and file.pid == os.getpid():  # a forked child must not unlock its parent's byte
            with suppress(OSError):
                _set_lock(file.descriptor, fcntl.F_UNLCK, int(holder.split("|")[3]))

    def is_alive(self, holder: str) -> bool | None:
        """Whether a holder's call may still be running; None if that cannot be seen from here.

        Args:
            holder: its name. Names written by earlier versions have fewer parts.
        """
        machine, pid, *rest = holder.split("|")
        if machine != _machine():
            return None
        started = rest[0] if len(rest) > 1 else None
        start_now = _start_time(int(pid))
        if int(pid) == os.getpid() and started == (start_now or ""):
            return holder in LIVE_HOLDERS
        if start_now is None or started is None:
            if start_now == "" or not _process_exists(int(pid)):
                return False
            return self._is_locked(rest)
        return start_now == started and self._is_locked(rest) is not False

    def _is_locked(self, rest: list[str]) -> bool | None:
        """Whether a holder in another live process has its byte locked; None if that cannot be seen.

        The shared lock that is tried here briefly does not disturb any holder: a new holder chooses a byte that no
        other process knows yet, and shared locks do not exclude each other.
        """
        byte, *identity = rest[1:] or [""]
        file = self._open() if identity else None
        if file is None or [file.identity] != identity:
            return None
        try:
            _set_lock(file.descriptor, fcntl.F_RDLCK, int(byte))
        except OSError:
            return True
        _set_lock(file.descriptor, fcntl.F_UNLCK, int(byte))
        return False

    def _open(self) -> LockFile | None:
        """The lock file at the path; None if there cannot be one."""
        if self._path is None:
            return None
        with suppress(OSError):
            known = _BY_PATH.get(self._path)
            if known is not None and known.is_at(self._path):
                return known
        with suppress(OSError):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o600)
            file = LockFile(descriptor, _identify(os.fstat(descriptor)), os.getpid())
            _BY_PATH[self._path] = file
            return file
        return None


def _set_lock(descriptor: int, kind: int, byte: int) -> None:
    """Lock or unlock one byte of a file, without waiting.

    Args:
        descriptor: of the file.
        kind: `F_WRLCK`, `F_RDLCK` or `F_UNLCK`.
        byte: its offset.

    Raises:
        OSError: another process has locked it, or locking is not possible.
    """
    if hasattr(fcntl, "F_OFD_SETLK"):
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(FLOCK, kind, os.SEEK_SET, byte, 1, 0))
        except OSError as error:
            if error.errno != errno.EINVAL:  # a kernel without them
                raise
        else:
            return
    commands = {fcntl.F_WRLCK: fcntl.LOCK_EX, fcntl.F_RDLCK: fcntl.LOCK_SH, fcntl.F_UNLCK: fcntl.LOCK_UN}
    fcntl.lockf(descriptor, commands[kind] | fcntl.LOCK_NB, 1, byte)


def new_holder() -> str:
    """The name of a holder without a lock yet: machine, process, its start time, and a random byte."""
    pid = os.getpid()
    return f"{_machine()}|{pid}|{_start_time(pid) or ''}|{secrets.randbelow(MAX_BYTE)}"


def _identify(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}"


def _start_time(pid: int) -> str | None:
    """When a process started, in the kernel's units; empty if it has ended, None if that cannot be seen."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self/stat").exists() else None
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in ENDED_STATES else fields[START_TIME_FIELD]


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists, and belongs to another user
    return True


def _machine() -> str:
    """This boot of this machine, and its PID namespace: containers have their own."""
    return _machine_of(os.getpid())


@cache
def _machine_of(_pid: int) -> str:
    """The same for one process: a forked child may be in a PID namespace of its own."""
    spaces = ""
    with suppress(OSError):
        spaces = Path("/proc/self/ns/pid").readlink().name
    return f"{boot_id()}{spaces or platform.node()}"

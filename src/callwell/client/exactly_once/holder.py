# SPDX-License-Identifier: Apache-2.0
"""Which calls are still under way, in whichever process of this machine they run.

A holder is one call of one process. Its name says how any process can find out whether that call is still under way::

    MACHINE | PID | START | BYTE | DEVICE:INODE
       │       │      │      │          └─ the lock file that stands beside the state
       │       │      │      └──────────── the byte of it that is locked while the call is under way
       │       └──────┴─────────────────── the process; numbers are reused, start times tell them apart
       └────────────────────────────────── this boot and this space of process numbers

1. Another machine: nothing can be seen, and the lease in the record decides.
2. This process: it knows its own calls (`LIVE_HOLDERS`).
3. The process has ended: so has its call.
4. Another process that lives: its call is under way as long as the byte is locked. Where there is no such lock (the
   state is not a file, the folder is read-only, the file was replaced), it counts as under way until its process ends.

POSIX record locks are right for this: they belong to the process and not to a descriptor, a forked child does not
inherit them, and the kernel drops them when the process ends, however it ends. Two things follow. A process cannot see
its own locks, hence 2. And closing any descriptor of the file would drop them all, so none is ever closed.
"""

from __future__ import annotations

import fcntl
import os
import platform
import secrets
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.clock import boot_id

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVE_HOLDERS: Final = set[str]()
"""The calls of this process that are under way."""

ENDED_STATES: Final = "ZX"
"""States in /proc of a process that has ended, though its parent has not waited for it yet."""

START_TIME_FIELD: Final = 19
"""Which field of /proc/PID/stat holds the start time, counted from the state, the first one after the name."""

MAX_BYTE: Final = 1 << 62
"""Bytes to choose from at random. Offsets are signed 64-bit numbers; locked bytes need not exist."""


class LockFile(NamedTuple):
    """An open lock file.

    Attributes:
        descriptor: never closed, see above.
        identity: its device and inode.
    """

    descriptor: int
    identity: str


_BY_PATH: Final[dict[Path, LockFile]] = {}
_BY_IDENTITY: Final[dict[str, LockFile]] = {}
"""The lock files that this process has opened. Two threads may open one twice, which costs a descriptor and no more."""


class CallLocks:
    """The locks of the calls that share one state.

    Args:
        path: the lock file, made when it is first needed; None where the state is not a file.
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
        """The name of a new holder, which is alive from now on."""
        holder = new_holder()
        file = self._open()
        if file is not None:
            with suppress(OSError):  # a file system without locks
                byte = int(holder.rpartition("|")[2])
                fcntl.lockf(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
                holder = f"{holder}|{file.identity}"
        LIVE_HOLDERS.add(holder)
        return holder

    def release(self, holder: str) -> None:
        """The holder's call is not under way any more. A holder may be released twice."""
        LIVE_HOLDERS.discard(holder)
        _, _, _, byte, *identity = holder.split("|")
        file = _BY_IDENTITY.get(identity[0]) if identity else None
        if file is not None:
            with suppress(OSError):
                fcntl.lockf(file.descriptor, fcntl.LOCK_UN, 1, int(byte))

    def is_alive(self, holder: str) -> bool | None:
        """Whether a holder's call may still be under way; None if that cannot be seen from here.

        Args:
            holder: its name. Names that earlier versions wrote have fewer parts.
        """
        machine, number, *rest = holder.split("|")
        if machine != _machine():
            return None
        started = rest[0] if len(rest) > 1 else None
        start_now = _start_time(int(number))
        if int(number) == os.getpid() and started == (start_now or ""):
            return holder in LIVE_HOLDERS
        if start_now is None or started is None:
            if start_now == "" or not _process_exists(int(number)):
                return False
            return self._is_locked(rest)
        return start_now == started and self._is_locked(rest) is not False

    def _is_locked(self, rest: list[str]) -> bool | None:
        """Whether a holder in another, living process has its byte locked; None if that cannot be seen.

        The shared lock that is tried here for a moment disturbs nobody: holders choose bytes that no one knows yet, and
        shared locks do not exclude each other.
        """
        byte, *identity = rest[1:] or [""]
        file = self._open() if identity else None
        if file is None or [file.identity] != identity:
            return None
        try:
            fcntl.lockf(file.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, int(byte))
        except OSError:
            return True
        fcntl.lockf(file.descriptor, fcntl.LOCK_UN, 1, int(byte))
        return False

    def _open(self) -> LockFile | None:
        """The lock file that stands at the path now; None if there is none to be had."""
        if self._path is None:
            return None
        with suppress(OSError):
            known = _BY_PATH.get(self._path)
            if known is not None and known.identity == _identify(self._path.stat()):
                return known
        with suppress(OSError):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o600)
            file = LockFile(descriptor, _identify(os.fstat(descriptor)))
            _BY_PATH[self._path] = file
            return _BY_IDENTITY.setdefault(file.identity, file)
        return None


def new_holder() -> str:
    """The name of a holder that locks nothing yet: machine, process, when that started, and a random byte."""
    number = os.getpid()
    return f"{_machine()}|{number}|{_start_time(number) or ''}|{secrets.randbelow(MAX_BYTE)}"


def _identify(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}"


def _start_time(number: int) -> str | None:
    """When a process started, as the kernel counts it; empty if it has ended, None if that cannot be seen."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self/stat").exists() else None
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in ENDED_STATES else fields[START_TIME_FIELD]


def _process_exists(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists, and belongs to another user
    return True


@cache
def _machine() -> str:
    """This boot of this machine, and the space of its process numbers: containers have their own."""
    spaces = ""
    with suppress(OSError):
        spaces = Path("/proc/self/ns/pid").readlink().name
    return f"{boot_id()}{spaces or platform.node()}"

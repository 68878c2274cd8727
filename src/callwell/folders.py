# SPDX-License-Identifier: Apache-2.0
"""Folders in which files are written, held open: what is written lands in them and nowhere else.

A folder that others can write to may hold a symbolic link, a hard link or a pipe under a name that we are about to use.
So a folder is found once, by its descriptor, and every name below it is opened without following links. A file is
written under a name that nobody can guess, and gets its own by a rename, which replaces a link and never follows it. A
file that must be found again has a name that can be guessed: it is used only if it is a plain file of this user's, with
no other name.

The folder that the caller names may be reached through links: these are the caller's own.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Final

from callwell.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader
    from pathlib import Path
    from typing import Self

PART: Final = ".part"
"""The end of every temporary name."""

READABLE: Final = 0o666
"""The mode of a file that the umask alone restricts."""

READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
SEARCH_ONLY: Final = getattr(os, "O_PATH", os.O_RDONLY)
"""For a folder that may be written to and not listed."""


class Folder:
    """A folder that is held open. Use it as a context manager, or close it.

    Args:
        descriptor: of the folder.
        path: where it was found, for messages.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self.path = path
        self._fd = descriptor

    @classmethod
    def at(cls, path: Path, *, make: bool = False, listed: bool = False) -> Self:
        """The folder that a caller names, links on the way included.

        Args:
            path: where it is.
            make: make it if it is not there, with the folders above it.
            listed: it is to be listed or locked, too.

        Raises:
            OSError: it cannot be used.
        """
        if make:
            path.mkdir(parents=True, exist_ok=True)
        flags = os.O_DIRECTORY | os.O_CLOEXEC
        try:
            return cls(os.open(path, os.O_RDONLY | flags), path)
        except PermissionError:
            if listed:
                raise
            return cls(os.open(path, SEARCH_ONLY | flags), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)

    def lock(self) -> bool:
        """Keep other processes out that lock it too, until it is closed; false if one of them has it."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def subfolder(self, *names: str, make: bool = False) -> Folder:
        """A folder in this one. No name may be a link.

        Args:
            names: of the folders on the way, the last one that of the folder; none for this one.
            make: make what is not there.

        Raises:
            FileProblem: one of them is no folder.
            OSError: it cannot be used.
        """
        here = Folder(os.dup(self._fd), self.path)
        for name in names:
            with here:
                here = here._child(name, make=make)
        return here

    def list_names(self) -> list[str]:
        """What is in it, in order.

        Raises:
            OSError: it cannot be listed.
        """
        return sorted(os.listdir(self._fd))  # noqa: PTH208 - it has a descriptor, and no path

    def exists(self, name: str) -> bool:
        """Whether there is anything of that name."""
        try:
            os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int | None:
        """Bytes of a plain file, None if there is no such file.

        Raises:
            OSError: it cannot be looked at.
        """
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def is_folder(self, name: str) -> bool:
        """Whether a name is that of a folder, and not of a link to one."""
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def open(self, name: str, *, own: bool = False) -> BufferedReader:
        """A plain file, to be read.

        Args:
            name: of the file.
            own: it must be this user's.

        Raises:
            FileProblem: it is something else.
            OSError: it cannot be opened.
        """
        descriptor = self._open_descriptor(name, READ_FLAGS)
        try:
            self._check_plain(name, os.fstat(descriptor), own=own)
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb")

    def read(self, name: str, *, own: bool = False) -> bytes:
        """What a plain file holds.

        Args:
            name: of the file.
            own: it must be this user's.

        Raises:
            FileProblem: it is something else.
            OSError: it cannot be read.
        """
        with self.open(name, own=own) as file:
            return file.read()

    def create(self, name: str, *, mode: int = READABLE) -> tuple[str, BinaryIO]:
        """A new file under a temporary name that nobody can guess.

        Args:
            name: what it is to be called in the end.
            mode: who may use it.

        Returns:
            the temporary name and the file.

        Raises:
            OSError: it cannot be made.
        """
        hidden = f".{name}.{secrets.token_hex(8)}{PART}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return hidden, os.fdopen(os.open(hidden, flags, mode, dir_fd=self._fd), "r+b")

    def open_or_create(self, name: str) -> BinaryIO:
        """A file that is found again by its name, or made if it is not there.

        Raises:
            FileProblem: it is no plain file of this user's alone.
            OSError: it cannot be opened.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = self._open_descriptor(name, flags)
        try:
            found = os.fstat(descriptor)
            self._check_plain(name, found, own=True)
            if found.st_nlink > 1:
                raise FileProblem(f"{self.path / name}: it is the same file as one of another name; remove it")
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "r+b")

    def is_same_file(self, name: str, file: BinaryIO) -> bool:
        """Whether an open file is the one of that name."""
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(file.fileno()))

    def rename(self, name: str, to: str) -> None:
        """Give a file another name, in place of what has it.

        Raises:
            OSError: it cannot be done.
        """
        os.replace(name, to, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def check_replaceable(self, name: str) -> None:
        """See that a file may take a name that the user chose: no device, pipe or socket is replaced.

        Raises:
            FileProblem: it is one of those. A user with enough rights would lose /dev/null or /dev/stdout by it.
        """
        try:
            mode = os.stat(name, dir_fd=self._fd).st_mode
        except OSError:  # nothing there, or a link that leads nowhere
            return
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise FileProblem(f"{self.path / name}: it is a device, a pipe or a socket; name a file")

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            OSError: it cannot be done.
        """
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)

    def remove_tree(self, name: str) -> None:
        """Remove a folder and all that is in it, as far as that goes; links in it are removed, and not followed."""
        shutil.rmtree(name, ignore_errors=True, dir_fd=self._fd)

    def write(self, name: str, pieces: Iterable[bytes], *, mode: int = READABLE, sync: bool = False) -> None:
        """Write a whole file in one step.

        Args:
            name: of the file.
            pieces: what it is to hold.
            mode: who may use it.
            sync: it survives a loss of power, too.

        Raises:
            OSError: it cannot be done; what was there before still is.
        """
        hidden, file = self.create(name, mode=mode)
        try:
            with file:
                file.writelines(pieces)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            self.rename(hidden, name)
        except BaseException:
            with suppress(OSError):
                self.remove(hidden)
            raise

    def walk(self) -> Iterator[tuple[str, str, Folder]]:
        """All that is no folder, at any depth: its path below this one, its name, and its folder, for now.

        Raises:
            OSError: a folder cannot be listed.
        """
        for above, _, names, descriptor in os.fwalk(".", onerror=_raise, dir_fd=self._fd):
            folder = Folder(descriptor, self.path / above)
            for name in sorted(names):
                yield os.path.normpath(f"{above}/{name}"), name, folder

    def _child(self, name: str, *, make: bool) -> Folder:
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._fd)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return Folder(os.open(name, flags, dir_fd=self._fd), self.path / name)
        except FileNotFoundError:
            raise
        except OSError as error:
            if self._is_link(name):
                raise self._link_error(name) from error
            raise

    def _open_descriptor(self, name: str, flags: int) -> int:
        try:
            return os.open(name, flags, READABLE, dir_fd=self._fd)
        except OSError as error:
            if self._is_link(name):
                raise self._link_error(name) from error
            raise

    def _is_link(self, name: str) -> bool:
        try:
            return stat.S_ISLNK(os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def _link_error(self, name: str) -> FileProblem:
        return FileProblem(f"{self.path / name}: it is a symbolic link, which could lead anywhere; remove it")

    def _check_plain(self, name: str, found: os.stat_result, *, own: bool) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise FileProblem(f"{self.path / name}: it is no plain file; remove it")
        if own and found.st_uid != os.geteuid():
            raise FileProblem(f"{self.path / name}: it belongs to another user; remove it or name another folder")


def _raise(error: OSError) -> None:
    raise error


def write(path: Path, pieces: Iterable[bytes], *, mode: int = READABLE, make: bool = False) -> None:
    """Write a whole file in one step.

    Args:
        path: of the file; its folder may be reached through links.
        pieces: what it is to hold.
        mode: who may use it.
        make: make the folder if it is not there.

    Raises:
        FileProblem: the path is that of a device, a pipe or a socket.
        OSError: it cannot be done.
    """
    with Folder.at(path.parent, make=make) as folder:
        folder.check_replaceable(path.name)
        folder.write(path.name, pieces, mode=mode)


@contextmanager
def open_unnamed(folder: Folder, name: str) -> Iterator[BinaryIO]:
    """A file without a name, for as long as it is open.

    Args:
        folder: on the same disk.
        name: what it is for.

    Raises:
        OSError: it cannot be made.
    """
    hidden, file = folder.create(name, mode=0o600)
    with file:
        folder.remove(hidden)
        yield file

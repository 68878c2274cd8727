# SPDX-License-Identifier: Apache-2.0
"""Folders that are held open while files are written, so that files cannot end up anywhere else.

A folder that others can write to may contain a symbolic link, a hard link or a pipe under a name that is about to be
used. So a folder is opened once and used through its descriptor, and every name below it is opened without following
links. A file is written under an unguessable name, and renamed when it is complete: a rename replaces a link and never
follows it. A file that must be found again has a predictable name, so it is used only if it is a regular file of this
user without other hard links.

Links on the way to the folder that the caller names are the caller's own, and are followed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Final

from callwell.errors import FileProblem
from callwell.temporary_names import unguessable_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader
    from pathlib import Path
    from typing import Self

DEFAULT_MODE: Final = 0o666
"""The default mode of files, restricted only by the umask."""

READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Flags to open a file for reading; without `O_NONBLOCK` a pipe would block until a writer opens it."""

SEARCH_ONLY: Final = getattr(os, "O_PATH", os.O_RDONLY)
"""Flags to open a folder that can be written to but not listed."""


CANNOT_SYNC: Final = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSUP})
"""Errors of `fsync` for a folder: it was opened with `O_PATH`, or its file system does not synchronize folders."""


class Folder:
    """A folder that is held open. Use it as a context manager, or close it.

    Args:
        descriptor: the open folder's descriptor.
        path: where the folder was found, for messages.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self.path = path
        self._fd = descriptor

    @classmethod
    def at(cls, path: Path, *, make: bool = False, for_listing: bool = False) -> Self:
        """Open the folder that a caller names, following links on the way.

        Args:
            path: the folder's path.
            make: create it, and the folders above it, if it does not exist.
            for_listing: it will also be listed or locked.

        Raises:
            OSError: the folder cannot be opened.
        """
        if make:
            path.mkdir(parents=True, exist_ok=True)
        flags = os.O_DIRECTORY | os.O_CLOEXEC
        try:
            return cls(os.open(path, os.O_RDONLY | flags), path)
        except PermissionError:
            if for_listing:
                raise
            return cls(os.open(path, SEARCH_ONLY | flags), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        os.close(self._fd)

    def lock(self) -> bool:
        """Lock the folder until it is closed; False if another process has locked it."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def subfolder(self, *names: str, make: bool = False) -> Folder:
        """Open a folder below this one. No name may be a link.

        Args:
            names: the path components, with the folder's own name last; none for this folder itself.
            make: create folders that do not exist.

        Raises:
            FileProblem: a name is a link.
            OSError: a folder cannot be opened.
        """
        folder = Folder(os.dup(self._fd), self.path)
        for name in names:
            with folder:
                folder = folder._child(name, make=make)
        return folder

    def list_names(self) -> list[str]:
        """The names of all entries in the folder, in order.

        Raises:
            OSError: the folder cannot be listed.
        """
        return sorted(os.listdir(self._fd))  # noqa: PTH208 - by descriptor, not by path

    def exists(self, name: str) -> bool:
        """Whether anything has that name."""
        try:
            os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int | None:
        """The bytes of a regular file; None if there is no such file.

        Raises:
            OSError: the file's status cannot be read.
        """
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def is_folder(self, name: str) -> bool:
        """Whether a name is a folder, and not a link to one."""
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def open(self, name: str, *, must_be_own: bool = False) -> BufferedReader:
        """Open a regular file for reading.

        Args:
            name: the file's name.
            must_be_own: the file must belong to this user.

        Raises:
            FileProblem: it is a link, not a regular file, or another user's.
            OSError: it cannot be opened.
        """
        descriptor = self._open_descriptor(name, READ_FLAGS)
        try:
            self._check_plain(name, os.fstat(descriptor), must_be_own=must_be_own)
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb")

    def read(self, name: str, *, must_be_own: bool = False) -> bytes:
        """The content of a regular file.

        Args:
            name: the file's name.
            must_be_own: the file must belong to this user.

        Raises:
            FileProblem: it is a link, not a regular file, or another user's.
            OSError: it cannot be read.
        """
        with self.open(name, must_be_own=must_be_own) as file:
            return file.read()

    def create(self, name: str, *, mode: int = DEFAULT_MODE) -> tuple[str, BinaryIO]:
        """Create a file under an unguessable temporary name.

        Args:
            name: the final name of the file.
            mode: its permissions, restricted by the umask.

        Returns:
            the temporary name and the file.

        Raises:
            OSError: it cannot be created.
        """
        temporary_name = unguessable_name(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return temporary_name, os.fdopen(os.open(temporary_name, flags, mode, dir_fd=self._fd), "r+b")

    def open_or_create(self, name: str) -> BinaryIO:
        """Open a file for reading and writing, and create it if it does not exist.

        Raises:
            FileProblem: it is not a regular file, another user's, or has another hard link.
            OSError: it cannot be opened.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = self._open_descriptor(name, flags)
        try:
            found = os.fstat(descriptor)
            self._check_plain(name, found, must_be_own=True)
            if found.st_nlink > 1:
                raise FileProblem(f"{self.path / name}: it is a hard link to a file with another name; remove it")
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "r+b")

    def is_same_file(self, name: str, file: BinaryIO) -> bool:
        """Whether a name leads to an open file."""
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(file.fileno()))

    def rename(self, name: str, to: str) -> None:
        """Rename a file, replacing an existing one.

        Raises:
            OSError: the file cannot be renamed.
        """
        os.replace(name, to, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def check_replaceable(self, name: str) -> None:
        """Raise if a name that the user chose is a device, a pipe or a socket, which a file must not replace.

        Raises:
            FileProblem: it is one of those. A user with enough privileges would lose /dev/null or /dev/stdout.
        """
        try:
            mode = os.stat(name, dir_fd=self._fd).st_mode
        except OSError:  # the name does not exist, or is a dangling link
            return
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise FileProblem(f"{self.path / name}: it is a device, a pipe or a socket; name a file")

    def remove(self, name: str) -> None:
        """Remove a file if it exists.

        Raises:
            OSError: the file cannot be removed.
        """
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)

    def remove_tree(self, name: str) -> None:
        """Remove a folder and its contents as far as possible; links in it are removed, not followed."""
        shutil.rmtree(name, ignore_errors=True, dir_fd=self._fd)

    def stage(self, name: str, chunks: Iterable[bytes], *, mode: int = DEFAULT_MODE, sync: bool = False) -> str:
        """Write a whole file under a temporary name.

        Args:
            name: the name that `rename` will give it.
            chunks: its content.
            mode: its permissions, restricted by the umask.
            sync: wait until the content is on disk, which a power failure then leaves; `write` also waits for the name.

        Returns:
            the temporary name.

        Raises:
            OSError: the file cannot be written; nothing of it is left.
        """
        temporary_name, file = self.create(name, mode=mode)
        try:
            with file:
                file.writelines(chunks)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                self.remove(temporary_name)
            raise
        return temporary_name

    def write(self, name: str, chunks: Iterable[bytes], *, mode: int = DEFAULT_MODE, sync: bool = False) -> None:
        """Write a whole file atomically: other processes see the old or the new content. Arguments as for `stage`.

        Raises:
            OSError: the file cannot be written; the old content is still there.
        """
        temporary_name = self.stage(name, chunks, mode=mode, sync=sync)
        try:
            self.rename(temporary_name, name)
        except BaseException:
            with suppress(OSError):
                self.remove(temporary_name)
            raise
        if sync:
            self._sync_names()

    def walk(self) -> Iterator[tuple[str, str, Folder]]:
        """Walk over everything that is not a folder, at any depth; links to folders are named, and not followed.

        Yields:
            the path below this folder, the name, and the open folder, which is closed before the next one is visited.

        Raises:
            OSError: a folder cannot be listed.
        """
        for above, folders, names, descriptor in os.fwalk(".", onerror=_raise, dir_fd=self._fd):
            folder = Folder(descriptor, self.path / above)
            links = [name for name in folders if folder._is_link(name)]
            for name in sorted([*names, *links]):
                yield os.path.normpath(f"{above}/{name}"), name, folder

    def _child(self, name: str, *, make: bool) -> Folder:
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._fd)
        flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return Folder(self._open_descriptor(name, os.O_RDONLY | flags), self.path / name)
        except PermissionError:
            return Folder(self._open_descriptor(name, SEARCH_ONLY | flags), self.path / name)

    def _sync_names(self) -> None:
        """Wait until the names in the folder are on disk, where that is possible."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            if error.errno not in CANNOT_SYNC:
                raise

    def _open_descriptor(self, name: str, flags: int) -> int:
        try:
            return os.open(name, flags, DEFAULT_MODE, dir_fd=self._fd)
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

    def _check_plain(self, name: str, found: os.stat_result, *, must_be_own: bool) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise FileProblem(f"{self.path / name}: it is not a regular file; remove it")
        if must_be_own and found.st_uid != os.geteuid():
            raise FileProblem(f"{self.path / name}: it belongs to another user; remove it or name another folder")


def _raise(error: OSError) -> None:
    raise error


def write(path: Path, chunks: Iterable[bytes], *, mode: int = DEFAULT_MODE, make: bool = False) -> None:
    """Write a whole file atomically: other processes see the old or the new content.

    Args:
        path: the file's path; links in the path of its folder are followed.
        chunks: its content.
        mode: its permissions, restricted by the umask.
        make: create the folder if it does not exist.

    Raises:
        FileProblem: the path is a device, a pipe or a socket.
        OSError: the file cannot be written.
    """
    with Folder.at(path.parent, make=make) as folder:
        folder.check_replaceable(path.name)
        folder.write(path.name, chunks, mode=mode)


@contextmanager
def open_unnamed(folder: Folder, name: str) -> Iterator[BinaryIO]:
    """An unnamed temporary file, which is gone when it is closed.

    Args:
        folder: the folder to create it in, which selects the disk.
        name: its purpose; part of its name until that is removed.

    Raises:
        OSError: it cannot be created.
    """
    temporary_name, file = folder.create(name, mode=0o600)
    with file:
        folder.remove(temporary_name)
        yield file

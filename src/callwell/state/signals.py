# SPDX-License-Identifier: Apache-2.0
"""Signals between processes that share a file: Unix datagrams, which wake the receiver immediately and need no server.

Each listening process has a socket in a folder next to the file, and a signal is sent to every socket there. The socket
of a killed process refuses the datagram, and is removed. A receiver that is too slow loses signals, which costs only
time: the records are in the file.

The address of a socket has room for 104 bytes on macOS and 108 on Linux. If the folder's path is too long, the folder
is in the temporary directory, under a name derived from the file's device and inode.
"""

from __future__ import annotations

import os
import secrets
import selectors
import socket
import stat
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_ADDRESS_BYTES: Final = 103
"""The longest socket path in bytes that every system accepts, without the trailing NUL (`sun_path` of macOS)."""

NAME_BYTES: Final = 8
"""Random bytes in the name of a socket; process IDs are not unique across containers that share a volume."""

MAX_TOPIC_BYTES: Final = 4096
"""The most bytes of a topic that are received."""


class SignalFolder:
    """The sockets of all processes that listen for signals about one file.

    Args:
        file: its path. It must exist when a signal is sent or received.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def send(self, topic: str) -> None:
        """Send a topic to each listening process; a signal that cannot be delivered immediately is lost."""
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            for address in _addresses(self._folder()):
                try:
                    sender.sendto(topic.encode(), address)
                except ConnectionRefusedError:
                    Path(address).unlink(missing_ok=True)  # its process was killed
                except OSError:
                    continue  # it has gone away, or its buffer is full

    def receive(self, deliver: Callable[[str], None]) -> Callable[[], None]:
        """Call `deliver` with each topic, in a thread, until the returned function is called.

        Raises:
            OSError: the folder cannot be created, or belongs to another user.
        """
        folder = self._folder()
        receiver = Receiver(_bind(folder), deliver)
        _remove_dead(folder)
        return receiver.stop

    def _folder(self) -> Path:
        real = self._file.resolve()
        beside = real.with_name(f"{real.name}-signals")
        if len(os.fsencode(beside)) + 1 + 2 * NAME_BYTES <= MAX_ADDRESS_BYTES:
            return beside
        found = real.stat()
        return Path(tempfile.gettempdir()) / f"callwell-{os.getuid()}-{found.st_dev:x}-{found.st_ino:x}"


class Receiver:
    """A thread that waits for datagrams.

    Args:
        bound: the socket and its address.
        deliver: called with each topic.
    """

    def __init__(self, bound: tuple[socket.socket, str], deliver: Callable[[str], None]) -> None:
        self._socket, self._address = bound
        self._deliver = deliver
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="callwell signals", daemon=True)
        reset_after_fork(self)
        self._thread.start()

    def after_fork(self) -> None:
        """The socket is the parent's: if a forked child kept it open, it would outlive the parent."""
        self._close_sockets()

    def stop(self) -> None:
        """End the thread, and remove the socket. Nothing is delivered once this returns."""
        Path(self._address).unlink(missing_ok=True)
        with suppress(OSError):  # others still listen there
            Path(self._address).parent.rmdir()
        self._wake.send(b".")
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while all(key.fileobj is self._socket for key, _ in selector.select()):
                    self._deliver(self._socket.recv(MAX_TOPIC_BYTES).decode(errors="replace"))
        finally:
            self._close_sockets()

    def _close_sockets(self) -> None:
        for item in (self._socket, self._wake, self._woken):
            item.close()


def _bind(folder: Path) -> tuple[socket.socket, str]:
    """A socket in the folder, which is created for this user only if it does not exist."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = str(folder / secrets.token_hex(NAME_BYTES))
    try:
        while True:
            folder.mkdir(mode=0o700, exist_ok=True)
            _check_private(folder)
            with suppress(FileNotFoundError):  # the last listener has just removed the folder
                receiver.bind(address)
                return receiver, address
    except BaseException:
        receiver.close()
        raise


def _check_private(folder: Path) -> None:
    """Refuse a folder that another user created: in a temporary directory, everyone can."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(None, f"{folder} belongs to another user")
    if stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        folder.chmod(stat.S_IRWXU)


def _addresses(folder: Path) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            yield entry.path


def _remove_dead(folder: Path) -> None:
    for address in _addresses(folder):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe, suppress(OSError):
            try:
                probe.connect(address)
            except ConnectionRefusedError:
                Path(address).unlink(missing_ok=True)

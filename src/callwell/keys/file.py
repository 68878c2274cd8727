# SPDX-License-Identifier: Apache-2.0
"""A key in a file of its own, which only its owner can read and git cannot publish."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.errors import InvalidOption, KeyMissing
from callwell.keys.exposure import describe_mode, find_work_tree, is_mounted_secret
from callwell.keys.key import Key
from callwell.keys.spec import StoringGuide

if TYPE_CHECKING:
    from callwell.keys.spec import SourceSpec

OTHERS_CAN_READ: Final = "others-can-read"
IN_GIT: Final = "in-git"
"""Options that accept files that are refused by default."""

MAX_BYTES: Final = 64 << 10
"""The most bytes that are read: keys have at most a few kilobytes, and a wrong path may lead to a large file."""

TRIES: Final = 3
"""How often a file that changes during the read is read again: writers write it once."""


class FileSource:
    """A key in a file.

    Args:
        path: the file; `~` is the home directory.
        location: the place, for display.
        accepted: the accepted ones of `OTHERS_CAN_READ` and `IN_GIT`.

    Raises:
        InvalidOption: the path is invalid.
    """

    can_change = True
    lease_s = None

    def __init__(self, path: str, *, location: str, accepted: frozenset[str] = frozenset()) -> None:
        try:
            self.file = Path(path).expanduser()
        except RuntimeError as error:
            raise InvalidOption("key", location, "a path; the home directory of that user is not known") from error
        if "\0" in path:
            raise InvalidOption("key", "file:…", "a path")
        self.location = location
        self._accepted = accepted

    @classmethod
    def from_spec(cls, spec: SourceSpec) -> FileSource:
        """The source `file:PATH`, `file[others-can-read]:PATH`, `file[in-git]:PATH`."""
        return cls(spec.place, location=f"file:{spec.place}", accepted=read_accepted(spec))

    def read(self) -> Key:
        """The file's text.

        Raises:
            KeyMissing: it cannot be read, others can read it, or git can publish it.
        """
        try:
            text = self._read_text()
        except OSError as error:
            raise KeyMissing(f"no key: {self.file} cannot be read: {error.strerror}") from error
        key = Key.unquote(text)
        if not key:
            raise KeyMissing(f"no key: {self.file} is empty; write the key into it, and nothing else")
        return key

    def revision(self) -> object:
        """The file's device and inode, size, and times of the last change of its content and its mode."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def how_to_store(self) -> StoringGuide:
        """Instructions to edit an empty file of the same mode, which then replaces this one atomically."""
        if self.file.exists() and is_mounted_secret(self.file):
            return StoringGuide(
                f"The platform mounts {self.file}: put the new key into the secret there (Kubernetes shows it within "
                "minutes; Docker and systemd mount a new secret when the service restarts)."
            )
        old = shlex.quote(str(self.file))
        new = shlex.quote(f"{self.file}.new")
        return StoringGuide(
            "Write the new key, and nothing else, into an empty file of the same mode; then move it over the old one.",
            (f"cp -p {old} {new} && : > {new} && ${{EDITOR:-vi}} {new}", f"mv {new} {old}"),
        )

    def _read_text(self) -> str:
        """The text of one version of the file: a file that changes during the read is read again."""
        for _ in range(TRIES):
            with self.file.open("rb") as file:
                before = os.fstat(file.fileno())
                self._refuse_exposed(before)
                data = file.read(MAX_BYTES)
                if _version(os.fstat(file.fileno())) == _version(before):
                    break
        return data.decode("utf-8-sig", errors="replace")  # a decoding error would contain the text

    def _refuse_exposed(self, found: os.stat_result) -> None:
        """Refuse a file that others can read, or that a `git add` could publish.

        Raises:
            KeyMissing: it is.
        """
        if not stat.S_ISREG(found.st_mode):
            return  # a pipe, such as a shell's <(command)
        mode = None if OTHERS_CAN_READ in self._accepted else describe_mode(found)
        tree = None if IN_GIT in self._accepted else find_work_tree(self.file)
        if (mode is None and tree is None) or is_mounted_secret(self.file):
            return
        if mode is not None:
            raise KeyMissing(
                f"key refused: {self.file} has {mode}, so other users can read it: chmod 600 {self.file} "
                f"(or accept it: {self._with_option(OTHERS_CAN_READ)})"
            )
        raise KeyMissing(
            f"key refused: {self.file} is inside a work tree of git ({tree}): move it out of there, such as to "
            f"~/.config (or accept it: {self._with_option(IN_GIT)})"
        )

    def _with_option(self, option: str) -> str:
        kind, _, place = self.location.partition(":")
        return f"{kind}[{','.join(sorted({*self._accepted, option}))}]:{place}"


def read_accepted(spec: SourceSpec) -> frozenset[str]:
    """The options of a place that accept a file that is refused by default.

    Raises:
        InvalidOption: an unknown option.
    """
    spec.check_options((OTHERS_CAN_READ, IN_GIT))
    return frozenset((OTHERS_CAN_READ, IN_GIT) if spec.accept_exposed else spec.options)


def _version(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns

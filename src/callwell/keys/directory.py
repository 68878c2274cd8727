# SPDX-License-Identifier: Apache-2.0
"""A directory with a file for each secret, as Kubernetes, Docker and systemd mount them: `dir:PATH`.

The file is named like the provider's environment variable, in upper or lower case, with `_` or `-`. Kubernetes replaces
all files together by replacing a link in their path; since one file has the whole key, a reader sees either the old
version or the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.errors import KeyMissing
from callwell.keys.file import FileSource, read_accepted

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.keys.key import Key
    from callwell.keys.spec import SourceSpec, StoringGuide


class DirectorySource:
    """A key in a mounted directory.

    Args:
        spec: `dir:PATH`, with the options of `file`.

    Raises:
        InvalidOption: the path is invalid.
    """

    can_change = True
    lease_s = None

    def __init__(self, spec: SourceSpec) -> None:
        self.location = f"dir:{spec.place}"
        self._variable = spec.variable
        self._accepted = read_accepted(spec)
        self._folder = FileSource(spec.place, location=self.location).file

    @property
    def file(self) -> Path | None:
        """The file with the key; None if there is none."""
        try:
            return self._find()
        except KeyMissing:
            return None

    def read(self) -> Key:
        """The text of the file."""
        file = self._find()
        try:
            return self._read(file)
        except KeyMissing:
            if file.exists():
                raise
        return self._read(self._find())  # the directory was replaced between finding the file and opening it

    def revision(self) -> object:
        """The file's revision."""
        file = self.file
        return None if file is None else FileSource(str(file), location=self.location).revision()

    def how_to_store(self) -> StoringGuide:
        """See `FileSource.how_to_store`."""
        file = self.file or self._folder / self._variable
        return FileSource(str(file), location=f"file:{file}").how_to_store()

    def _read(self, file: Path) -> Key:
        return FileSource(str(file), location=f"file:{file}", accepted=self._accepted).read()

    def _find(self) -> Path:
        if not self._variable:
            raise KeyMissing(f"no key: {self.location} needs the name of a file here: file:{self._folder}/NAME")
        wanted = _fold(self._variable)
        try:
            found = sorted(path for path in self._folder.iterdir() if _fold(path.name) == wanted)
        except OSError as error:
            raise KeyMissing(f"no key: {self._folder} cannot be read: {error.strerror}") from error
        if len(found) == 1:
            return found[0]
        if not found:
            name = self._variable
            raise KeyMissing(
                f"no key: {self._folder} has no file {name}; mount the secret under this name, or name its file: "
                f"file:{self._folder}/NAME"
            )
        names = " and ".join(path.name for path in found)
        raise KeyMissing(f"no key: {self._folder} has {names}; name one of them: file:{found[0]}")


def _fold(name: str) -> str:
    return name.replace("-", "_").lower()

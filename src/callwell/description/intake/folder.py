# SPDX-License-Identifier: Apache-2.0
"""Writes the folder of a provider: the document as published, its files, and a profile."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from callwell.description.documents.reading import DOCUMENT_NAMES
from callwell.errors import DirectoryNotOurs, FileProblem
from callwell.staged_files import StagedFiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from callwell.description.intake.document import Intake
    from callwell.folders import Folder

PROFILE: Final = "profile.toml"


def check_free(folder: Path, intake: Intake) -> None:
    """Check that nothing in a folder would be overwritten.

    Args:
        folder: the folder, which need not exist.
        intake: the document to write there.

    Raises:
        DirectoryNotOurs: the folder has a profile, or another document.
    """
    if (folder / PROFILE).exists():
        raise DirectoryNotOurs(
            f"{folder / PROFILE} exists; name another folder with --to, or use --force, which keeps it as {PROFILE}.old"
        )
    for name in DOCUMENT_NAMES:
        file = folder / name
        if file.exists() and (name != intake.file_name or file.read_bytes() != intake.text):
            raise DirectoryNotOurs(f"{file} is another document; name another folder with --to, or use --force")


def write_folder(folder: Path, intake: Intake, origin: Path, profile: str | None) -> list[str]:
    """Write the folder of a provider.

    Args:
        folder: the folder, which is created if it does not exist.
        intake: the document.
        origin: the folder of the document's other files.
        profile: the text of the profile; None to keep the existing one.

    Returns:
        the names of all files, the profile last.

    Raises:
        FileProblem: a file cannot be read or written.
    """
    written: list[str] = []
    beside = _read_files(origin, intake.files)
    try:
        with StagedFiles(folder) as staged:
            for name, text in beside.items():
                if (folder / name).resolve() != (origin / name).resolve():
                    staged.write(name, text)
                written.append(name)
            staged.write(intake.file_name, intake.text)
            written.append(intake.file_name)
            # An older document under another name would be read instead of the new one.
            replaced = {name for name in DOCUMENT_NAMES if name != intake.file_name and name not in beside}
            if profile is not None:
                staged.write(PROFILE, profile.encode())
                written.append(PROFILE)
                replaced.add(PROFILE)
            for name in sorted(replaced):
                if staged.root.exists(name):
                    staged.root.rename(name, _free_name(staged.root, name))
            staged.commit()
    except OSError as error:
        raise FileProblem(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return written


def _read_files(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Read the other files of a document, by their paths relative to its folder."""
    try:
        return {name: (folder / name).read_bytes() for name in names}
    except OSError as error:
        raise FileProblem(f"{error.filename or folder} cannot be read: {error.strerror}") from error


def _free_name(folder: Folder, name: str) -> str:
    """A free name for the replaced file, which keeps what a user has written."""
    names = itertools.chain([f"{name}.old"], (f"{name}.old.{number}" for number in itertools.count(2)))
    return next(candidate for candidate in names if not folder.exists(candidate))

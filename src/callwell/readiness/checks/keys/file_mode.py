# SPDX-License-Identifier: Apache-2.0
"""Key files that other users of the machine can read or replace."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from callwell.keys.exposure import ROOT, describe_mode, is_mounted_secret
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.key_places import follow, key_files
from callwell.readiness.origins import name_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.readiness.project import Project

WRITERS: Final = stat.S_IWGRP | stat.S_IWOTH


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the mode and the owner of each key file, and its folder."""
    if os.name == "nt":
        raise NotApplicable("Windows does not keep permissions in a file's mode")
    for path in key_files(project):
        place = Place(name_in(path, project.root))
        try:
            file = path.stat()
            folder = follow(path).parent
            mode = folder.stat().st_mode
        except OSError as error:
            fix = "Name the file that has the key, and run the check as the user that runs the program."
            yield Unchecked(what=f"the key file cannot be examined: {error.strerror}", place=place, fix=fix)
            continue
        if is_mounted_secret(path):
            continue
        yield from _check_file(path, file, place)
        yield from _check_folder(folder, mode, place)


def _check_file(path: Path, file: os.stat_result, place: Place) -> Iterator[Finding]:
    mode = describe_mode(file)
    if mode is not None:
        yield Finding(
            what=f"the key file has {mode}, so other users may read it",
            place=place,
            fix=f"chmod 600 {path}",
            identity="mode",
        )
    if os.geteuid() not in (file.st_uid, ROOT) and file.st_uid != ROOT:
        yield Finding(
            what=f"the key file belongs to another user (uid {file.st_uid}), who can replace the key",
            place=place,
            fix="Give the file to the user that runs the program (chown).",
            identity="owner",
            severity=Severity.WARNING,
        )


def _check_folder(folder: Path, mode: int, place: Place) -> Iterator[Finding]:
    # In a folder with the sticky bit, such as /tmp, only the owner of a file can move another one over it.
    if mode & WRITERS and not mode & stat.S_ISVTX:
        shown = f"{stat.S_IMODE(mode):04o}"
        yield Finding(
            what=f"the folder of the key file has mode {shown}, so other users may put another key in its place",
            place=place,
            fix=f"chmod 700 {folder}",
            identity="folder",
        )


CHECK = Check(
    id="keys.file-mode",
    group=Group.KEYS,
    title="Only the owner can read and replace key files",
    severity=Severity.ERROR,
    why="Anyone who has an account on the machine, or a process that was broken into, could copy the key.",
    fix="Set the mode of the file to 600.",
    run=run,
)

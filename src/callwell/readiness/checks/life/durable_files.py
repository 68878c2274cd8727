# SPDX-License-Identifier: Apache-2.0
"""State files that cannot be written, or have no room to grow."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unseen
from callwell.readiness.origins import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

SQLITE: Final = "sqlite:///"
ROOM_BYTES: Final = 64 << 20
"""Free bytes that a state needs: those of a month of 100,000 end users and the write-ahead log beside them."""


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look at each state file in the settings: whether it can be written here, and how much room there is."""
    settings = {str(account.settings["state"].value): account.settings["state"] for account in project.in_use}
    files = {url.removeprefix(SQLITE): setting for url, setting in settings.items() if url.startswith(SQLITE)}
    if not files:
        raise NotApplicable("no state is kept in a file")
    for path, setting in files.items():
        place = place_of(setting, project.root)
        file = Path(path).absolute()
        nearest = next(folder for folder in (file, *file.parents) if os.path.lexists(folder))
        is_right_kind = nearest == file or nearest.is_dir()
        if file.is_dir() or not is_right_kind:
            why = f"{nearest} is a folder" if file.is_dir() else f"{nearest} is no folder"
            yield Finding(what=f"the state file {path} cannot be made: {why}", place=place, identity="kind")
        elif not os.access(nearest, os.W_OK) or not os.access(file.parent if nearest == file else nearest, os.W_OK):
            yield Finding(
                what=f"the state file {path} cannot be written by this user",
                place=place,
                fix=f"Give the user that runs the program the right to write in {file.parent}.",
                identity="write",
            )
        elif shutil.disk_usage(nearest).free < ROOM_BYTES:
            what = f"there is less than {ROOM_BYTES >> 20} MiB of room for the state file {path}"
            yield Finding(what=what, place=place, identity="room", severity=Severity.WARNING)


CHECK = Check(
    id="life.files",
    group=Group.LIFE,
    title="The state file can be written",
    severity=Severity.ERROR,
    why="Quota, keys and calls that are made exactly once are in it: if it cannot be written, no call is sent.",
    fix="Choose a file in a folder that belongs to the user that runs the program.",
    look=look,
)

# SPDX-License-Identifier: Apache-2.0
"""Key files that other users of the machine can read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from callwell.keys import parse_source
from callwell.keys.source import FileSource
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unseen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.readiness.project import Project

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
"""Permission bits of everyone but the owner."""


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look at the mode of each key file in use."""
    if os.name == "nt":
        raise NotApplicable("Windows does not keep permissions in a file's mode")
    files = key_files(project)
    if not files:
        raise NotApplicable("no key is kept in a file")
    for path in sorted(files):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            yield Unseen(what=f"the key file cannot be examined: {error.strerror}", place=Place(str(path)))
            continue
        if mode & OTHERS:
            yield Finding(
                what=f"the key file has mode {mode:04o}, so other users may read it",
                place=Place(str(path)),
                fix=f"chmod 600 {path}",
                identity="mode",
            )


def key_files(project: Project) -> set[Path]:
    """The files in which the keys of a project's accounts are."""
    places = (str(account.settings["key"].value) for account in project.accounts if account.in_use)
    sources = (parse_source(place, "") for place in places)
    return {source.path for source in sources if isinstance(source, FileSource)}


CHECK = Check(
    id="keys.file-mode",
    group=Group.KEYS,
    title="Only the owner can read key files",
    severity=Severity.ERROR,
    why="Anyone who has an account on the machine, or a process that was broken into, could copy the key.",
    fix="Set the mode of the file to 600.",
    look=look,
)

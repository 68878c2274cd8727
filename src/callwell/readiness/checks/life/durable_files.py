# SPDX-License-Identifier: Apache-2.0
"""States that cannot be written: files without rights or room, databases without rights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.errors import CallwellError
from callwell.extras import install_command
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.origins import place_of
from callwell.state.urls import mask_state_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Place
    from callwell.readiness.project import Project

SQLITE: Final = "sqlite:///"
MEMORY: Final = ("memory:", "memory")
ROOM_BYTES: Final = 64 << 20
"""Free bytes that a state needs: those of a month of 100,000 end users and the write-ahead log next to them."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check each state in the settings: whether it can be written here, and how much room a file has."""
    settings = {str(account.settings["state"].value): account.settings["state"] for account in project.in_use}
    lasting = {url: setting for url, setting in settings.items() if setting.value is not None and url not in MEMORY}
    if not lasting:
        raise NotApplicable("no state outlives the program")
    for url, setting in lasting.items():
        place = place_of(setting, project.root)
        if url.startswith(SQLITE):
            yield from _check_file(url.removeprefix(SQLITE), place)
        else:
            yield from _check_database(url, place)


def _check_file(path: str, place: Place | None) -> Iterator[Finding | Unchecked]:
    file = Path(path).expanduser().absolute()
    try:
        nearest = next(folder for folder in (file, *file.parents) if os.path.lexists(folder))
        file.stat() if nearest == file else nearest.stat()
    except OSError as error:
        fix = "Run the check as the user that runs the program."
        yield Unchecked(what=f"the state file {path} cannot be examined: {error.strerror}", place=place, fix=fix)
        return
    is_right_kind = nearest == file or nearest.is_dir()
    if file.is_dir() or not is_right_kind:
        why = f"{nearest} is a folder" if file.is_dir() else f"{nearest} is not a folder"
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


def _check_database(url: str, place: Place | None) -> Iterator[Finding | Unchecked]:
    """Ask the database for the rights of the role; nothing is written."""
    name = mask_state_url(url)
    try:
        from callwell.state.postgres_privileges import find_write_problem  # needs psycopg
    except ImportError:
        what = f"the state {name} cannot be asked, because psycopg is not installed"
        yield Unchecked(what=what, place=place, fix=install_command("postgresql"))
        return
    try:
        problem = find_write_problem(url)
    except CallwellError as error:
        yield Unchecked(what=str(error), place=place, fix="Run the check where the program runs.")
        return
    if problem:
        reason, _, advice = problem.partition("; ")
        yield Finding(what=f"the state {name} cannot be written: {reason}", place=place, fix=advice, identity="rights")


CHECK = Check(
    id="life.files",
    group=Group.LIFE,
    title="The state can be written",
    severity=Severity.ERROR,
    why="It contains quotas, keys and exactly-once calls: if it cannot be written, no call is sent.",
    fix="Choose a file in a folder that belongs to the user that runs the program, or a database in which its role has "
    "the rights.",
    run=run,
)

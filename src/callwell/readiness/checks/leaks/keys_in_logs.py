# SPDX-License-Identifier: Apache-2.0
"""Keys in use in logs and in HTTP cassettes, also in those that git ignores, and in the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unseen
from callwell.readiness.checks.leaks.exact_match import look_in_files
from callwell.readiness.files import ProjectFile
from callwell.readiness.files.logs import is_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

SQLITE: Final = "sqlite:///"
STATE_FILES: Final = ("", "-wal")
"""Ends of the names of a state's files: the database, and what is not yet in it."""


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look into logs and cassettes of the project, and into the state."""
    logs = {file.path: file for file in project.files if is_log(file.name) and not file.shipped_by}
    logs.update((file.path, file) for file in project.files.ignored_logs())
    logs.update((file.path, file) for file in _state_files(project))
    if not logs:
        raise NotApplicable("there are no logs, cassettes or states")
    yield from look_in_files(project, sorted(logs.values(), key=lambda file: file.name))


def _state_files(project: Project) -> Iterator[ProjectFile]:
    """The files of the states that accounts keep, unless only staged changes are looked at."""
    if project.scope.staged:
        return
    addresses = {str(setting.value) for account in project.accounts if (setting := account.settings.get("state"))}
    for address in sorted(addresses):
        if address.startswith(SQLITE):
            path = project.root / address.removeprefix(SQLITE)
            found = (path.with_name(f"{path.name}{end}") for end in STATE_FILES)
            yield from (ProjectFile(path=file, name=str(file)) for file in found if file.is_file())


CHECK = Check(
    id="leaks.keys-in-logs",
    group=Group.LEAKS,
    title="No key in use is in logs, cassettes and states",
    severity=Severity.ERROR,
    why="Logs are collected, kept for years and read by many; cassettes are committed. Both easily record headers.",
    fix="Delete or redact the file, keep the header out of what is recorded, and revoke the key.",
    look=look,
)

# SPDX-License-Identifier: Apache-2.0
"""Keys in use in logs and in HTTP cassettes, also in those that git ignores, and in the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.errors import CallwellError
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unseen
from callwell.readiness.checks.leaks.exact_match import look_in_files, look_in_records
from callwell.readiness.files import ProjectFile
from callwell.readiness.files.logs import is_log
from callwell.state import open_state
from callwell.state.urls import mask_state_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import Project

SQLITE: Final = "sqlite:///"
FILES_AND_MEMORY: Final = (SQLITE, "memory")
STATE_FILES: Final = ("", "-wal")
"""Ends of the names of a state's files: the database, and what is not yet in it."""


def look(project: Project) -> Iterator[Finding | Unseen]:
    """Look into logs and cassettes of the project, and into the state."""
    urls = [] if project.scope.staged else _state_urls(project)
    logs = {file.path: file for file in project.files if is_log(file.name) and not file.shipped_by}
    logs.update((file.path, file) for file in project.files.ignored_logs())
    logs.update((file.path, file) for url in urls for file in _state_files(project, url))
    databases = [url for url in urls if not url.startswith(FILES_AND_MEMORY)]
    if not logs and not databases and not project.files.problems():
        raise NotApplicable("there are no logs, cassettes or states")
    yield from look_in_files(project, sorted(logs.values(), key=lambda file: file.name))
    for url in databases:
        yield from _look_in_database(project, url)


def _state_urls(project: Project) -> list[str]:
    """The states of all accounts."""
    settings = (account.settings.get("state") for account in project.accounts)
    return sorted({str(setting.value) for setting in settings if setting is not None and setting.value is not None})


def _state_files(project: Project, url: str) -> Iterator[ProjectFile]:
    """The files of a state; none of one that is not a file."""
    if url.startswith(SQLITE):
        path = project.root / url.removeprefix(SQLITE)
        found = (path.with_name(f"{path.name}{end}") for end in STATE_FILES)
        yield from (ProjectFile(path=file, name=str(file)) for file in found if file.is_file())


def _look_in_database(project: Project, url: str) -> Iterator[Finding | Unseen]:
    """Look into the records of a state in a database."""
    name = mask_state_url(url)
    try:
        state: Any = open_state(url, existing=True)  # of a kind that can list its contents
    except CallwellError as error:
        yield Unseen(what=str(error), place=Place(name), fix="Run the check where the program runs.")
        return
    try:
        yield from look_in_records(project, name, state.contents())
    finally:
        state.close()


CHECK = Check(
    id="leaks.keys-in-logs",
    group=Group.LEAKS,
    title="No key in use is in logs, cassettes and states",
    severity=Severity.ERROR,
    why="Logs are collected, kept for years and read by many; cassettes are committed. Both easily record headers.",
    fix="Delete or redact the file, keep the header out of what is recorded, and revoke the key.",
    look=look,
)

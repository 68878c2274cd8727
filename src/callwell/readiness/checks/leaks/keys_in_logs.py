# SPDX-License-Identifier: Apache-2.0
"""Keys in use in logs and HTTP cassettes, including those that git ignores, and in the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.errors import CallwellError
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.checks.leaks.exact_match import search_files, search_records
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
"""Suffixes of a SQLite state's files: the database, and its write-ahead log."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Search the project's logs and cassettes, and the state."""
    urls = [] if project.scope.staged else _state_urls(project)
    logs = {file.path: file for file in project.files if is_log(file.name) and not file.shipped_by}
    logs.update((file.path, file) for file in project.files.ignored_logs())
    logs.update((file.path, file) for url in urls for file in _state_files(project, url))
    databases = [url for url in urls if not url.startswith(FILES_AND_MEMORY)]
    if not logs and not databases and not project.files.problems():
        raise NotApplicable("there are no logs, cassettes or states")
    yield from search_files(project, sorted(logs.values(), key=lambda file: file.name))
    for url in databases:
        yield from _search_database(project, url)


def _state_urls(project: Project) -> list[str]:
    """The URLs of all accounts' states."""
    settings = (account.settings.get("state") for account in project.accounts)
    return sorted({str(setting.value) for setting in settings if setting is not None and setting.value is not None})


def _state_files(project: Project, url: str) -> Iterator[ProjectFile]:
    """The files of a state; none if it is not in a file."""
    if url.startswith(SQLITE):
        path = project.root / url.removeprefix(SQLITE)
        found = (path.with_name(f"{path.name}{end}") for end in STATE_FILES)
        yield from (ProjectFile(path=file, name=str(file)) for file in found if file.is_file())


def _search_database(project: Project, url: str) -> Iterator[Finding | Unchecked]:
    """Search the records of a state in a database."""
    name = mask_state_url(url)
    try:
        state: Any = open_state(url, existing=True)  # of a kind that can list its contents
    except CallwellError as error:
        yield Unchecked(what=str(error), place=Place(name), fix="Run the check where the program runs.")
        return
    try:
        yield from search_records(project, name, state.contents())
    finally:
        state.close()


CHECK = Check(
    id="leaks.keys-in-logs",
    group=Group.LEAKS,
    title="No key in use is in logs, cassettes or states",
    severity=Severity.ERROR,
    why="Logs are collected, kept for years and read by many; cassettes are committed. Both easily record headers.",
    fix="Delete or redact the file, keep the header out of what is recorded, and revoke the key.",
    run=run,
)

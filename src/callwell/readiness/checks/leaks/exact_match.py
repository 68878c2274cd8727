# SPDX-License-Identifier: Apache-2.0
"""Searches files for the keys in use, and says what to do about a key that was found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from callwell.readiness.contents import UnreadablePart, read_parts
from callwell.readiness.findings import CannotCheck, Finding, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.known_keys.search import search

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.files import ProjectFile
    from callwell.readiness.known_keys.known_key import KnownKey
    from callwell.readiness.known_keys.search import Match
    from callwell.readiness.project import Project

MAX_PLACES: Final = 20
"""How many places of one key are reported per file; a log may have a million."""


def search_files(project: Project, files: Iterable[ProjectFile]) -> Iterator[Finding | Unchecked]:
    """Search files for the keys in use.

    Args:
        project: the project.
        files: the files.

    Raises:
        NotApplicable: no key is in use.
        CannotCheck: none of the keys in use is known here.
    """
    yield from report_unsearchable_keys(project)
    yield from project.files.problems()
    for file in files:
        yield from _search_name(project, file)
        try:
            if file.path.is_symlink():
                yield from _check_link(file)
            else:
                yield from _search_file(project, file)
        except OSError as error:
            what = f"the file cannot be read: {error.strerror or error}"
            yield Unchecked(what=what, place=Place(file.name), fix="Make it readable for the user that runs the check.")


def report_unsearchable_keys(project: Project) -> Iterator[Unchecked]:
    """Report the keys in use that cannot be searched for.

    Args:
        project: the project.

    Raises:
        NotApplicable: no key is in use.
        CannotCheck: none of the keys in use is known here.
    """
    keys = project.keys_in_use
    if keys.keys:
        yield from keys.not_searched
        return
    yield from keys.not_searched[:-1]
    if keys.not_searched:
        raise CannotCheck(keys.not_searched[-1].what, keys.not_searched[-1].fix)
    raise NotApplicable("no key is in use")


def _search_name(project: Project, file: ProjectFile) -> Iterator[Finding]:
    """Search the name of a file. The report redacts the name."""
    for match in search(project.keys_in_use, [file.name.encode("utf-8", "surrogateescape")]):
        yield _found(project, match, "in the name of the file", Place(file.name))


def _check_link(file: ProjectFile) -> Iterator[Finding]:
    """Report a dangling link. Links have no content to search: git and builds store only their target."""
    if not file.path.exists():
        what = "the file is a dangling link, so there is nothing to check"
        yield Finding(what=what, place=Place(file.name), fix="Remove it.", severity=Severity.NOTE)


def _search_file(project: Project, file: ProjectFile) -> Iterator[Finding | Unchecked]:
    """Search one file; archives and source maps are unpacked."""
    counts: Counter[KnownKey] = Counter()
    for part in read_parts(file.path):
        if isinstance(part, UnreadablePart):
            what = f"{part.inside}: {part.reason}" if part.inside else part.reason
            yield Unchecked(what=what, place=Place(file.name), fix=part.fix)
            continue
        where = f"in {part.inside}, which is inside the file" if part.inside else "in the file"
        if file.shipped_by:
            where = f"{where}, shipped by {file.shipped_by}"
        for match in search(project.keys_in_use, part.chunks):
            counts[match.key] += 1
            if counts[match.key] <= MAX_PLACES:
                yield _found(project, match, where, Place(file.name, match.line))
    yield from _report_omitted(project, counts, Place(file.name))


def search_records(project: Project, name: str, records: Iterable[tuple[str, bytes]]) -> Iterator[Finding]:
    """Search the records of a state for the keys in use.

    Args:
        project: the project.
        name: the name of the state in a report.
        records: pairs of record name and record; both are searched.
    """
    counts: Counter[KnownKey] = Counter()
    for record_name, record in records:
        for match in search(project.keys_in_use, [record_name.encode(), b"\n", record]):
            counts[match.key] += 1
            if counts[match.key] <= MAX_PLACES:
                yield _found(project, match, "in a record of the state", Place(name))
    yield from _report_omitted(project, counts, Place(name))


def _found(project: Project, match: Match, where: str, place: Place) -> Finding:
    return Finding(
        what=f"{match.key} is {where}, {match.encoding}",
        place=place,
        fix=revocation_steps(project, match.key),
        identity=match.key.fingerprint,
    )


def _report_omitted(project: Project, counts: Counter[KnownKey], place: Place) -> Iterator[Finding]:
    for key, count in counts.items():
        if count > MAX_PLACES:
            what = f"{key} is in it {count - MAX_PLACES} more times"
            yield Finding(what=what, place=place, fix=revocation_steps(project, key), identity=key.fingerprint)


def revocation_steps(project: Project, key: KnownKey) -> str:
    """What to do about a key that others may have read: the provider's steps, then Callwell's.

    Args:
        project: the project.
        key: the key.
    """
    if key.setting != "key":
        return f"Put a new {key.setting} in place of this one: the names of end users change with it."
    rules = (account.provider.profile.key for account in project.accounts if account.provider.name == key.provider)
    rule = next(rules, None)
    place = f" at {rule.page}" if rule and rule.page else ""
    steps = f": {rule.revoke}" if rule and rule.revoke else "."
    return (
        f"Make a new key, use it, and revoke this one{place}{steps} "
        f"Then run `callwell keys revoked {key.fingerprint}`, so that no process uses it again."
    )

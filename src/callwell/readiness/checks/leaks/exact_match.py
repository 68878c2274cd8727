# SPDX-License-Identifier: Apache-2.0
"""Looks for the keys in use in files, and says what to do about a key that was found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from callwell.readiness.contents import UnreadablePart, read_parts
from callwell.readiness.findings import CouldNotLook, Finding, NotApplicable, Place, Severity, Unseen
from callwell.readiness.known_keys.search import search

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.files import ProjectFile
    from callwell.readiness.known_keys.known_key import KnownKey
    from callwell.readiness.known_keys.search import Match
    from callwell.readiness.project import Project

MAX_PLACES: Final = 20
"""Places of one key that are reported of one file; a log may have a million."""


def look_in_files(project: Project, files: Iterable[ProjectFile]) -> Iterator[Finding | Unseen]:
    """Look for the keys in use in files.

    Args:
        project: the project.
        files: the files.

    Raises:
        NotApplicable: no key is in use.
        CouldNotLook: none of the keys in use is at hand.
    """
    yield from say_what_is_missing(project)
    yield from project.files.problems()
    for file in files:
        yield from _look_at_name(project, file)
        try:
            if file.path.is_symlink():
                yield from _look_at_link(file)
            else:
                yield from _look_in_file(project, file)
        except OSError as error:
            what = f"the file cannot be read: {error.strerror or error}"
            yield Unseen(what=what, place=Place(file.name), fix="Make it readable for the user that runs the check.")


def say_what_is_missing(project: Project) -> Iterator[Unseen]:
    """The keys in use that cannot be searched for.

    Args:
        project: the project.

    Raises:
        NotApplicable: no key is in use.
        CouldNotLook: none of the keys in use is at hand.
    """
    keys = project.keys_in_use
    if keys.keys:
        yield from keys.not_searched
        return
    yield from keys.not_searched[:-1]
    if keys.not_searched:
        raise CouldNotLook(keys.not_searched[-1].what, keys.not_searched[-1].fix)
    raise NotApplicable("no key is in use")


def _look_at_name(project: Project, file: ProjectFile) -> Iterator[Finding]:
    """Look for keys in the name of a file. The report does not name it: the place is concealed."""
    for match in search(project.keys_in_use, [file.name.encode("utf-8", "surrogateescape")]):
        yield _found(project, match, "in the name of the file", Place(file.name))


def _look_at_link(file: ProjectFile) -> Iterator[Finding]:
    """A link has no content: git and builds store only where it leads. One that leads nowhere is said."""
    if not file.path.exists():
        what = "the file is a link that leads nowhere, so there is nothing to look at"
        yield Finding(what=what, place=Place(file.name), fix="Remove it.", severity=Severity.NOTE)


def _look_in_file(project: Project, file: ProjectFile) -> Iterator[Finding | Unseen]:
    """Look into one file, and into what is in it."""
    counts: Counter[KnownKey] = Counter()
    for part in read_parts(file.path):
        if isinstance(part, UnreadablePart):
            what = f"{part.inside}: {part.reason}" if part.inside else part.reason
            yield Unseen(what=what, place=Place(file.name), fix=part.fix)
            continue
        where = f"in {part.inside}, which is inside the file" if part.inside else "in the file"
        if file.shipped_by:
            where = f"{where}, shipped by {file.shipped_by}"
        for match in search(project.keys_in_use, part.chunks):
            counts[match.key] += 1
            if counts[match.key] <= MAX_PLACES:
                yield _found(project, match, where, Place(file.name, match.line))
    yield from _say_how_many_more(project, counts, Place(file.name))


def look_in_records(project: Project, name: str, records: Iterable[tuple[str, bytes]]) -> Iterator[Finding]:
    """Look for the keys in use in the records of a state.

    Args:
        project: the project.
        name: the state, as a report names it.
        records: the records with their keys, which are looked at as well.
    """
    counts: Counter[KnownKey] = Counter()
    for key, record in records:
        for match in search(project.keys_in_use, [key.encode(), b"\n", record]):
            counts[match.key] += 1
            if counts[match.key] <= MAX_PLACES:
                yield _found(project, match, "in a record of the state", Place(name))
    yield from _say_how_many_more(project, counts, Place(name))


def _found(project: Project, match: Match, where: str, place: Place) -> Finding:
    return Finding(
        what=f"{match.key} is {where}, {match.encoding}",
        place=place,
        fix=say_how_to_revoke(project, match.key),
        identity=match.key.fingerprint,
    )


def _say_how_many_more(project: Project, counts: Counter[KnownKey], place: Place) -> Iterator[Finding]:
    for key, count in counts.items():
        if count > MAX_PLACES:
            what = f"{key} is there {count - MAX_PLACES} more times"
            yield Finding(what=what, place=place, fix=say_how_to_revoke(project, key), identity=key.fingerprint)


def say_how_to_revoke(project: Project, key: KnownKey) -> str:
    """What to do about a key that others may have read: the provider's own steps, and Callwell's.

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

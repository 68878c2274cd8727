# SPDX-License-Identifier: Apache-2.0
"""Searches everything in a repository for the keys in use."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.contents import UnreadablePart, read_stream
from callwell.readiness.findings import Place, Unchecked
from callwell.readiness.history.messages import COMMIT_MESSAGE, REFERENCE
from callwell.readiness.history.objects import list_objects, read_objects
from callwell.readiness.known_keys.search import search

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.history.objects import GitObject
    from callwell.readiness.history.origin import Origin
    from callwell.readiness.history.repository import Repository
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.known_keys.known_key import KeyMatcher, KnownKey
    from callwell.readiness.known_keys.search import Match

LARGE_FILE: Final = b"version https://git-lfs.github.com/spec/"
"""The first bytes of a pointer to a file in Git LFS (its specification, version 1)."""

DAMAGED: Final = "Run `git fsck`, then clone again."
CLOSED: Final = "Check out that commit, unpack the archive and check its folder."


class CommittedKey(NamedTuple):
    """A key in a history.

    Attributes:
        key: the key.
        place: where it was first.
        encoding: its encoding, as the end of a sentence.
        versions: how many versions of the file at this path contain it in this encoding.
    """

    key: KnownKey
    place: Place
    encoding: str
    versions: int


def find_committed_keys(
    matcher: KeyMatcher, histories: Histories, repository: Repository
) -> Iterator[CommittedKey | Unchecked]:
    """Search one history for keys.

    Args:
        matcher: finds the keys.
        histories: the histories of the project.
        repository: the repository to search.
    """
    found = _Found([], [])
    large_files = 0
    with list_objects(repository, histories.since) as listed:
        for name in listed.missing:
            yield Unchecked(f"the object {name} cannot be read", fix=DAMAGED)
        for one in read_objects(repository, listed):
            if isinstance(one, str):
                yield Unchecked(one, fix=DAMAGED)
                continue
            first = next(one.chunks, b"")
            large_files += first.startswith(LARGE_FILE)
            found.search(matcher, one, itertools.chain((first,), one.chunks))
    if large_files:
        what = f"{large_files} versions of files are in Git LFS, and were not searched"
        yield Unchecked(what, fix="git lfs fetch --all, then search .git/lfs/objects.")
    yield from _report_unreadable(histories, repository, found.unreadable)
    yield from _merge(_locate(histories, repository, found.hits))
    yield from _in_names(matcher, repository)


class _Found(NamedTuple):
    """What was found in the objects of one history.

    Attributes:
        hits: the keys.
        unreadable: the parts of archives that cannot be read.
    """

    hits: list[tuple[GitObject, Match]]
    unreadable: list[tuple[GitObject, UnreadablePart]]

    def search(self, matcher: KeyMatcher, one: GitObject, chunks: Iterator[bytes]) -> None:
        """Search an object, and the members of it if it is an archive.

        Args:
            matcher: finds the keys.
            one: the object.
            chunks: its content.
        """
        for part in read_stream(chunks):
            if isinstance(part, UnreadablePart):
                self.unreadable.append((one, part))
                continue
            for match in search(matcher, part.chunks):
                how = f"{match.encoding}, in {part.inside} inside the file" if part.inside else match.encoding
                self.hits.append((one, match._replace(encoding=how)))


def _report_unreadable(
    histories: Histories, repository: Repository, unreadable: list[tuple[GitObject, UnreadablePart]]
) -> Iterator[Unchecked]:
    """Report each unreadable part once per path, where it was first."""
    origins = repository.origins.find({one.id for one, _ in unreadable})
    said = set()
    for one, part in sorted(unreadable, key=lambda found: _age(origins.get(found[0].id))):
        place = histories.place(repository, origins.get(one.id), one.id, 1)._replace(line=None)
        what = f"{part.inside}: {part.reason}" if part.inside else part.reason
        if (place.path, what) not in said:
            said.add((place.path, what))
            yield Unchecked(what=what, place=place, fix=CLOSED)


def _locate(
    histories: Histories, repository: Repository, hits: list[tuple[GitObject, Match]]
) -> Iterator[tuple[Place, Match]]:
    """Locate hits in the history, the oldest first."""
    origins = repository.origins.find({one.id for one, _ in hits if one.kind == "blob"})
    for one, match in sorted(hits, key=lambda hit: _age(origins.get(hit[0].id))):
        if one.kind == "commit":
            yield Place(COMMIT_MESSAGE, commit=one.id), match
        elif one.kind == "tag":
            yield Place(REFERENCE), match
        else:
            yield histories.place(repository, origins.get(one.id), one.id, match.line), match


def _age(origin: Origin | None) -> int:
    """The position of a change in the history; what no commit has goes last."""
    return sys.maxsize if origin is None else origin.number


def _merge(located: Iterator[tuple[Place, Match]]) -> Iterator[CommittedKey]:
    """One result per key, path and encoding: a file with a key usually has it in many versions."""
    groups: dict[tuple[KnownKey, str, str], list[Place]] = {}
    for place, match in located:
        groups.setdefault((match.key, place.path, match.encoding), []).append(place)
    for (key, _, encoding), places in groups.items():
        yield CommittedKey(key, places[0], encoding, len(places))


def _in_names(matcher: KeyMatcher, repository: Repository) -> Iterator[CommittedKey]:
    """Find keys in names of branches and tags."""
    names = repository.ask("for-each-ref", "--format=%(refname)").encode("utf-8", "surrogateescape")
    for match in search(matcher, [names]):
        yield CommittedKey(match.key, Place(REFERENCE), match.encoding, 1)

# SPDX-License-Identifier: Apache-2.0
"""Looks for the keys in use in everything that a repository has."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.contents import UnreadablePart, read_stream
from callwell.readiness.findings import Place, Unseen
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
"""How the pointer to a file in Git LFS begins (its specification, version 1)."""

DAMAGED: Final = "Run `git fsck`, then clone again."
CLOSED: Final = "Check out that commit, unpack the archive and check its folder."


class CommittedKey(NamedTuple):
    """A key in a history.

    Attributes:
        key: the key.
        place: where it was first.
        encoding: how it is written, as the end of a sentence.
        versions: contents of files in which it is so written, at this path.
    """

    key: KnownKey
    place: Place
    encoding: str
    versions: int


def find_committed_keys(
    matcher: KeyMatcher, histories: Histories, repository: Repository
) -> Iterator[CommittedKey | Unseen]:
    """Look for keys in one history.

    Args:
        matcher: searches for the keys.
        histories: the histories of the project.
        repository: the one to look at.
    """
    found = _Found([], [])
    large_files = 0
    with list_objects(repository, histories.since) as listed:
        for name in listed.lacking:
            yield Unseen(f"the object {name} cannot be read", fix=DAMAGED)
        for one in read_objects(repository, listed):
            if isinstance(one, str):
                yield Unseen(one, fix=DAMAGED)
                continue
            first = next(one.chunks, b"")
            large_files += first.startswith(LARGE_FILE)
            found.look(matcher, one, itertools.chain((first,), one.chunks))
    if large_files:
        what = f"{large_files} versions of files are in Git LFS, and not looked at"
        yield Unseen(what, fix="git lfs fetch --all, then search .git/lfs/objects.")
    yield from _say_what_cannot_be_read(histories, repository, found.unreadable)
    yield from _merge(_locate(histories, repository, found.hits))
    yield from _in_names(matcher, repository)


class _Found(NamedTuple):
    """What was found in the objects of one history.

    Attributes:
        hits: the keys.
        unreadable: the parts of archives that cannot be looked into.
    """

    hits: list[tuple[GitObject, Match]]
    unreadable: list[tuple[GitObject, UnreadablePart]]

    def look(self, matcher: KeyMatcher, one: GitObject, chunks: Iterator[bytes]) -> None:
        """Look into an object, and into what is in it if it is an archive.

        Args:
            matcher: searches for the keys.
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


def _say_what_cannot_be_read(
    histories: Histories, repository: Repository, unreadable: list[tuple[GitObject, UnreadablePart]]
) -> Iterator[Unseen]:
    """Each part of an archive once for each path, where it was first."""
    origins = repository.origins.find({one.id for one, _ in unreadable})
    said = set()
    for one, part in sorted(unreadable, key=lambda found: _age(origins.get(found[0].id))):
        place = histories.place(repository, origins.get(one.id), one.id, 1)._replace(line=None)
        what = f"{part.inside}: {part.reason}" if part.inside else part.reason
        if (place.path, what) not in said:
            said.add((place.path, what))
            yield Unseen(what=what, place=place, fix=CLOSED)


def _locate(
    histories: Histories, repository: Repository, hits: list[tuple[GitObject, Match]]
) -> Iterator[tuple[Place, Match]]:
    """Where hits are, the oldest first."""
    origins = repository.origins.find({one.id for one, _ in hits if one.kind == "blob"})
    for one, match in sorted(hits, key=lambda hit: _age(origins.get(hit[0].id))):
        if one.kind == "commit":
            yield Place(COMMIT_MESSAGE, commit=one.id), match
        elif one.kind == "tag":
            yield Place(REFERENCE), match
        else:
            yield histories.place(repository, origins.get(one.id), one.id, match.line), match


def _age(origin: Origin | None) -> int:
    """The place of a change in the history; the end for what no commit has."""
    return sys.maxsize if origin is None else origin.number


def _merge(located: Iterator[tuple[Place, Match]]) -> Iterator[CommittedKey]:
    """One finding for each key, path and way of writing: a file that keeps a key has it in each of its versions."""
    groups: dict[tuple[KnownKey, str, str], list[Place]] = {}
    for place, match in located:
        groups.setdefault((match.key, place.path, match.encoding), []).append(place)
    for (key, _, encoding), places in groups.items():
        yield CommittedKey(key, places[0], encoding, len(places))


def _in_names(matcher: KeyMatcher, repository: Repository) -> Iterator[CommittedKey]:
    """Keys in names of branches and tags."""
    names = repository.ask("for-each-ref", "--format=%(refname)").encode("utf-8", "surrogateescape")
    for match in search(matcher, [names]):
        yield CommittedKey(match.key, Place(REFERENCE), match.encoding, 1)

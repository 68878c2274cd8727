# SPDX-License-Identifier: Apache-2.0
"""Looks for the keys in use in everything that a repository has."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.findings import Place, Unseen
from callwell.readiness.history.messages import COMMIT_MESSAGE, REFERENCE
from callwell.readiness.history.objects import list_objects, read_objects
from callwell.readiness.known_keys.search import search

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.history.objects import GitObject
    from callwell.readiness.history.repository import Repository
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.known_keys.known_key import KeyMatcher, KnownKey
    from callwell.readiness.known_keys.search import Match

LARGE_FILE: Final = b"version https://git-lfs.github.com/spec/"
"""How the pointer to a file in Git LFS begins (its specification, version 1)."""

DAMAGED: Final = "Run `git fsck`, then clone again."


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
    hits: list[tuple[GitObject, Match]] = []
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
            chunks = itertools.chain((first,), one.chunks)
            hits += ((one, match) for match in search(matcher, chunks))
    if large_files:
        what = f"{large_files} versions of files are in Git LFS, and not looked at"
        yield Unseen(what, fix="git lfs fetch --all, then search .git/lfs/objects.")
    yield from _merge(_locate(matcher, histories, repository, hits))
    yield from _in_names(matcher, repository)


def _locate(
    matcher: KeyMatcher, histories: Histories, repository: Repository, hits: list[tuple[GitObject, Match]]
) -> Iterator[tuple[Place, Match]]:
    """Where hits are. A path with the key in it is not named."""
    origins = repository.origins.find({one.id for one, _ in hits if one.kind == "blob"})
    for one, match in hits:
        if one.kind == "commit":
            yield Place(COMMIT_MESSAGE, commit=one.id), match
        elif one.kind == "tag":
            yield Place(REFERENCE), match
        else:
            place = histories.place(repository, origins.get(one.id), one.id, match.line)
            leaking = any(True for _ in matcher.find(place.path.encode("utf-8", "surrogateescape")))
            yield (place._replace(path="a path with the key in it") if leaking else place), match


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

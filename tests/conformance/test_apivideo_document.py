# SPDX-License-Identifier: Apache-2.0
"""Our description of api.video says what the provider's own document says, no more and no less.

Both documents are turned into sentences by the same code: operations, parameters, types, choices, what is required and
what success and failure look like. The two lists differ by what is written down here, and by nothing else.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from callwell import providers
from tests.facts.document import FILE, METHODS, Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LANGUAGES: Final = 33

ADDED: Final = {
    # Words of pages and findings of tests, which SOURCE.md names.
    r"query currentPage minimum 1": 13,
    r"query pageSize (minimum 1|maximum 100)": 26,
    r"form file (minLength 1|maxLength (209715200|8388608|102400))": 13,
    r"2\d\d (data\[\]\.)?assets may be null": 12,
    r"2\d\d (data\[\]\.)?assets\.(logo|link) may be null": 10,
    r"GET /videos/{videoId}/status 200 ingest may be null": 1,
}
"""What ours says besides: regular expressions of the ends of sentences, and how many there are of each."""

LEFT_OUT: Final = {
    # One of the two patterns is not even one of this header's two forms; see SOURCE.md.
    r"header Content-Range pattern .*": 2,
    # Three operations that say nothing about keys, although their responses are private.
    r"(GET /tags|GET /summaries|PATCH /summaries/{summaryId}/source) needs no key": 3,
}

REFERENCE: Final = re.compile(r'"#/components/(\w+)/(\w+)"')
"""A reference to a component: its kind and its name."""


class Theirs(NamedTuple):
    """What the provider's own document says."""

    operations: set[str]
    sentences: set[str]
    headers: dict[str, list[list[str]]]


@pytest.fixture(scope="module")
def theirs() -> Theirs:
    """What the provider's own document says."""
    facts = json.loads(FILE.read_text(encoding="utf-8"))
    return Theirs(set(facts["operations"]), set(facts["sentences"]), facts["headers"])


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """Our description."""
    document: dict[str, Any] = json.loads((providers.FOLDER / "apivideo" / "openapi.json").read_text(encoding="utf-8"))
    return document


def without(sentences: set[str], ends: dict[str, int]) -> set[str]:
    """Those that do not end in one of these ways, and those ways in which not as many end as should."""
    ending = {end: {sentence for sentence in sentences if re.search(f"(?:^| ){end}$", sentence)} for end in ends}
    wrong = {f"{len(found)} end in {end}" for end, found in ending.items() if len(found) != ends[end]}
    return sentences.difference(*ending.values()) | wrong


def test_operations(theirs: Theirs, ours: dict[str, Any]) -> None:
    """All 59 methods and paths, and no other, each under a name of its own."""
    assert Document(ours).operations() == theirs.operations
    names = [item[method]["operationId"] for item in ours["paths"].values() for method in METHODS if method in item]
    assert len(set(names)) == len(names) == 59


def test_every_sentence(theirs: Theirs, ours: dict[str, Any]) -> None:
    """Parameters, types, choices, statuses and what is required are theirs, but for what is listed above."""
    assert deviations(theirs, ours) == set()
    assert len(Document(ours).sentences() & theirs.sentences) > 1500


def deviations(theirs: Theirs, ours: dict[str, Any]) -> set[str]:
    """What differs and may not."""
    mine = Document(ours)
    return differences(theirs, mine.operations(), mine.sentences())


def differences(theirs: Theirs, operations: set[str], said: set[str]) -> set[str]:
    """What differs between them and some operations and sentences, and may not."""
    differing = operations ^ theirs.operations
    return differing | without(said - theirs.sentences, ADDED) | without(theirs.sentences - said, LEFT_OUT)


class Draft:
    """Our description while it is changed: only those operations are read anew that a change may concern.

    Args:
        theirs: what the provider's own document says.
        ours: our description.
    """

    def __init__(self, theirs: Theirs, ours: dict[str, Any]) -> None:
        self._theirs = theirs
        self._ours = ours
        self._said = {place: self._read(place) for place in self._places()}
        self._parts = {place: self._find_parts(ours["paths"][place[0]]) for place in self._said}

    def deviations(self, changed: tuple[str, ...]) -> set[str]:
        """What differs and may not, after a change somewhere. The next change is another one, made to what was there.

        Args:
            changed: the place of the change: the keys that lead there.
        """
        said = {
            place: self._read(place) if self._is_concerned(place, changed) else self._said[place]
            for place in self._places()
        }
        return differences(self._theirs, Document(self._ours).operations(), set().union(*said.values()))

    def _places(self) -> list[tuple[str, str]]:
        return [(path, method) for path, item in self._ours["paths"].items() for method in METHODS if method in item]

    def _read(self, place: tuple[str, str]) -> set[str]:
        path, method = place
        alone = {path: {method: self._ours["paths"][path][method]}}
        return Document({**self._ours, "paths": alone}).sentences()

    def _is_concerned(self, place: tuple[str, str], changed: tuple[str, ...]) -> bool:
        if changed[0] == "paths":
            return changed[1:2] == place[:1]
        return changed[1:3] in self._parts[place]

    def _find_parts(self, node: Any) -> set[tuple[str, ...]]:
        """The components that a part of the document refers to, directly or through others."""
        found: set[tuple[str, ...]] = set()
        waiting = [node]
        while waiting:
            for kind, name in set(REFERENCE.findall(json.dumps(waiting.pop()))) - found:
                found.add((kind, name))
                waiting.append(self._ours["components"][kind][name])
        return found


def nodes(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """All objects of a document with their places."""
    members: Iterable[tuple[object, Any]] = ()
    if isinstance(node, dict):
        yield path, node
        members = node.items()
    elif isinstance(node, list):
        members = enumerate(node)
    for key, inner in members:
        yield from nodes(inner, (*path, str(key)))


def spoilt(node: dict[str, Any], key: str) -> Any:
    """Something else than a key holds; a list has one less."""
    value = node[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return value[1:] or ["x"]
    return value + 1 if isinstance(value, int) else "x"


@pytest.mark.parametrize(
    "key",
    [
        *("required", "enum", "type", "format", "nullable", "default", "minimum", "maximum", "minLength", "maxLength"),
        *("in", "style", "security", "pattern", "name"),
    ],
)
def test_every_deviation_is_found(theirs: Theirs, ours: dict[str, Any], key: str) -> None:
    """Whichever word of ours is another one: its first, its last and some between, in operations and in schemas."""
    draft = Draft(theirs, ours)
    words = [
        (path, node)
        for path, node in nodes({name: ours[name] for name in ("paths", "components")})
        if key in node and "Problem" not in path
    ]
    words = [(path, node) for path, node in words if not isinstance(node[key], dict) and (key != "type" or path[3:])]
    assert words or key == "pattern"
    for path, node in words[:: max(1, len(words) // 12)] + words[-1:]:
        before = node[key]
        node[key] = spoilt(node, key)
        try:
            assert draft.deviations(path), (path, key)
        finally:
            node[key] = before
    assert deviations(theirs, ours) == set()


def test_what_is_missing_or_too_much_is_found(theirs: Theirs, ours: dict[str, Any]) -> None:
    """A path, a method, a parameter, a field, a status: one less, or one more."""
    draft = Draft(theirs, ours)
    changed = 0
    for path, node in list(nodes({name: ours[name] for name in ("paths", "components")})):
        above = (*path[-2:], "")[:2]
        here = path[-1] if path else ""
        lists = here in {"paths", "properties", "responses"} or (len(path) == 2 and path[0] == "paths")
        if not lists or "Problem" in path or above[0] == "components":
            continue
        for key in list(node)[:: max(1, len(node) - 1)]:
            taken = node.pop(key)
            assert draft.deviations(path), (path, key)
            node[key] = taken
            changed += 1
        if here in {"properties", "responses"}:
            node["418"] = {"description": "x", "type": "string"}
            assert draft.deviations(path), path
            del node["418"]
    assert changed > 100
    assert deviations(theirs, ours) == set()


def test_quota_headers_are_on_all_but_the_keyless_two(theirs: Theirs) -> None:
    """The headers that the profile names are on every response of every operation that counts against a quota."""
    profile = providers.load("apivideo").profile
    rule = providers.load("apivideo").profile.quota_headers
    assert rule
    for operation in providers.load("apivideo").api.operations.values():
        message = profile.operations.get(operation.name)
        for headers in theirs.headers[f"{operation.method} {operation.path}"]:
            free = message is not None and message.quotas == ()
            assert set(headers) == (set() if free else {rule.limit, rule.remaining, rule.reset}), operation.name


def test_languages(ours: dict[str, Any]) -> None:
    """All 33 languages are strings, Norwegian among them."""
    languages = ours["components"]["schemas"]["Language"]["enum"]
    assert len(languages) == LANGUAGES
    assert "no" in languages
    assert all(isinstance(language, str) for language in languages)

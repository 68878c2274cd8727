# SPDX-License-Identifier: Apache-2.0
"""Our description of api.video says what the provider's own document says, no more and no less.

Both documents are turned into sentences by the same code: operations, parameters, types, choices, what is required and
what success and failure look like. The two lists differ by what is written down here, and by nothing else.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from callwell import providers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METHODS: Final = ("get", "put", "post", "delete", "patch")
SAID: Final = ("default", "minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern")
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
    # Three operations without a word on keys, whose answers are nobody else's business.
    r"(GET /tags|GET /summaries|PATCH /summaries/{summaryId}/source) needs no key": 3,
}


class Words(yaml.SafeLoader):
    """YAML whose only truth values are `true` and `false`: 1.1 takes the language `no` for one."""


Words.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] not in {"bool", "timestamp"}]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Words.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


@pytest.fixture(scope="module")
def theirs(shared: Path) -> dict[str, Any]:
    """The provider's own document."""
    file = shared / "providers" / "apivideo-openapi.yaml"
    if not file.is_file():
        pytest.skip("no document of api.video beside the project")
    document: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Words)  # noqa: S506 - a safe loader
    return document


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """Our description."""
    document: dict[str, Any] = json.loads((providers.FOLDER / "apivideo" / "openapi.json").read_text(encoding="utf-8"))
    return document


class Document:
    """Tells a document in sentences."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def operations(self) -> set[str]:
        """Methods and paths."""
        paths = self._document["paths"].items()
        return {f"{method.upper()} {path}" for path, item in paths for method in METHODS if method in item}

    def sentences(self) -> set[str]:
        """All that is said of operations."""
        return {
            f"{method.upper()} {path} {sentence}"
            for path, item in self._document["paths"].items()
            for method in METHODS
            if method in item
            for sentence in self._operation(item[method])
        }

    def _operation(self, node: dict[str, Any]) -> Iterator[str]:
        for one in node.get("parameters", ()):
            parameter = self._follow(one)
            place = f"{parameter['in']} {parameter['name']}"
            yield from self._schema(parameter["schema"], place)
            if parameter.get("required"):
                yield f"{place} is required"
            if parameter.get("style") == "deepObject":
                yield f"{place} is a deep object"
            several = self._merged(parameter["schema"]).get("type") in {"array", "object"}
            if parameter["in"] == "query" and several and not parameter.get("explode", True):
                yield f"{place} is one text"
        if not node.get("security", self._document.get("security")):
            yield "needs no key"
        if "requestBody" in node:
            body = node["requestBody"]
            yield f"body is {'required' if body.get('required') else 'optional'}"
            for media, content in body["content"].items():
                kind = {"application/json": "json", "multipart/form-data": "form"}[media]
                yield from self._fields(self._merged(content["schema"]), kind, " ")
        yield from self._answers(node)

    def _answers(self, node: dict[str, Any]) -> Iterator[str]:
        for status, answer in node["responses"].items():
            yield f"answers {status}"
            for media, inner in self._follow(answer).get("content", {}).items():
                yield f"{status} is {media}"
                if not status.startswith("2"):
                    continue
                yield from self._fields(self._merged(inner["schema"]), status, " ")

    def _schema(self, node: dict[str, Any], place: str) -> Iterator[str]:
        schema = self._merged(node)
        yield f"{place} is {schema.get('type')}"
        if schema.get("format") in {"binary", "date-time", "uri"}:
            yield f"{place} is a {schema['format']}"
        if "enum" in schema:
            yield f"{place} is one of {' '.join(map(_language, schema['enum']))}"
        if schema.get("nullable") or schema.get("x-optional-nullable"):
            yield f"{place} may be null"
        for key in SAID:
            if key in schema:
                yield f"{place} {key} {schema[key]}"
        if isinstance(schema.get("additionalProperties"), dict):
            yield from self._schema(schema["additionalProperties"], f"{place}.*")
        if "items" in schema:
            yield from self._schema(schema["items"], f"{place}[]")
        yield from self._fields(schema, place, ".")

    def _fields(self, schema: dict[str, Any], place: str, joint: str) -> Iterator[str]:
        for name, inner in schema.get("properties", {}).items():
            yield from self._schema(inner, f"{place}{joint}{name}")
        for name in schema.get("required", ()):
            yield f"{place}{joint}{name} is required"

    def _follow(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self._document
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            node = found
        return node

    def _merged(self, node: dict[str, Any]) -> dict[str, Any]:
        merged = dict(self._follow(node))
        for part in merged.pop("allOf", ()):
            merged = {**self._merged(part), **merged}
        return merged


def _language(value: object) -> str:
    """A choice as text; the copy at hand was written by a tool that took Norwegian for a truth value."""
    return "no" if value is False else str(value)


def without(sentences: set[str], ends: dict[str, int]) -> set[str]:
    """Those that do not end in one of these ways, and those ways in which not as many end as should."""
    ending = {end: {one for one in sentences if re.search(f"(?:^| ){end}$", one)} for end in ends}
    wrong = {f"{len(found)} end in {end}" for end, found in ending.items() if len(found) != ends[end]}
    return sentences.difference(*ending.values()) | wrong


def test_operations(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """All 59 methods and paths, and no other, each under a name of its own."""
    assert Document(ours).operations() == Document(theirs).operations()
    names = [item[method]["operationId"] for item in ours["paths"].values() for method in METHODS if method in item]
    assert len(set(names)) == len(names) == 59


def test_every_sentence(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Parameters, types, choices, statuses and what is required are theirs, but for what is listed above."""
    assert deviations(theirs, ours) == set()
    assert len(Document(ours).sentences() & Document(theirs).sentences()) > 1500


def deviations(theirs: dict[str, Any], ours: dict[str, Any]) -> set[str]:
    """What differs and may not."""
    mine, yours = Document(ours), Document(theirs)
    told, meant = mine.sentences(), yours.sentences()
    return mine.operations() ^ yours.operations() | without(told - meant, ADDED) | without(meant - told, LEFT_OUT)


def nodes(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """All objects of a document with their places."""
    if isinstance(node, dict):
        yield path, node
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
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
def test_every_deviation_is_found(theirs: dict[str, Any], ours: dict[str, Any], key: str) -> None:
    """Whichever word of ours is another one: its first, its last and some between, in operations and in schemas."""
    words = [
        (path, node)
        for path, node in nodes({name: ours[name] for name in ("paths", "components")})
        if key in node and "Problem" not in path
    ]
    words = [(path, node) for path, node in words if not isinstance(node[key], dict) and (key != "type" or path[3:])]
    assert words or key == "pattern"
    for path, node in words[:: max(1, len(words) // 12)] + words[-1:]:
        before, node[key] = node[key], spoilt(node, key)
        try:
            assert deviations(theirs, ours), (path, key)
        finally:
            node[key] = before
    assert deviations(theirs, ours) == set()


def test_what_is_missing_or_too_much_is_found(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """A path, a method, a parameter, a field, a status: one less, or one more."""
    changed = 0
    for path, node in list(nodes({name: ours[name] for name in ("paths", "components")})):
        above, here = (*path[-2:], "")[:2], path[-1] if path else ""
        lists = here in {"paths", "properties", "responses"} or (len(path) == 2 and path[0] == "paths")
        if not lists or "Problem" in path or above[0] == "components":
            continue
        for key in list(node)[:: max(1, len(node) - 1)]:
            taken = node.pop(key)
            assert deviations(theirs, ours), (path, key)
            node[key] = taken
            changed += 1
        if here in {"properties", "responses"}:
            node["418"] = {"description": "x", "type": "string"}
            assert deviations(theirs, ours), path
            del node["418"]
    assert changed > 100
    assert deviations(theirs, ours) == set()


def test_quota_headers_are_on_all_but_the_keyless_two(theirs: dict[str, Any]) -> None:
    """The headers that the profile names are on every answer of every operation that counts against a quota."""
    profile, rule = providers.load("apivideo").profile, providers.load("apivideo").profile.quota_headers
    assert rule
    for operation in providers.load("apivideo").api.operations.values():
        node = theirs["paths"][operation.path][operation.method.lower()]
        said = profile.operations.get(operation.name)
        for answer in node["responses"].values():
            headers = {name.lower() for name in answer.get("headers", {})}
            free = said is not None and said.quotas == ()
            assert headers == (set() if free else {rule.limit, rule.remaining, rule.reset}), operation.name


def test_languages(ours: dict[str, Any]) -> None:
    """All 33 languages are texts, Norwegian among them."""
    languages = ours["components"]["schemas"]["Language"]["enum"]
    assert len(languages) == LANGUAGES
    assert "no" in languages
    assert all(isinstance(one, str) for one in languages)


def test_none_of_their_prose(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """No line of ours is a line of theirs: structure only was taken."""
    sentences = {text for text in _prose(theirs) if " " in text}
    assert sentences
    assert {text for text in _prose(ours) if " " in text} & sentences == set()


def _prose(node: object) -> Iterator[str]:
    """The texts of a document under keys that hold prose."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"description", "summary", "title"} and isinstance(value, str):
                yield from (line.strip().rstrip(".").lower() for line in value.splitlines())
            yield from _prose(value)
    elif isinstance(node, list):
        for one in node:
            yield from _prose(one)

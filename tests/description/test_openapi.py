# SPDX-License-Identifier: Apache-2.0
"""OpenAPI documents become records; a broken one is refused with file, line and key."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from callwell.description import openapi
from callwell.errors import ProfileError
from tests.description.tiny import OPENAPI, write

if TYPE_CHECKING:
    from pathlib import Path

API = openapi.read(OPENAPI)


def test_operations() -> None:
    """Each operation has its method, path, response and parameters, those of its path included."""
    assert (API.title, API.version) == ("Tiny", "1")
    assert [(one.name, one.method, one.path) for one in API.operations.values()] == [
        ("things.list", "GET", "/things"),
        ("things.import", "POST", "/things"),
        ("things.delete", "DELETE", "/things/{thingId}"),
    ]
    assert [
        (one.name, one.wire_name, one.location, one.required) for one in API.operations["things.delete"].parameters
    ] == [("thing_id", "thingId", "path", True)]
    assert API.operations["things.delete"].response_schema == {}
    assert API.operations["things.import"].summary == "Bring things in"


def test_a_default_makes_optional() -> None:
    """A parameter that is required and has a default may be left out, in a query and in a body."""
    parameters = {one.name: one for name in ("list", "import") for one in API.operations[f"things.{name}"].parameters}
    assert {name for name, one in parameters.items() if one.required} == {"name", "sizes"}
    assert {name for name, one in parameters.items() if one.location == "body"} == {
        *("name", "kind", "sizes", "note", "extra", "anything")
    }
    assert parameters["x_trace"].wire_name == "X-Trace"
    assert parameters["name"].summary == "Its name."
    assert "accept" not in parameters


def test_references_are_followed() -> None:
    """A shared schema replaces its references and keeps its name; a circle is cut; `allOf` is one object."""
    thing = API.operations["things.list"].response_schema["properties"]["things"]["items"]
    assert thing["title"] == "Thing"
    assert thing["properties"]["parent"] == {"title": "Thing"}
    size = thing["properties"]["size"]
    assert set(size["properties"]) == {"width", "x-depth", "Code", "unit"}
    assert "title" not in size


@pytest.mark.parametrize(
    ("place", "value", "key", "expected"),
    [
        ("openapi", "2.0", "openapi", "expected a version 3.0 or 3.1, found '2.0'"),
        ("info", None, "info", "expected an object, found None"),
        ("paths", [], "paths", "expected an object, found []"),
        ("paths/~things", 3, 'paths."/things"', "expected an object, found 3"),
        ("paths/~things/get/operationId", "list", 'paths."/things".get.operationId', "a group and a method"),
        ("paths/~things/get/operationId", None, 'paths."/things".get.operationId', "found None"),
        (
            "paths/~things/get/operationId",
            "things.import",
            'paths."/things".post.operationId',
            "found 'things.import' a second time",
        ),
        ("paths/~things/get/parameters", {}, 'paths."/things".get.parameters', "expected a list, found {}"),
        ("paths/~things/get/parameters/1/in", "cookie", 'paths."/things".get.parameters.1.in', "found 'cookie'"),
        ("paths/~things/get/parameters/1/name", "", 'paths."/things".get.parameters.1.name', "expected a name"),
        (
            "paths/~things/get/parameters/1/name",
            "OFFSET",
            'paths."/things".get',
            "found 'offset' for query 'offset' and",
        ),
        ("paths/~things/get/responses", None, 'paths."/things".get.responses', "expected an object"),
        ("paths/~things/get/responses/200/$ref", "other.json#/x", '"$ref"', "a reference into this document"),
        ("paths/~things/get/responses/200/$ref", "#/components/no", '"$ref"', "something that exists"),
        ("components/responses/Things", {"$ref": "#/components/responses/Things"}, '"$ref"', "a circle"),
        ("components/schemas/Thing", 5, "components.schemas.Thing", "expected an object, found 5"),
        ("components/schemas/Thing/properties", 5, "components.schemas.Thing.properties", "found 5"),
        ("components/requestBodies/New/content", {"text/plain": {}}, "content", "found text/plain"),
        ("paths/~things~{thingId}/parameters", [], "parameters", "expected a path parameter 'thingId', found none"),
        ("paths/~things~{thingId}/parameters/0/name", "otherId", "parameters", "path parameter 'thingId'"),
    ],
)
def test_errors(tmp_path: Path, place: str, value: object, key: str, expected: str) -> None:
    """An error has the file, the key, the line, what was expected and what was found."""
    document = _changed(place, value)
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        openapi.read(file)
    error = caught.value
    assert error.file == str(file)
    assert error.key.endswith(key)
    assert expected in error.expected
    assert error.line
    with pytest.raises(ProfileError, match=r"^openapi\.json: "):
        openapi.read(document)


def _changed(place: str, value: object) -> dict[str, Any]:
    """The document with another value at a path, in which `~` stands for a slash."""
    document = copy.deepcopy(OPENAPI)
    node: Any = document
    *way, last = place.replace("~", "\0").split("/")
    for key in way:
        node = node[int(key) if isinstance(node, list) else key.replace("\0", "/")]
    node[last.replace("\0", "/")] = value
    return document


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (b'{\n "openapi": }', 2, "expected JSON, found an error"),
        (b"[]", 1, "expected an object, found []"),
        (b'{"\xff": 1}', 1, "expected JSON"),
    ],
)
def test_files_that_are_no_documents(tmp_path: Path, content: bytes, line: int | None, expected: str) -> None:
    """A file that is no JSON object is refused, with the line if it is known."""
    file = tmp_path / "openapi.json"
    file.write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        openapi.read(file)
    assert (caught.value.line, expected in caught.value.expected) == (line, True)


def test_no_file(tmp_path: Path) -> None:
    """A missing file is named."""
    with pytest.raises(ProfileError, match=r"openapi\.json"):
        openapi.read(tmp_path / "openapi.json")


def test_the_line_is_that_of_the_key(tmp_path: Path) -> None:
    """The line of an error is that of the key."""
    folder = write(tmp_path / "tiny")
    file = folder / "openapi.json"
    file.write_text(file.read_text().replace('"things.import"', '"things"'))
    with pytest.raises(ProfileError) as caught:
        openapi.read(file)
    assert '"operationId": "things"' in file.read_text().splitlines()[(caught.value.line or 0) - 1]

# SPDX-License-Identifier: Apache-2.0
"""OpenAPI documents become records; a broken one is refused with file, line and key."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client.calls.binding import Binder
from callwell.description import openapi
from callwell.description.infer.paging import infer_paging
from callwell.description.references import COMPONENT_NAME_KEY
from callwell.errors import ProfileError
from tests.description.test_swagger import SWAGGER
from tests.description.tiny import OPENAPI, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.description.model import Operation

API = openapi.read(OPENAPI)


def test_operations() -> None:
    """Each operation has its method, path, response and parameters, those of its path included."""
    assert (API.title, API.version) == ("Tiny", "1")
    assert [(operation.name, operation.method, operation.path) for operation in API.operations.values()] == [
        ("things.list", "GET", "/things"),
        ("things.import", "POST", "/things"),
        ("things.delete", "DELETE", "/things/{thingId}"),
    ]
    assert [
        (parameter.name, parameter.wire_name, parameter.location, parameter.required)
        for parameter in API.operations["things.delete"].parameters
    ] == [("thing_id", "thingId", "path", True)]
    assert API.operations["things.delete"].response_schema == {}
    assert API.operations["things.import"].summary == "Bring things in"


def test_references_in_contents() -> None:
    """In place of a media type's object, as OpenAPI 3.2 has them, and in place of a whole content."""
    text = {"schema": {"type": "string", "maxLength": 9}}
    shared = {"text": text, "whole": {"application/json": {"$ref": "#/components/mediaTypes/text"}}}
    whole = {"content": {"$ref": "#/components/mediaTypes/whole"}}
    operation = {
        "operationId": "things.find",
        "parameters": [{"name": "q", "in": "query", **whole}],
        "requestBody": {"content": {"application/json": {"$ref": "#/components/mediaTypes/text"}}},
        "responses": {"200": whole},
    }
    document = {"openapi": "3.2.0", "paths": {"/things": {"post": operation}}, "components": {"mediaTypes": shared}}
    found = openapi.read(document).operations["things.find"]
    assert found.response_schema == text["schema"]
    assert [(one.name, one.schema, one.content) for one in found.parameters if one.location == "query"] == [
        ("q", text["schema"], "application/json")
    ]
    assert [one.schema for one in found.parameters if one.location == "body"] == [text["schema"]]


def test_a_default_makes_optional() -> None:
    """A parameter that is required and has a default may be left out, in a query and in a body."""
    parameters = {
        parameter.name: parameter
        for name in ("list", "import")
        for parameter in API.operations[f"things.{name}"].parameters
    }
    assert {name for name, one in parameters.items() if one.required} == {"name", "sizes"}
    assert {name for name, one in parameters.items() if one.location == "body"} == {
        *("name", "kind", "sizes", "note", "extra", "anything")
    }
    assert parameters["x_trace"].wire_name == "X-Trace"
    assert parameters["name"].summary == "Its name. And more."
    assert "accept" in parameters


def test_required_parameters_come_first() -> None:
    """The order is that of generated methods: what is required, then the rest, each half by location."""
    query = [{"name": name, "in": "query", "required": name == "q"} for name in ("a", "q", "z")]
    fields = {"type": "object", "properties": {"b": {}, "c": {}}, "required": ["c"]}
    body = {"required": True, "content": {"application/json": {"schema": fields}}}
    operation = {"operationId": "things.find", "parameters": query, "requestBody": body, "responses": {}}
    api = openapi.read({"openapi": "3.1.0", "paths": {"/things/{id}": {"post": operation}}})
    assert [parameter.name for parameter in api.operations["things.find"].parameters] == ["id", "q", "c", "a", "z", "b"]


def test_references_are_followed() -> None:
    """A shared schema replaces its references and keeps its name; a circle is cut; `allOf` is one object."""
    thing = API.operations["things.list"].response_schema["properties"]["things"]["items"]
    assert thing["title"] == "Thing"
    assert thing["properties"]["parent"] == {"title": "Thing", COMPONENT_NAME_KEY: "Thing"}
    size = thing["properties"]["size"]
    assert set(size["properties"]) == {"width", "x-depth", "Code", "unit"}
    assert "title" not in size


@pytest.mark.parametrize(
    ("place", "value", "key", "expected"),
    [
        ("openapi", "2.0", "openapi", "expected a version 3.0, 3.1 or 3.2, or Swagger 2.0, found '2.0'"),
        ("openapi", None, "openapi", "expected a version 3.0, 3.1 or 3.2, or Swagger 2.0, found none"),
        ("paths", [], "paths", "expected an object, found []"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path: Path, place: str, value: object, key: str, expected: str) -> None:
    """The error has the file, the key, the line, what was expected and what was found."""
    document = changed(place, value)
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


LIST = "things.list"
IMPORT = "things.import"


@pytest.mark.parametrize(
    ("place", "value", "left_out", "key", "expected"),
    [
        ("paths/~things", 3, ["/things"], 'paths."/things"', "expected an object, found 3"),
        ("paths/~things/get", 3, ["things.list"], 'paths."/things".get', "expected an object, found 3"),
        ("paths/~things/get/parameters", {}, [LIST], 'paths."/things".get.parameters', "expected a list, found {}"),
        ("paths/~things/get/parameters/1/in", "body", [LIST], "get.parameters.1.in", "found 'body'"),
        ("paths/~things/get/parameters/1/name", "", [LIST], "get.parameters.1.name", "expected a name"),
        ("paths/~things/get/responses", None, [LIST], 'paths."/things".get.responses', "expected an object"),
        ("paths/~things/get/responses/200/$ref", "other.json#/x", [LIST], '"$ref"', "a reference into this document"),
        ("paths/~things/get/responses/200/$ref", "#/components/no", [LIST], '"$ref"', "something that exists"),
        ("components/responses/Things", {"$ref": "#/components/responses/Things"}, [LIST], '"$ref"', "a circle"),
        ("components/schemas/Thing", 5, [LIST], "components.schemas.Thing", "expected an object, found 5"),
        ("components/schemas/Thing/properties", 5, [LIST], "components.schemas.Thing.properties", "found 5"),
        ("components/requestBodies/New/content", {"multipart/mixed": {}}, [IMPORT], "content", "multipart/mixed"),
    ],
)
def test_an_operation_is_left_out_with_its_reason(
    place: str, value: object, left_out: list[str], key: str, expected: str
) -> None:
    """One operation that is described wrongly is left out, with the place, and the others are there."""
    api = openapi.read(changed(place, value))
    assert [item.operation for item in api.left_out] == left_out or {item.path for item in api.left_out} == {"/things"}
    where, _, what = api.left_out[0].reason.partition(": ")
    assert where.endswith(key)
    assert expected in what
    assert api.operations
    assert not set(left_out) & set(api.operations)


@pytest.mark.parametrize(
    ("place", "value", "assumed"),
    [
        ("paths/~things~{thingId}/parameters", [], ["no parameter for {thingId} of the path; it takes a string"]),
        (
            "paths/~things~{thingId}/parameters/0/name",
            "otherId",
            ["no parameter for {thingId} of the path; it takes a string", "{otherId} is not in the path"],
        ),
    ],
)
def test_a_variable_of_a_path_needs_no_parameter(place: str, value: object, assumed: list[str]) -> None:
    """It is a required text, and the document is said to leave it open."""
    api = openapi.read(changed(place, value))
    assert api.left_out == ()
    [thing_id] = [one for one in api.operations["things.delete"].parameters if one.location == "path"]
    assert (thing_id.name, thing_id.required, thing_id.schema) == ("thing_id", True, {"type": "string"})
    assert [text.partition(": ")[2][: len(what)] for text, what in zip(api.assumed, assumed, strict=True)] == assumed


def test_a_schema_that_refers_to_nothing_is_any_value() -> None:
    """Operations that use it can be called, and the place is said once."""
    whole = openapi.read(OPENAPI)
    api = openapi.read(changed("components/schemas/Thing/properties/size", {"$ref": "#/components/schemas/Gone"}))
    assert api.left_out == ()
    assert api.operations.keys() == whole.operations.keys()
    [assumed] = api.assumed
    assert assumed.endswith(": #/components/schemas/Gone is not in the document; any value is accepted")


def test_a_name_does_not_depend_on_other_mistakes() -> None:
    """An operation that is left out keeps its name, so no other one gets it."""
    api = openapi.read(changed("paths/~things/get/responses", None))
    assert api.left_out[0].method == "GET"
    assert (api.left_out[0].operation, api.left_out[0].path) == ("things.list", "/things")


def changed(place: str, value: object) -> dict[str, Any]:
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
    """A file that is not a JSON object is refused, with the line if it is known."""
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
    file.write_text(file.read_text().replace('"3.0.3"', '"2.3"'))
    with pytest.raises(ProfileError) as caught:
        openapi.read(file)
    assert '"openapi": "2.3"' in file.read_text().splitlines()[(caught.value.line or 0) - 1]


WRONG: tuple[Any, ...] = (
    3,
    1.5,
    "x",
    True,
    None,
    [],
    [1],
    [None],
    {},
    {"a": 1},
    {"type": {}},
    {"allOf": [3]},
    {"$ref": {}},
)


@pytest.mark.parametrize("document", [OPENAPI, SWAGGER], ids=["openapi", "swagger"])
def test_nothing_in_a_document_makes_reading_fail(document: dict[str, Any]) -> None:
    """Whatever stands anywhere in it: it is refused with a reason, or read without what is wrong."""
    text = json.dumps(document)
    for place in places(document):
        for value in WRONG:
            broken = json.loads(text)  # a tenth of what a deep copy takes
            node: Any = broken
            for key in place[:-1]:
                node = node[key]
            node[place[-1]] = value
            with contextlib.suppress(ProfileError):
                openapi.read(broken)


def places(node: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a document."""
    children: dict[Any, Any] = {}
    if isinstance(node, dict):
        children = node
    elif isinstance(node, list):
        children = dict(enumerate(node))
    for key, child in children.items():
        yield (key,)
        yield from ((key, *rest) for rest in places(child))


def test_operations_of_other_methods() -> None:
    """OpenAPI 3.2 has them beside the usual ones; what is wrong there is left out with its place."""
    querystring_parameter = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
    copy = {
        "operationId": "copyFile",
        "tags": ["files"],
        "parameters": [{"name": "all", "in": "querystring", "content": querystring_parameter}],
        "responses": {},
    }
    item = {"query": {"responses": {}}, "additionalOperations": {"COPY": copy, "MOVE": 5}}
    api = openapi.read({"openapi": "3.2.0", "paths": {"/files": item}})
    assert {name: operation.method for name, operation in api.operations.items()} == {
        "files.query": "QUERY",
        "files.copy": "COPY",
    }
    assert Binder(api.operations["files.copy"]).bind({"all": {"a": 1, "b": ["x y"]}}).target == "/files?a=1&b=x%20y"
    [skipped] = api.left_out
    assert skipped.reason.startswith('paths."/files".additionalOperations.MOVE: ')


def test_a_whole_query_is_a_form() -> None:
    """OpenAPI 3.2 allows any content there; no other can be sent."""
    parameter = {"name": "all", "in": "querystring", "content": {"application/json": {}}}
    api = openapi.read({"openapi": "3.2.0", "paths": {"/a": {"get": {"parameters": [parameter], "responses": {}}}}})
    assert "expected application/x-www-form-urlencoded" in api.left_out[0].reason


def test_an_object_in_a_query_is_its_properties() -> None:
    """As Spring describes the pages of a list, which is found by them. One that may hold others stays an object."""
    number = {"type": "integer", "minimum": 0, "default": 0}
    pageable = {
        "type": "object",
        "properties": {"page": number, "size": {"type": "integer"}, "sort": {"type": "array", "items": {}}},
        "required": ["page", "size"],
    }
    found = {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {}}}}}}

    def read(*, required: bool, **more: Any) -> Operation:
        parameter = {"name": "pageable", "in": "query", "required": required, "schema": {**pageable, **more}}
        paths = {"/pets": {"get": {"parameters": [parameter], "responses": found}}}
        [operation] = openapi.read({"openapi": "3.1.0", "paths": paths}).operations.values()
        return operation

    operation = read(required=True)
    assert [(one.name, one.required, one.default) for one in operation.parameters] == [
        ("size", True, None),
        ("page", False, 0),
        ("sort", False, None),
    ]
    assert Binder(operation).bind({"size": 5, "sort": ["a", "b"]}).target == "/pets?size=5&page=0&sort=a&sort=b"
    lists = infer_paging(operation)
    assert lists is not None
    assert lists.rule is not None
    assert (lists.rule.value.position, lists.rule.value.size, lists.rule.value.first) == ("page", "size", 0)
    assert not any(one.required for one in read(required=False).parameters)
    things = {"type": "array", "items": {"type": "object"}}
    for more in ({"additionalProperties": True}, {"properties": {"things": things}}):
        assert [one.name for one in read(required=True, **more).parameters] == ["pageable"]

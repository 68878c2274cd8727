# SPDX-License-Identifier: Apache-2.0
"""A document comes in as JSON or YAML, with the files beside it, and never costs more than it may."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from callwell.description import openapi
from callwell.description.documents import reading
from callwell.description.documents.reading import parse_document
from callwell.description.documents.repeated_keys import find_repeated_keys
from callwell.description.documents.yaml_text import read_yaml
from callwell.description.loading import load_provider
from callwell.errors import ProfileError
from tests.description.tiny import OPENAPI, PROFILE

YAML = """\
openapi: 3.1.0
info: {title: Shop, version: 2024-05-01}
paths:
  /orders:
    get:
      operationId: listOrders
      tags: [Orders]
      parameters:
        - &page {name: page, in: query, schema: {type: integer}}
        - name: state
          in: query
          schema: {type: string, enum: [on, off, yes, no], default: no}
      responses:
        200:
          content:
            application/json:
              schema: {type: array, items: {type: object, properties: {1: {type: string, format: date}}}}
  /orders/{id}:
    get:
      operationId: getOrder
      tags: [Orders]
      parameters:
        - *page
        - {name: id, in: path, required: true, schema: {type: string, example: 2024-01-01}}
      responses: {204: {description: none}}
"""


def test_yaml(tmp_path: Path) -> None:
    """Dates stay strings, `no` is a string, and numbers as keys are keys."""
    file = tmp_path / "openapi.yaml"
    file.write_text(YAML)
    api = openapi.read(file)
    assert api.version == "2024-05-01"
    assert list(api.operations) == ["orders.list", "orders.get"]
    listing = api.operations["orders.list"]
    assert listing.parameters[1].schema["enum"] == ["on", "off", "yes", "no"]
    assert listing.response_schema["items"]["properties"] == {"1": {"type": "string", "format": "date"}}
    assert [parameter.name for parameter in api.operations["orders.get"].parameters] == ["id", "page"]


@pytest.mark.parametrize("name", reading.DOCUMENT_NAMES)
def test_a_folder_with_a_document_and_a_profile(tmp_path: Path, name: str) -> None:
    """Its document may be JSON or YAML: JSON is YAML as well."""
    (tmp_path / name).write_text(json.dumps(OPENAPI))
    (tmp_path / "profile.toml").write_text(PROFILE)
    assert load_provider(tmp_path).operation("things.list").method == "GET"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01 12:00:00", "2024-01-01 12:00:00"),
        ("12:30", "12:30"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("010", 10),
        ("0x1f", "0x1f"),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("{200: a, 1.0: b, true: c, null: d, 2024-01-01: e}", dict.fromkeys(["200", "1.0", "true", "null"])),
        ("{<<: {a: 1, b: 2}, b: 3}", {"a": 1, "b": 3}),
        ("", None),
    ],
)
def test_values_of_yaml(text: str, value: object) -> None:
    """They are those of YAML 1.2, which has the types of JSON."""
    found, _ = read_yaml(text.encode())
    if isinstance(value, dict) and None in value.values():
        assert list(found) == [*value, "2024-01-01"]
    else:
        assert found == value
        assert type(found) is type(value)


BOMB = b"a: &a [1,1,1,1,1,1,1,1,1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (level + 1, level + 1, b",".join([b"*%c" % level] * 9)) for level in range(97, 106)
)
MERGES = b"a: &a {x: 1, y: 2}\n" + b"".join(
    b"%c: &%c {<<: [%s]}\n" % (level + 1, level + 1, b",".join([b"*%c" % level] * 9)) for level in range(97, 106)
)


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (BOMB, None, "its aliases repeat each other"),
        (MERGES, None, "its aliases repeat each other"),
        (b"a: &a [*a]", None, "an alias inside the value that it names"),
        (b"[" * 100_000, None, "expected at most 500 levels"),
        (b"- " * 100_000, None, "expected at most 500 levels"),
        (b"a:\n  - ]", 2, "expected YAML, found an error"),
        (b"a: !!python/object:os.system x", 1, "expected YAML, found an error"),
        (b"? [1]\n: 2", None, "expected a string as key"),
        (b"a: \xff", None, "expected YAML"),
        (b"just a text", 1, "expected an object"),
        (b"<!DOCTYPE html>\n<html></html>", 1, "expected an OpenAPI document in JSON or YAML, found a page (HTML)"),
        (b"", 1, "expected an object, found None"),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, content: bytes, line: int | None, expected: str) -> None:
    """In one sentence, at once, with the line where the parser knows it."""
    file = tmp_path / "openapi.yaml"
    file.write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        openapi.read(file)
    assert expected in caught.value.expected
    assert caught.value.line == line or line is None


def test_json_that_is_nested_too_deeply(tmp_path: Path) -> None:
    """It is refused, and the interpreter lives."""
    file = tmp_path / "openapi.json"
    file.write_bytes(b'{"a":' * 100_000)
    with pytest.raises(ProfileError, match="nested too deeply"):
        openapi.read(file)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """It is not even read."""
    file = tmp_path / "openapi.json"
    with file.open("wb") as opened:
        opened.truncate(100 << 20)
    with pytest.raises(ProfileError, match="expected at most 64 MiB, found 100 MiB"):
        openapi.read(file)


def test_the_line_in_yaml(tmp_path: Path) -> None:
    """An error of the document has its line."""
    file = tmp_path / "openapi.yaml"
    file.write_text("info: {}\n\nopenapi: 4.0.0\n")
    with pytest.raises(ProfileError) as caught:
        openapi.read(file)
    assert (caught.value.key, caught.value.line) == ("openapi", 3)


def document_with(reference: str) -> dict[str, Any]:
    """A document with an operation that takes a parameter from elsewhere."""
    operation = {"operationId": "things.list", "parameters": [{"$ref": reference}], "responses": {}}
    return {
        "openapi": "3.0.0",
        "paths": {"/things": {"get": operation}},
        "components": {"schemas": {"Text": {"type": "string", "maxLength": 3}}},
    }


def test_files_beside_it(tmp_path: Path) -> None:
    """They may refer to each other, into themselves, and back to the document."""
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    (tmp_path / "parts" / "p.yaml").write_text(
        "a/b:\n  $ref: '#/other'\nother:\n  name: q\n  in: query\n  schema: {$ref: deep/s.json#/0}\n"
    )
    (tmp_path / "parts" / "deep" / "s.json").write_text('[{"$ref": "../../openapi.json#/components/schemas/Text"}]')
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document_with("./parts/p.yaml#/a~1b")))
    (tmp_path / "parts" / "deep" / "s.json").write_text(
        '{"0": {"$ref": "../../openapi.json#/components/schemas/Text"}}'
    )
    [parameter] = openapi.read(file).operations["things.list"].parameters
    assert (parameter.name, parameter.schema["maxLength"]) == ("q", 3)


@pytest.mark.parametrize(
    "reference",
    [
        "../outside.json#/p",
        "missing.json#/p",
        "https://x.test/p.json#/p",
        "link.json#/p",
        "{}/outside.json#/p",
        "bad.json",
    ],
)
def test_files_elsewhere_are_not_read(tmp_path: Path, reference: str) -> None:
    """What leads out of the folder, to nothing or to an address leaves the operation out."""
    folder = tmp_path / "inside"
    folder.mkdir()
    parameter = json.dumps({"p": {"name": "q", "in": "query"}})
    (tmp_path / "outside.json").write_text(parameter)
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    (folder / "bad.json").write_text("{")
    file = folder / "openapi.json"
    file.write_text(json.dumps(document_with(reference.replace("{}", str(tmp_path)))))
    api = openapi.read(file)
    assert not api.operations
    assert "or to a file beside it" in api.left_out[0].reason


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"openapi": "4.0.0"}', "'4.0.0'"),
        (b"swagger: 1.2", "1.2"),
        (b'{"info": {"_postman_id": "1", "name": "Shop"}, "item": []}', "a Postman collection"),
        (b'asyncapi: 2.6.0\ninfo: {title: Shop, version: "1"}\n', "an AsyncAPI document"),
        (b'{"data": {"__schema": {}}}', "a GraphQL schema"),
        (b'{"$schema": "https://json-schema.org/draft/2020-12/schema"}', "a JSON Schema"),
        (b'{"info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}}', "a Postman"),
        (
            b'{"collection": {"info": {"schema": "https://schema.getpostman.com/json/collection"}}}',
            "a Postman collection",
        ),
        (b"type: collection.insomnia.rest/5.0\nname: Shop\n", "an Insomnia export"),
        (b'{"smithy": "2.0", "shapes": {}}', "a Smithy model"),
        (b"\xef\xbb\xbfFORMAT: 1A\n\n# Shop\n", "an API Blueprint"),
        (b"#%RAML 1.0\ntitle: Shop\n", "a RAML document"),
        (b"# A comment.\ntype Query {\n  things: [Thing]\n}\n", "a GraphQL schema"),
        (b'syntax = "proto3";\nservice Shop {}\n', "a Protocol Buffers file"),
        (b'$version: "2"\nnamespace shop\n', "a Smithy model"),
        (b'import "@typespec/http";\nusing TypeSpec.Http;\n', "a TypeSpec file"),
        (b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>', "a WSDL document"),
        (b"<edmx:Edmx/>", "the metadata of an OData service"),
        (b"<things/>", "HTML or XML"),
        (b'{"shop": 1}', "none"),
    ],
)
def test_a_document_of_another_kind(content: bytes, found: str) -> None:
    """What it is stands in the error, with what to do."""
    with pytest.raises(ProfileError, match=f"found {re.escape(found)}"):
        openapi.read(reading.parse_document(content, Path("shop")))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["openapi.json", "openapi.yaml"])
def test_encodings(encoding: str, name: str) -> None:
    """Editors on Windows write UTF-16, and marks of the byte order."""
    text = json.dumps(OPENAPI, ensure_ascii=False)
    document = reading.parse_document(text.encode(encoding), Path(name))
    assert openapi.read(document).operations == openapi.read(OPENAPI).operations


@pytest.mark.parametrize("version", ["openapi: 3.0", "openapi: 3.1", "swagger: 2.0"])
def test_a_version_that_is_a_number(version: str) -> None:
    """YAML makes one of a version without a patch and quotes."""
    document = reading.parse_document(f"{version}\npaths: {{/a: {{get: {{responses: {{}}}}}}}}\n".encode(), Path("a"))
    assert len(openapi.read(document).operations) == 1


JSON_TWICE = """{
 "a": {"x": 1,
       "y": {"x": 1}, "x": 2},
 "list": [{"k": 1}, {"k": 1, "\\u006b": 2}],
 "b": 1, "a": {"x": 3}
}"""

YAML_TWICE = """
a: &a {x: 1}
list:
  - {k: 1, k: 2}
  - <<: *a
    x: 2
  - *a
404: 1
'404': 2
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            JSON_TWICE,
            [
                "a.x appears twice, in lines 2 and 3; the last one counts",
                "list.1.k appears twice, in line 4; the last one counts",
                "a appears twice, in lines 2 and 5; the last one counts",
            ],
        ),
        (
            YAML_TWICE,
            [
                "404 appears twice, in lines 8 and 9; the last one counts",
                "list.0.k appears twice, in line 4; the last one counts",
            ],
        ),
        ('{"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}, {"x": 1}], "d": "\\"a\\": 1"}', []),
        ("a: {x: 1}\nb: {x: 1}\n", []),
    ],
)
def test_keys_that_stand_twice(text: str, expected: list[str]) -> None:
    """Each is found in its object, in JSON and YAML; equal keys of different objects and merged ones are none."""
    assert find_repeated_keys(parse_document(text.encode(), Path("document"))) == expected


def test_many_keys_that_stand_twice() -> None:
    """As many are reported as help a person."""
    pairs = ", ".join(f'"{number}": 1, "{number}": 2' for number in range(200))
    assert len(find_repeated_keys(parse_document(f"{{{pairs}}}".encode(), Path("document")))) == 100

# SPDX-License-Identifier: Apache-2.0
"""Generated code depends on the description alone, and passes the checks of the project's own code."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from callwell import Key, providers
from callwell.codegen.annotations import AnnotationWriter
from callwell.codegen.bundled_code import bundled_code
from callwell.codegen.layout import Brackets, docstring, format_lines, quote
from callwell.codegen.package_code import package_code
from callwell.codegen.package_files import write_package
from callwell.codegen.typed_code import typed_code
from callwell.description.loading import load_provider
from tests.description.tiny import write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WRITE = (
    "import sys; from pathlib import Path; from callwell.description.loading import load_provider;"
    "from callwell.codegen.package_code import package_code;"
    "sys.stdout.write(repr(package_code(load_provider(Path(sys.argv[1]))).files))"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a provider full of oddities."""
    return write(tmp_path / "tiny")


def test_the_same_on_every_run(folder: Path) -> None:
    """The bytes are the same with any hash seed."""
    codes = {
        subprocess.run(
            [sys.executable, "-c", WRITE, str(folder)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert codes == {repr(package_code(load_provider(folder)).files)}


def test_an_asset_with_an_optional_argument(folder: Path) -> None:
    """The method that saves it takes what is required and the path by position, and the rest by name."""
    document = json.loads((folder / "openapi.json").read_text(encoding="utf-8"))
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": name == "id", "schema": {}} for name in ("input", "id")
    ]
    file = {"type": "object", "properties": {"url": {"type": "string"}}}
    answer = {"200": {"content": {"application/json": {"schema": file}}}}
    document["paths"]["/files"] = {
        "get": {"operationId": "files.get", "parameters": parameters, "responses": answer},
    }
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    rule = '[operations."files.get"]\nasset = { url = "url", name = "{id}", method = "save" }\n'
    with (folder / "profile.toml").open("a", encoding="utf-8") as profile:
        profile.write(rule)
    code = package_code(load_provider(folder)).files["sync_groups/files.py"]
    [save] = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef) and node.name == "save"]
    assert [argument.arg for argument in save.args.args] == ["self", "id", "path"]
    assert [argument.arg for argument in save.args.kwonlyargs] == ["input", "progress"]
    assert "        input: object | None = None,  # noqa" in code.partition("def save(")[2]


def test_formatted_and_linted(folder: Path, root: Path) -> None:
    """Neither the formatter nor the linter finds anything, with the project's own settings."""
    for name, code in bundled_code(load_provider(folder)).items():
        (folder / name).write_text(code, encoding="utf-8")
    (folder / "typed.py").write_text(typed_code(["tiny"]), encoding="utf-8")
    (folder / "__init__.py").write_text('# SPDX-License-Identifier: Apache-2.0\n"""Tiny."""\n', encoding="utf-8")
    config = ["--config", str(root / "pyproject.toml"), "--no-cache"]
    for command in (["format", "--diff"], ["check", "--output-format", "concise"]):
        ruff = [sys.executable, "-m", "ruff", *command, *config, str(folder)]
        answer = subprocess.run(ruff, capture_output=True, text=True, check=False, cwd=root)
        assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    "text",
    [
        "class Code(StrEnum):",
        'NOT_FOUND = "not-found"',
        "def import_(",
        "async def import_(",
        "from_: str | None = None,",
        "id: Sequence[str] | None = None,  # noqa: A002 - the provider's own name",
        "def delete(self, *, thing_id: int) -> ThingsDelete:",
        "class Tiny(Client):",
        "class AsyncTiny(AsyncClient):",
        "parent: Thing",
        'colour: Literal["red"',
        "id: Required[int]",
        '"x-depth": "float"',
        "kind: ThingsImportKind | None = None,",
        "sizes: Sequence[Size],",
        "note: str | int | NotGiven | None = NOT_GIVEN,",
        "extra: Mapping[str, object] | None = None,",
        "anything: object | None = None,",
        "Thing as ThingsListItem,",
        "ThingsDelete: TypeAlias = Any",
        "ThingsImport: TypeAlias = list[",
        "class CodeModel(TypedDict, total=False):",
        '"""A \'thing\'. More about it."""',
    ],
)
def test_what_is_written(folder: Path, text: str) -> None:
    """Every oddity is written as it should be."""
    code = "\n".join(package_code(load_provider(folder)).files.values())
    if text.startswith("colour"):
        text = "colour: ThingColour | None"
    assert text in code


def test_arguments_are_read_only_all_the_way_down() -> None:
    """In a mapping too; a class with a method `list` has no other use of that name. A field without a name is left out.

    A mapping's values may be null where the document says so.
    """
    writer = AnnotationWriter((), {})
    values = {"type": ["array", "null"], "items": {}}
    assert writer.argument({"type": "object", "additionalProperties": values}, "A") == (
        "Mapping[str, Sequence[object] | None]"
    )
    writer.value({"type": "object", "properties": {"a-b": {"type": "string"}, "": {}}}, "B")
    assert writer.declarations["B"] == 'B = TypedDict("B", {"a-b": "str"}, total=False)'


def test_the_package_can_be_used(folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package uses the description beside it, loads a group when it is used, and is formatted."""
    code = package_code(load_provider(folder))
    assert "SPDX" not in "".join(code.files.values())
    write_package(folder, code.files)
    monkeypatch.syspath_prepend(folder.parent)
    tiny = importlib.import_module("tiny")
    try:
        assert [name for name in sys.modules if name.startswith("tiny.")] == []
        with tiny.Tiny(key=Key("k")) as client:
            assert (client.provider.name, type(client).__name__) == ("tiny", "Tiny")
            assert type(client.things).__name__ == "Things"
        loaded = sorted(name for name in sys.modules if name.startswith("tiny."))
        assert loaded == ["tiny.sync_client", "tiny.sync_groups", "tiny.sync_groups.things"]
        names = importlib.import_module("tiny.client")
        assert {"Tiny", "AsyncTiny", "Thing", "Code", "Size"} <= set(names.__all__)
        assert all(getattr(names, name) for name in names.__all__)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "tiny"]:
            del sys.modules[name]
    ruff = [sys.executable, "-m", "ruff", "format", "--diff", "--no-cache", "--config", str(root / "pyproject.toml")]
    answer = subprocess.run([*ruff, str(folder)], capture_output=True, text=True, check=False, cwd=root)
    assert answer.returncode == 0, answer.stdout


def test_a_group_named_as_the_provider(folder: Path) -> None:
    """A group with the provider's name has another class, under the same attribute."""
    profile = folder / "profile.toml"
    profile.write_text(
        profile.read_text(encoding="utf-8").replace('name = "tiny"', 'name = "things"'), encoding="utf-8"
    )
    code = "".join(package_code(load_provider(folder)).files.values())
    assert "class Things(Client):" in code
    assert "class AsyncThingsGroup(AsyncGroup):" in code
    assert "    def things(self) -> ThingsGroup:" in code


def test_results_that_are_not_json(folder: Path) -> None:
    """Text, files, and what only the response itself says; a stream is not awaited."""
    file = folder / "openapi.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    types = {"table": "text/csv", "image": "image/png", "proxy": "*/*", "watch": "text/event-stream"}
    for name, media_type in types.items():
        response = {"description": "", "content": {media_type: {}}}
        document["paths"][f"/{name}"] = {"get": {"operationId": f"files.{name}", "responses": {"200": response}}}
    file.write_text(json.dumps(document), encoding="utf-8")
    code = "".join(package_code(load_provider(folder)).files.values())
    for name, result in (("Table", "str"), ("Image", "bytes"), ("Proxy", "Any")):
        assert f"Files{name}: TypeAlias = {result}\n" in code
    assert "    def watch(self) -> AsyncStream[ServerSentEvent]:" in code
    assert "    def watch(self) -> Stream[ServerSentEvent]:" in code


def test_each_side_by_itself(folder: Path) -> None:
    """The modules of a bundled client have the classes of the package, each side in its own module."""
    files = bundled_code(load_provider(folder))
    assert sorted(files) == ["async_client.py", "client.py", "sync_client.py"]
    package = package_code(load_provider(folder)).files
    assert _classes(package) == _classes(files)
    assert "Async" not in files["sync_client.py"]


def _classes(files: Mapping[str, str]) -> list[str]:
    return sorted(line for code in files.values() for line in code.splitlines() if line.startswith("class "))


def test_a_side_is_loaded_alone() -> None:
    """The sync side of a provider loads neither the async one nor asyncio nor the types."""
    code = (
        "import json, sys; from callwell import Client, Key;"
        "Client('userplane', key=Key('uspl_' + 'a' * 40)).close(); print(json.dumps(sorted(sys.modules)))"
    )
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert [name for name in loaded if "async" in name] == []
    assert "callwell.providers.userplane.sync_client" in loaded
    assert "callwell.providers.userplane.client" not in loaded


def test_types_have_different_names() -> None:
    """A type with the name of something else in the module gets a number."""
    for name in providers.names():
        classes = _classes(package_code(providers.load(name)).files)
        assert len(classes) == len(set(classes))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], ["f()"]),
        (["a", "b"], ["f(a, b)"]),
        (["a" * 60, "b" * 60], ["f(", f"    {'a' * 60},", f"    {'b' * 60},", ")"]),
        (
            [Brackets("[", ["a" * 60, "b" * 60], "]")],
            ["f(", "    [", f"        {'a' * 60},", f"        {'b' * 60},", "    ],", ")"],
        ),
    ],
)
def test_layout(items: list[str | Brackets], expected: list[str]) -> None:
    """Code is in one line if it fits, and has a line for each item if it does not."""
    assert format_lines(Brackets("f(", items, ")")) == expected


def test_a_comment_breaks_the_line() -> None:
    """An item with a comment has its own line."""
    assert format_lines(Brackets("f(", ["a", "b"], ")", {0: "why"})) == ["f(", "    a,  # why", "    b,", ")"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one thing", '"""One thing."""'),
        ("Is it?", '"""Is it?"""'),
        ('a "quoted" \\ text\n here', '"""A \'quoted\' / text here."""'),
        ("", '"""No summary."""'),
        ("word " * 40, f'"""Word{" word" * 21}..."""'),
    ],
)
def test_docstrings(text: str, expected: str) -> None:
    """A docstring is one sentence that cannot end early and fits into its line."""
    assert docstring(text) == expected
    assert len(docstring(text)) <= 120


def test_quotes() -> None:
    """Strings are quoted as the formatter quotes them."""
    assert [quote(item) for item in ("a", 'a"', "a'", 1)] == ['"a"', "'a\"'", '"a\'"', "1"]

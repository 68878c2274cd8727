# SPDX-License-Identifier: Apache-2.0
"""Generated code depends on the description alone, and passes the checks of the project's own code."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from callwell import Key, providers
from callwell.codegen.bundled_code import bundled_code
from callwell.codegen.client_code import client_code
from callwell.codegen.layout import Brackets, docstring, format_lines, quote
from callwell.codegen.typed_code import typed_code
from callwell.description.loading import load_provider
from tests.description.tiny import write

if TYPE_CHECKING:
    from pathlib import Path

WRITE = (
    "import sys; from pathlib import Path; from callwell.description.loading import load_provider;"
    "from callwell.codegen.client_code import client_code;"
    "sys.stdout.write(client_code(load_provider(Path(sys.argv[1]))))"
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
    assert codes == {client_code(load_provider(folder))}


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
        "ThingsListItem: TypeAlias = Thing",
        "ThingsDelete: TypeAlias = Any",
        "ThingsImport: TypeAlias = list[",
        "class Code2(TypedDict, total=False):",
        '"""A \'thing\'."""',
    ],
)
def test_what_is_written(folder: Path, text: str) -> None:
    """Every oddity is written as it should be."""
    code = client_code(load_provider(folder))
    if text.startswith("colour"):
        text = "colour: ThingColour | None"
    assert text in code


def test_it_can_be_run(folder: Path) -> None:
    """The code runs, and its types are there."""
    pytest.importorskip("callwell.client")
    names: dict[str, object] = {"__name__": "tiny", "__file__": str(folder / "client.py")}
    exec(compile(client_code(load_provider(folder)), "tiny", "exec"), names)  # noqa: S102 - our own code
    assert {"Tiny", "AsyncTiny", "Thing", "Things", "AsyncThings", "Code", "Size"} <= set(names)


def test_standalone(folder: Path, root: Path) -> None:
    """A client outside the library uses the description beside it, and is formatted as well."""
    code = client_code(load_provider(folder))
    assert "SPDX" not in code
    (folder / "client.py").write_text(code, encoding="utf-8")
    names: dict[str, Any] = runpy.run_path(str(folder / "client.py"))
    with names["Tiny"](key=Key("k")) as client:
        assert (client.provider.name, type(client).__name__) == ("tiny", "Tiny")
    ruff = [sys.executable, "-m", "ruff", "format", "--diff", "--no-cache", "--config", str(root / "pyproject.toml")]
    assert subprocess.run([*ruff, str(folder)], capture_output=True, check=False, cwd=root).returncode == 0


def test_a_group_named_as_the_provider(folder: Path) -> None:
    """A group with the provider's name has another class, under the same attribute."""
    profile = folder / "profile.toml"
    profile.write_text(
        profile.read_text(encoding="utf-8").replace('name = "tiny"', 'name = "things"'), encoding="utf-8"
    )
    code = client_code(load_provider(folder))
    assert "class Things(Client):" in code
    assert "class AsyncThingsGroup(AsyncGroup):" in code
    assert "    def things(self) -> ThingsGroup:" in code


def test_each_side_by_itself(folder: Path) -> None:
    """The modules of a bundled client have the classes of the single file, each side in its own module."""
    files = bundled_code(load_provider(folder))
    assert sorted(files) == ["async_client.py", "client.py", "sync_client.py"]
    whole = set(client_code(load_provider(folder)).split("\n\n\n"))
    apart = {block for code in files.values() for block in code.split("\n\n\n")}
    assert sum(block.startswith("class ") for block in whole) == sum(block.startswith("class ") for block in apart)
    assert "Async" not in files["sync_client.py"]


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
        code = client_code(providers.load(name))
        classes = [line for line in code.splitlines() if line.startswith("class ")]
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
    """Texts are quoted as the formatter quotes them."""
    assert [quote(one) for one in ("a", 'a"', "a'", 1)] == ['"a"', "'a\"'", '"a\'"', "1"]

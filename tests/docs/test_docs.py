# SPDX-License-Identifier: Apache-2.0
"""The documentation is true: its links, commands and tables are compared with the code."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from typer.core import TyperGroup

from callwell import errors
from callwell.cli.commands import root as command_line
from callwell.cli.main import CLOSED_PIPE, INTERNAL, INTERRUPTED, TERMINATED
from tests.docs import pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST = 120
COMMANDS = [(page.name, words) for page in pages.PAGES for _, words in pages.commands(page)]


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that exists and, after a #, a place in it."""
    broken = []
    for link in pages.links(page):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, place = link.partition("#")
        target = page.parent / file if file else page
        if not target.is_file() or (place and place not in pages.anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_lines_are_short(page: Path) -> None:
    """No line is longer than a line of code, except what a program prints."""
    printed = {line for block in pages.blocks(page, "console") for line in block.text.splitlines()}
    lines = ["" if line in printed else line for line in pages.read(page).splitlines()]
    assert [number for number, line in enumerate(lines, 1) if len(line) > LONGEST] == []


def test_navigation_names_every_page() -> None:
    """The site's navigation leads to every page, and to no other."""
    settings = tomllib.loads((pages.ROOT / "zensical.toml").read_text(encoding="utf-8"))
    named = list(leaves(settings["project"]["nav"]))
    assert sorted(named) == sorted(page.relative_to(pages.DOCS).as_posix() for page in pages.DOCS.rglob("*.md"))


def leaves(navigation: Any) -> Iterator[str]:
    """The pages of a navigation, in its order."""
    for inner in navigation.values() if isinstance(navigation, dict) else navigation:
        if isinstance(inner, str):
            yield inner
        else:
            yield from leaves(inner)


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS, ids=lambda item: item if isinstance(item, str) else " ".join(item)
)
def test_commands_exist(page: str, words: list[str]) -> None:
    """Every command that is shown exists, and takes the options that are shown."""
    command: Any = command_line()
    words = list(words)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        context = command.make_context(command.name or "", [], resilient_parsing=True)
        command = command.get_command(context, words.pop(0))
        assert command is not None, page
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert given <= known


def test_every_error_has_its_row() -> None:
    """Every error and every exit code is in the page about errors."""
    text = pages.read(pages.DOCS / "errors.md")
    classes = [var for var in vars(errors).values() if isinstance(var, type) and issubclass(var, errors.CallwellError)]
    assert [item.__name__ for item in classes if f"`{item.__name__}`" not in text] == []
    codes = {item.exit_code for item in classes} | {INTERNAL, INTERRUPTED, TERMINATED, CLOSED_PIPE, 0}
    assert codes == {int(code) for code in re.findall(r"^\| (\d{1,2}|1[34]\d) \| ", text, re.MULTILINE)}


def test_every_fault_and_path_of_the_emulator_is_named() -> None:
    """Every fault, every field of a rule and every path of the control port is in the page about the emulator."""
    text = pages.read(pages.DOCS / "emulator.md")
    sources = [ast.parse(pages.read(path)) for path in (pages.ROOT / "src/callwell/emulator").glob("*.py")]
    words: set[str] = set()
    paths: set[str] = set()
    for node in (node for source in sources for node in ast.walk(source)):
        match node:
            case ast.AnnAssign(target=ast.Name("FAULTS"), value=ast.Dict(keys=keys)):
                words |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
            case ast.ClassDef("FaultRule", body=body):
                words |= {
                    item.target.id
                    for item in body
                    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
                }
            case ast.Call(func=ast.Name("Route"), args=[ast.Constant(str(path)), *_]):
                paths.add(path)
    assert words
    assert paths
    assert {word for word in words if f"`{word}`" not in text} == set()
    assert {path for path in paths if f" {path}`" not in text} == set()


PLACES = (pages.DOCS / "architecture.md", pages.ROOT / "CONTRIBUTING.md")
"""Pages that say where things are."""


def place(name: str) -> Path:
    """The path that a page means: below the package, unless it begins elsewhere in the project."""
    elsewhere = ("src/", "tests/", "tools/", "docs/", "requirements/", "changelog.d", ".")
    return pages.ROOT / name if name.startswith(elsewhere) else pages.ROOT / "src/callwell" / name


@pytest.mark.parametrize("page", PLACES, ids=lambda page: page.name)
def test_every_place_that_is_named_is_there(page: Path) -> None:
    """No page about the code names a file or a room that has moved."""
    names = re.findall(r"`([a-z_.]+(?:/[a-z_/]*)?(?:\.[a-z]+)?)`", pages.read(page))
    own = {"callwell.toml", "profile.toml", "openapi.json", ".venv", "pyproject.toml"}
    paths = [name for name in names if ("/" in name or name.endswith(".py")) and name not in own]
    in_table = {"test_layers.py": "tests/structure/test_layers.py", "base.py": "state/base.py"}
    in_table |= {"provider.py": "emulator/userplane/provider.py", "typed.py": "providers/typed.py"}
    outside = {"../shared", "_async/", ".venv/bin/python"}
    missing = [path for path in paths if path not in outside and not place(in_table.get(path, path)).exists()]
    assert missing == []
    assert len(paths) > 15


def test_every_function_of_the_architecture_is_there() -> None:
    """A function or class that stands behind a file is defined in that file."""
    pairs = re.findall(r"`([a-z_/]+\.py)` \(`(\w+)`\)", pages.read(pages.DOCS / "architecture.md"))
    assert len(pairs) > 8
    for file, name in pairs:
        assert re.search(rf"^(?:async )?(?:def|class) {name}\b", pages.read(place(file)), re.MULTILINE), (file, name)

# SPDX-License-Identifier: Apache-2.0
"""The rules of the project that no linter knows."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from file_cache import read_files
from tests.structure import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_FILE = 400
MAX_FUNCTION = 50
AGREED_LONG = {
    "src/callwell/errors.py": "one tree, drawn at its top: two files would be two trees",
}
SPDX = "SPDX-License-Identifier: Apache-2.0"

VENDORS = {
    "userplane": re.compile(r"userplane|uspl_", re.IGNORECASE),
    "apivideo": re.compile(r"api[._ -]?video", re.IGNORECASE),
    "language_confidence": re.compile(r"language[._ -]?confidence", re.IGNORECASE),
}
"""Folder of a vendor → how its name may be written. Comments and docstrings may name a vendor, code may not."""

MACHINE_PATH = re.compile(r"(?:(?<![\w.}/])|file://)/(?:work|root|home|opt|Users|mnt)/[\w.-]")
PERHAPS_A_PATH = re.compile(r"/(?:work|root|home|opt|Users|mnt)/")
"""What such a path has in it: to search all files for this takes a hundredth of the time."""

# Put together here, so that this file does not name them.
INDEX_HOSTS = re.compile("|".join([r"pypi" + r"\.org", r"python" + r"hosted\.org", r"registry\.npm" + r"js\.org"]))

ONE_FILE = {"api-video", "mitmproxy", "pyperclip"}
"""Packages that are published as source only, or as a wheel only: one hash is all they have."""

ALL_CODE = tree.python_files("src", "tests", "tools")
BY_HAND = [path for path in ALL_CODE if not tree.is_generated(path)]


def named(path: Path, line: int | None = None) -> str:
    """The name of a file in messages."""
    return path.relative_to(tree.ROOT).as_posix() + (f":{line}" if line else "")


def test_files_are_short() -> None:
    """No file written by hand is longer than 400 lines."""
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in BY_HAND}
    long = {name for name, length in lengths.items() if length > MAX_FILE}
    assert long == set(AGREED_LONG)


def test_functions_are_short() -> None:
    """No function written by hand is longer than 50 lines, its docstring not counted."""
    assert places(is_long) == []


def is_long(node: ast.AST) -> bool:
    """Whether a function has more lines than it may."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and function_length(node) > MAX_FUNCTION


def function_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its `def` on, nested functions included, its docstring not."""
    first = node.body[0]
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return length
    return length - ((first.end_lineno or first.lineno) - first.lineno + 1)


def test_one_assignment_a_statement() -> None:
    """No statement packs several assignments together, as `a, b = x, y` does; to unpack what a call returns is fine."""
    assert places(is_packed) == []


def is_packed(node: ast.AST) -> bool:
    """Whether a tuple that is written out is assigned to a tuple of targets."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return False
    return any(isinstance(target, ast.Tuple) for target in node.targets)


def test_no_conditional_expression_in_another() -> None:
    """A choice among three is an `if` statement, a `match` or a table."""
    assert places(is_nested) == []


def is_nested(node: ast.AST) -> bool:
    """Whether a conditional expression holds another, however deep."""
    if not isinstance(node, ast.IfExp):
        return False
    return any(isinstance(inner, ast.IfExp) for inner in ast.walk(node) if inner is not node)


def test_docstrings_describe_what_records_have() -> None:
    """No docstring of a record describes an attribute that was renamed or removed."""
    assert places(is_misdescribed) == []


def is_misdescribed(node: ast.AST) -> bool:
    """Whether the docstring of a record describes an attribute that it does not have."""
    if not isinstance(node, ast.ClassDef):
        return False
    origins = {ast.unparse(origin).partition("(")[0] for origin in (*node.bases, *node.decorator_list)}
    if origins.isdisjoint(("NamedTuple", "Struct", "dataclass", "dataclasses.dataclass")):
        return False
    section = (ast.get_docstring(node) or "").partition("Attributes:\n")[2]
    described = re.findall(r"^    (\w+):", section, flags=re.MULTILINE)
    fields = {
        part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    return not fields.issuperset(described)


def test_no_stubs() -> None:
    """Nothing is left to be written later: no NotImplementedError."""
    assert [place for place in places(is_stub) if place.startswith("src/")] == []


def is_stub(node: ast.AST) -> bool:
    """Whether a name stands for code that is still to come."""
    return isinstance(node, ast.Name) and node.id == "NotImplementedError"


def test_no_two_classes_have_one_name() -> None:
    """The name of a class says which one is meant, so that a reader finds it by a search."""
    homes: dict[str, list[str]] = {}
    for name, found in survey().items():
        if name.startswith("src/callwell/") and "/_sync/" not in name:
            for defined in found["classes"]:
                homes.setdefault(defined, []).append(name)
    assert homes
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


RULES: dict[type[ast.AST], Callable[[ast.AST], bool]] = {
    ast.FunctionDef: is_long,
    ast.AsyncFunctionDef: is_long,
    ast.Assign: is_packed,
    ast.IfExp: is_nested,
    ast.Name: is_stub,
    ast.ClassDef: is_misdescribed,
}
"""The rules about syntax, by the nodes that may break them."""


def places(rule: Callable[[ast.AST], bool]) -> list[str]:
    """Where the code written by hand breaks one of the rules about syntax."""
    return [f"{name}:{line}" for name, found in survey().items() for line in found["broken"].get(rule.__name__, ())]


@cache
def survey() -> dict[str, dict[str, Any]]:
    """What the syntax of each file written by hand shows."""
    return read_files(read_syntax, BY_HAND)


def read_syntax(_: str, text: str) -> dict[str, Any]:
    """The lines on which a file breaks each rule, and the names of its classes. One parse serves all rules."""
    broken: dict[str, list[int]] = {}
    classes = []
    for node in ast.walk(ast.parse(text)):
        rule = RULES.get(type(node))
        if rule is not None and rule(node):
            broken.setdefault(rule.__name__, []).append(getattr(node, "lineno", 0))
        if isinstance(node, ast.ClassDef):
            classes.append(node.name)
    return {"broken": broken, "classes": classes}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("def f():\n" + "    x = 1\n" * MAX_FUNCTION, is_long),
        ("a, b = 1, 2", is_packed),
        ("a = 1 if b else 2 if c else 3", is_nested),
        ("raise NotImplementedError", is_stub),
        ('class C(NamedTuple):\n    """C.\n\n    Attributes:\n        a: A.\n    """\n    b: int', is_misdescribed),
    ],
)
def test_the_rules_have_teeth(text: str, rule: Callable[[ast.AST], bool]) -> None:
    """A planted fault is found, and its opposite is not."""
    assert any(rule(node) for node in ast.walk(ast.parse(text)))
    assert not any(rule(node) for node in ast.walk(ast.parse("def f():\n    a, b = g(1 if c else 2)")))


def test_no_module_of_odds_and_ends() -> None:
    """No module or package is called utils or the like: code is in the module of its idea."""
    vague = {"util", "utils", "misc", "helpers", "common"}
    assert [named(path) for path in ALL_CODE if vague & {path.stem, path.parent.name}] == []


def test_every_file_says_its_licence() -> None:
    """Every code file begins with the SPDX line, or has it after a `#!`."""
    others = [tree.ROOT / name for name in ("Makefile", "pyproject.toml", ".ci/run")]
    files = [*ALL_CODE, *(tree.ROOT / "src").rglob("*.sql"), *others]
    assert [named(path) for path in files if not any(SPDX in line for line in head(path))] == []


def head(path: Path) -> list[str]:
    """The first line of a file, or the first two if the first is a `#!`."""
    lines = path.read_text(encoding="utf-8").splitlines()[:2]
    return lines if lines and lines[0].startswith("#!") else lines[:1]


def test_vendors_are_named_in_their_folders_only() -> None:
    """Code names no vendor outside its provider folder and its emulator: vendors are data."""
    assert list(vendor_names(tree.PACKAGE)) == []


def vendor_names(package: Path) -> Iterator[str]:
    """Where a vendor is named in code, or in data, outside its own folders."""
    for path in sorted(package.rglob("*")):
        if path.suffix not in {".py", ".toml", ".json", ".sql"}:
            continue
        parts = path.relative_to(package).parts
        text = path.read_text(encoding="utf-8")
        for vendor, pattern in VENDORS.items():
            homes = {("providers", vendor), ("emulator", vendor), ("providers", "typed.py")}
            if parts[:2] not in homes and pattern.search(text):  # reading tokens takes a hundred times as long
                for line, text in code_of(path):
                    if pattern.search(text):
                        yield f"{path.relative_to(package).as_posix()}:{line} names {vendor}"


def code_of(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file; for Python the names and strings, without comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    prose = {
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT and not (token.type == tokenize.STRING and token.start[0] in prose):
            yield token.start[0], token.string


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("core/x.py", "HOST = 'api.userplane.io'", 1),
        ("cli/x.py", "from callwell.providers.apivideo import client", 1),
        ("core/x.py", "class LanguageConfidence: ...", 1),
        ("providers/userplane/profile.toml", "like = 'api.video'", 1),
        ("core/x.py", "KEY = f'uspl_{x}'", 1),
        ("core/x.py", '"""As api.video does."""\nX = 1  # as Userplane', 0),
        ("emulator/userplane/x.py", "KEY = 'uspl_'", 0),
    ],
)
def test_the_search_for_vendors_has_teeth(tmp_path: Path, path: str, text: str, count: int) -> None:
    """A planted name is found in code, and allowed in prose and in its own folder."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert len(list(vendor_names(tmp_path))) == count


def test_nothing_knows_this_machine() -> None:
    """No file that is checked in has a path of somebody's machine or the host of a package index."""
    found = []
    for path in tree.project_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        if not PERHAPS_A_PATH.search(text) and not INDEX_HOSTS.search(text):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line) or INDEX_HOSTS.search(line):
                found.append(named(path, number))
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cd /work" + "/main", True),
        ("'/home" + "/ann/x'", True),
        ("file://" + "/opt" + "/x", True),
        ("https://host/home/x", False),
        ("src/work/x", False),
        ("{base}/root/x", False),
    ],
)
def test_machine_paths_are_no_urls(text: str, found: bool) -> None:  # noqa: FBT001 - a table of cases
    """A path from the root of a machine is found; a path in a URL or in the project is none."""
    assert bool(MACHINE_PATH.search(text)) == found
    assert PERHAPS_A_PATH.search(text)


@pytest.mark.parametrize("name", ["conformance", "documents"])
def test_the_lock_of_node_names_no_host(name: str) -> None:
    """Each package has a digest, and none says where it comes from."""
    lock = json.loads((tree.ROOT / "requirements" / name / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert packages
    assert [name for name, facts in packages.items() if "integrity" not in facts or "resolved" in facts] == []


def test_acceptance_runs_by_name_only(pytestconfig: pytest.Config) -> None:
    """Its tests take minutes, so a plain run leaves them out and a target of its own runs them."""
    assert (tree.ROOT / "tests" / "acceptance").is_dir()
    assert "acceptance" in pytestconfig.getini("norecursedirs")
    assert "pytest tests/acceptance" in (tree.ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_requirement_is_pinned_by_hash() -> None:
    """Each locked package has a hash of its source, and of a wheel if it has wheels; our dependencies are locked."""
    project = (tree.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for lock in sorted((tree.ROOT / "requirements").glob("*.txt")):
        packages = re.split(r"^(?=[a-z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        few = {text.partition("==")[0] for text in packages if text.count("--hash=sha256:") < 2}
        assert few - ONE_FILE == set()
        ours = set(re.findall(r"""^    ["']([a-z0-9-]+)>=""", project, flags=re.MULTILINE))
        if lock.name == "dev.txt":
            assert ours - {text.partition("==")[0] for text in packages} == set()

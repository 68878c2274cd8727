# SPDX-License-Identifier: Apache-2.0
"""Providers are found by name or by folder, and each bundled one has fresh generated clients."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import callwell
from callwell import providers
from callwell.codegen.generate import write_all
from callwell.description import catalog
from callwell.errors import ProfileError, UnknownName
from tests.description.tiny import write


def test_bundled() -> None:
    """A bundled provider is loaded once, and has the name of its folder."""
    assert providers.names() == tuple(sorted(providers.names()))
    for name in providers.names():
        assert providers.load(name).name == name
        assert providers.load(name) is providers.load(name)


def test_dashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have dashes, and means the bundled provider even if a folder has the same name."""
    for name in providers.names():
        spelt = name.replace("_", "-")
        (tmp_path / spelt).mkdir()
        monkeypatch.chdir(tmp_path)
        assert providers.load(spelt) is providers.load(name)
        assert catalog.generated_client(spelt, "Client") is catalog.generated_client(name, "Client") is not None


def test_folders(tmp_path: Path) -> None:
    """A folder with both files is a provider too, given as a path or as text."""
    folder = write(tmp_path / "tiny")
    assert providers.load(folder).name == providers.load(str(folder)).name == "tiny"
    assert catalog.generated_client("tiny", "Client") is None


def test_unknown(tmp_path: Path) -> None:
    """Anything else is refused with the closest names; a folder without the files is refused with their names."""
    with pytest.raises(UnknownName, match="unknown provider 'userplan': did you mean userplane"):
        providers.load("userplan")
    for nothing in ("", tmp_path / "nothing"):
        with pytest.raises(UnknownName):
            providers.load(nothing)
    with pytest.raises(ProfileError, match=r"openapi\.json: document: expected a file that can be read"):
        providers.load(tmp_path)


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    """What is checked in is what would be written now, byte for byte, and writing again changes nothing."""
    files = write_all(tmp_path)
    assert {file.relative_to(tmp_path) for file in files} == {
        Path("typed.py"),
        *(Path(name, f"{side}client.py") for name in providers.names() for side in ("", "async_", "sync_")),
    }
    for file in files:
        assert file.read_bytes() == (providers.FOLDER / file.relative_to(tmp_path)).read_bytes()
    before = {file: file.stat().st_mtime_ns for file in files}
    write_all(tmp_path)
    assert {file: file.stat().st_mtime_ns for file in files} == before


@pytest.mark.parametrize("name", providers.names())
def test_every_operation_has_a_method_on_both_sides(name: str) -> None:
    """The generated classes hold one method for each operation, those that save a file, and nothing else."""
    pytest.importorskip("callwell.client")
    for kind in ("Client", "AsyncClient"):
        cls = catalog.generated_client(name, kind)
        assert cls is not None
        tree = ast.parse(Path(str(sys.modules[cls.__module__].__file__)).read_text(encoding="utf-8"))
        groups = {item.attr: item for item in _properties(tree, cls.__name__)}
        found = {f"{group}.{method}" for group, one in groups.items() for method in _methods(tree, one.returns)}
        known = providers.load(name)
        saving = {
            f"{operation.partition('.')[0]}.{rule.asset.method}"
            for operation, rule in known.profile.operations.items()
            if rule.asset and rule.asset.method
        }
        assert {item.replace("_.", ".").rstrip("_") for item in found} == {*known.api.operations, *saving}


class _Property:
    """A property of a client: its name and the name of its class."""

    def __init__(self, node: ast.FunctionDef) -> None:
        self.attr = node.name
        self.returns = ast.unparse(node.returns) if node.returns else ""


def _properties(tree: ast.Module, name: str) -> list[_Property]:
    return [_Property(node) for node in _class(tree, name).body if isinstance(node, ast.FunctionDef)]


def _methods(tree: ast.Module, name: str) -> list[str]:
    body = _class(tree, name).body
    return [node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def test_loading_needs_no_client() -> None:
    """A description is loaded without the client, the generated code and the generator."""
    code = (
        "import sys; from callwell import providers; providers.load(providers.names()[0]);"
        "print([name for name in sys.modules if name.startswith(('callwell.client', 'callwell.providers.'))"
        " or name.endswith('_code') and name.startswith('callwell')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_from_an_archive_the_error_says_so(tmp_path: Path) -> None:
    """Bundled providers are files in a folder: a zip archive on the path of Python has none."""
    package = Path(callwell.__file__).parent
    archive = tmp_path / "callwell.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for module in package.rglob("*.py"):
            file.write(module, module.relative_to(package.parent))
    code = f"import sys; sys.path.insert(0, {str(archive)!r}); import callwell; callwell.Client('userplane')"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stderr.splitlines()[-1].endswith(f"unknown provider 'userplane': {catalog.ARCHIVED}")

# SPDX-License-Identifier: Apache-2.0
"""Extras are used, and the hints that say how to install one work from a clone and from a wheel."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from functools import cache
from importlib import metadata

import pytest

from callwell import extras
from tests.structure import tree

PROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
MODULES = {
    "ahocorasick-rs": "ahocorasick_rs",
    "kingfisher-bin": "kingfisher",
    "opentelemetry-api": "opentelemetry",
    "prometheus-client": "prometheus_client",
    "psycopg[binary]": "psycopg",
}
THROUGH_OTHERS = {"httptools"}
"""Packages that another one imports for us."""


def package(requirement: str) -> str:
    """The name in a requirement."""
    return re.split(r"[<>=; ]", requirement, maxsplit=1)[0]


@cache
def read_code() -> str:
    """All code of the package."""
    return "\n".join(file.read_text() for file in tree.python_files("src"))


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_is_used(extra: str) -> None:
    """Each package of an extra is imported somewhere, and some hint says how to install the extra."""
    code = read_code()
    for item in set(map(package, EXTRAS[extra])) - THROUGH_OTHERS:
        name = MODULES.get(item, item)
        assert re.search(rf"""(import |from |import_module\(")\b{name}\b""", code), item
    assert extra in {"opentelemetry", "prometheus"} or f'install_command("{extra}")' in code.replace("'", '"')


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_hint_names_what_is_missing(extra: str) -> None:
    """It lists the packages: Callwell is on no index, where its name may belong to somebody else."""
    words = shlex.split(extras.install_command(extra))
    assert words[:4] == [sys.executable, "-m", "pip", "install"]
    assert sorted(map(package, words[4:])) == sorted(map(package, EXTRAS[extra]))
    assert "callwell" not in words[4:]


def test_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """If Callwell was not installed, the hint is about a clone."""

    def missing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    assert extras.install_command("media") == "pip install '.[media]' in a clone of Callwell"


def test_no_text_names_an_index() -> None:
    """No page and no message installs Callwell by its bare name."""
    places = [tree.ROOT / "README.md", *(tree.ROOT / "docs").rglob("*.md"), *(tree.ROOT / "src").rglob("*.py")]
    bare = re.compile(r"(pip|uv|pipx) (tool )?(install|add|run) (-\S+ )*['\"]?callwell\b(?!-)")
    assert [str(file) for file in places if bare.search(file.read_text())] == []

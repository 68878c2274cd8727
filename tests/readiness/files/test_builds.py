# SPDX-License-Identifier: Apache-2.0
"""What builds would ship of what git ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.readiness.files.docker import find_docker_shippers
from callwell.readiness.files.globs import Patterns
from callwell.readiness.files.logs import is_log
from callwell.readiness.files.npm import find_npm_shippers
from callwell.readiness.files.outputs import find_output
from callwell.readiness.files.python_builds import find_python_shippers
from tests.readiness.repositories import write_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("lines", "meant", "not_meant"),
    [
        (["*.log"], ["a.log", "x/a.log"], ["a.log.txt"]),
        (["/a"], ["a", "a/b"], ["x/a"]),
        (["a/"], ["a/b", "x/a/b"], ["a", "x/a"]),
        (["a/b"], ["a/b", "a/b/c"], ["x/a/b"]),
        (["**/a/*.py"], ["a/x.py", "z/a/x.py"], ["a/b/x.py"]),
        (["a/**"], ["a/b/c"], ["a", "b"]),
        (["[a-c]?.t[!x]t"], ["bz.txt".replace("txt", "tat")], ["dz.tat", "bz.txt"]),
        (["*", "!keep"], ["a"], ["keep"]),
        (["# comment", "", r"\#name", "a "], ["#name", "a"], ["# comment"]),
        (["[z-a]", "b"], ["b"], ["a"]),
    ],
)
def test_patterns_of_git(lines: list[str], meant: list[str], not_meant: list[str]) -> None:
    """As git's manual has them."""
    patterns = Patterns.of_git(lines)
    assert [name for name in meant if not patterns.match(name)] == []
    assert [name for name in not_meant if patterns.match(name)] == []


@pytest.mark.parametrize(
    ("lines", "meant", "not_meant"),
    [
        ([".env"], [".env"], ["a/.env"]),
        (["**/.env"], [".env", "a/b/.env"], ["a.env"]),
        (["/a/", "./b"], ["a", "a/x", "b/y"], ["c/a"]),
        (["*", "!src"], [".env"], ["src/a", "src"]),
        (["secrets", "!secrets/public"], ["secrets/a"], ["secrets/public"]),
    ],
)
def test_patterns_of_docker(lines: list[str], meant: list[str], not_meant: list[str]) -> None:
    """All begin at the top folder, and an exception counts below an excluded folder too."""
    patterns = Patterns.of_docker(lines)
    assert [name for name in meant if not patterns.match(name)] == []
    assert [name for name in not_meant if patterns.match(name)] == []


DOCKER = {
    "everything": ({"Dockerfile": "FROM x\nCOPY . /app\n"}, {".env", "a/.env"}),
    "only some": ({"Dockerfile": "COPY a /app\n"}, {"a/.env"}),
    "ignored": ({"Dockerfile": "COPY . .\n", ".dockerignore": "# c\n**/.env\n"}, set()),
    "ignored at the top only": ({"Dockerfile": "COPY . .\n", ".dockerignore": ".env\n"}, {"a/.env"}),
    "JSON, flags and more lines": (
        {"Dockerfile": 'ADD --chown=me:me \\\n # c\n ["a", ".env", "/x/"]\n'},
        {".env", "a/.env"},
    ),
    "from another stage": ({"Dockerfile": "COPY --from=build /app /app\n"}, set()),
    "from elsewhere": ({"Dockerfile": "ADD https://example.org/.env /x\nCOPY <<EOF /y\nCOPY nothing\nEOF\n"}, set()),
    "a pattern": ({"Dockerfile": "ONBUILD COPY .e* /x\n"}, {".env"}),
    "a variable": ({"Dockerfile": "ARG D\nCOPY $D/.env /x\n"}, {".env", "a/.env"}),
    "another escape": ({"Dockerfile": "# escape=`\nCOPY `\n .env /x\n"}, {".env"}),
    "an open quote": ({"Dockerfile": "COPY '.env /x\n"}, set()),
    "its own ignore file": (
        {"prod.Dockerfile": "COPY . .\n", "prod.Dockerfile.dockerignore": "**/.env", ".dockerignore": ""},
        set(),
    ),
    "a service in a folder": ({"a/Dockerfile": "COPY . .\n", "a/main.py": ""}, {"a/.env"}),
    "a folder of Dockerfiles": ({"docker/Dockerfile": "COPY . .\n", "main.py": ""}, {".env", "a/.env"}),
    "built from the root": ({"a/Dockerfile": "COPY main.py .env ./\n", "main.py": "", "a/x.py": ""}, {".env"}),
    "Podman": ({"Containerfile": "COPY . .\n"}, {".env", "a/.env"}),
    "Podman's own ignore file": ({"Containerfile": "COPY . .\n", ".containerignore": "a\n"}, {".env"}),
    "a context that Compose names": (
        {
            "a/docker/Dockerfile": "COPY . .\n",
            "a/docker/x.sh": "",
            "compose.yaml": "services:\n w:\n  build: {context: ./a, dockerfile: docker/Dockerfile}\n",
        },
        {"a/.env"},
    ),
    "a folder that Compose builds": (
        {"a/Dockerfile": "COPY . .\n", "deploy/docker-compose.yml": "services:\n w:\n  build: ../a\n"},
        {"a/.env"},
    ),
    "a Dockerfile inside Compose": (
        {"compose.yml": "services:\n w:\n  build:\n   dockerfile_inline: |\n    FROM x\n    COPY a /a\n"},
        {"a/.env"},
    ),
    "Compose that builds nothing here": (
        {
            "compose.yaml": "services:\n w: {build: 'https://example.org/x.git'}\n v: {build: ../../x}\n"
            " u: {build: !reset null}\n t: {build: [1]}\n s: text\n",
            "compose.prod.yaml": "build: [\n",
        },
        set(),
    ),
}


@pytest.mark.parametrize("case", DOCKER)
def test_docker(tmp_path: Path, case: str) -> None:
    """Ignored files in an image: what COPY and ADD take, but for what the build context leaves out."""
    files, expected = DOCKER[case]
    write_files(tmp_path, files)
    shippers = list(find_docker_shippers(tmp_path, [*files, ".env", "a/.env"]))
    assert {name for name in (".env", "a/.env") if any(shipper.ships(name) for shipper in shippers)} == expected


NPM = {
    "files": ('{"name": "a", "version": "1", "files": ["dist", "!dist/x.map"]}', {}, {"dist/a.js"}),
    "an ignore file of its own": ('{"name": "a", "version": "1"}', {".npmignore": "dist\n"}, {".env"}),
    "that of git": ('{"name": "a", "version": "1"}', {}, set()),
    "private": ('{"name": "a", "version": "1", "private": true, "files": ["dist"]}', {}, set()),
    "broken": ('{"name": ', {}, set()),
    "the main file": ('{"name": "a", "version": "1", "main": "./dist/a.js"}', {}, {"dist/a.js"}),
    "programs": ('{"name": "a", "version": "1", "files": [], "bin": {"a": "dist/a.js"}}', {}, {"dist/a.js"}),
    "never": ('{"name": "a", "version": "1", "files": [".npmrc", "*"]}', {}, {".env", "dist/a.js", "dist/x.map"}),
}


@pytest.mark.parametrize("case", NPM)
def test_npm(tmp_path: Path, case: str) -> None:
    """Ignored files in a package."""
    manifest, others, expected = NPM[case]
    write_files(tmp_path, {"p/package.json": manifest} | {f"p/{name}": text for name, text in others.items()})
    names = (".env", "dist/a.js", "dist/x.map", ".npmrc")
    shippers = list(find_npm_shippers(tmp_path, ["p/package.json"]))
    assert {name for name in names if any(shipper.ships(f"p/{name}") for shipper in shippers)} == expected
    assert not any(shipper.ships(".env") for shipper in shippers)


HATCH = '[build-system]\nbuild-backend = "hatchling.build"\n'
SETUPTOOLS = '[build-system]\nbuild-backend = "setuptools.build_meta"\n'
PYTHON = {
    "hatch": ({"pyproject.toml": HATCH}, set()),
    "hatch with artifacts": (
        {"pyproject.toml": HATCH + '[tool.hatch.build]\nartifacts = ["*.json"]\n'},
        {"src/p/k.json"},
    ),
    "hatch with a forced file": (
        {"pyproject.toml": HATCH + '[tool.hatch.build.targets.wheel.force-include]\n".env" = "p/.env"\n'},
        {".env"},
    ),
    "hatch without git": (
        {"pyproject.toml": HATCH + "[tool.hatch.build.targets.wheel]\nignore-vcs = true\n"},
        {"src/p/k.json", "src/p/local.py"},
    ),
    "setuptools": ({"pyproject.toml": SETUPTOOLS}, {"src/p/local.py"}),
    "setuptools with data": (
        {"pyproject.toml": SETUPTOOLS + '[tool.setuptools.package-data]\np = ["*.json"]\n'},
        {"src/p/local.py", "src/p/k.json"},
    ),
    "setuptools with data everywhere": (
        {"pyproject.toml": SETUPTOOLS + '[tool.setuptools.package-data]\n"*" = ["*.json"]\nq = ["x"]\n'},
        {"src/p/local.py", "src/p/k.json"},
    ),
    "setuptools with data by setup.cfg": (
        {"setup.cfg": "[options.package_data]\np = *.json\n[options.data_files]\netc = .env\n"},
        {".env", "src/p/local.py", "src/p/k.json"},
    ),
    "setuptools with data by setup.py": (
        {"setup.py": "setup(name=NAME, package_data={'p': ['*.json']}, data_files=[('etc', ['.env'])])\n"},
        {".env", "src/p/local.py", "src/p/k.json"},
    ),
    "setuptools with a module": (
        {
            "pyproject.toml": SETUPTOOLS + '[tool.setuptools]\npy-modules = ["p/local"]\npackage-dir = {"" = "src"}\n',
            "setup.cfg": "[options\n",
            "setup.py": "setup(\n",
        },
        {"src/p/local.py"},
    ),
    "maturin": (
        {"pyproject.toml": '[build-system]\nbuild-backend = "maturin"\n[tool.maturin]\ninclude = [".env"]\n'},
        {".env"},
    ),
    "setuptools with a manifest": (
        {"setup.py": "", "MANIFEST.in": "include .env # c\nrecursive-include src *.json\nglobal-exclude local.py\n"},
        {".env", "src/p/k.json"},
    ),
    "a manifest that prunes": ({"setup.cfg": "", "MANIFEST.in": "graft src\nprune src/p\n"}, set()),
    "flit": (
        {"pyproject.toml": '[build-system]\nbuild-backend = "flit_core.buildapi"\n'},
        {"src/p/k.json", "src/p/local.py"},
    ),
    "poetry": (
        {
            "pyproject.toml": '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n'
            '[tool.poetry]\ninclude = [".env", {path = "src/p/*.json"}]\n'
        },
        {".env", "src/p/k.json"},
    ),
    "no project": ({"pyproject.toml": "[tool.ruff]\n"}, set()),
    "broken": ({"pyproject.toml": "[build-system\n"}, set()),
}


@pytest.mark.parametrize("case", PYTHON)
def test_python(tmp_path: Path, case: str) -> None:
    """Ignored files in a wheel or a source distribution."""
    files, expected = PYTHON[case]
    write_files(tmp_path, files)
    names = (".env", "src/p/k.json", "src/p/local.py")
    shippers = list(find_python_shippers(tmp_path, [*files, "src/p/__init__.py"]))
    assert {name for name in names if any(shipper.ships(name) for shipper in shippers)} == expected


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("dist/app.js.map", "dist"),
        ("web/.next/static/a.js", "web/.next"),
        ("web/.next/cache/a.pack", None),
        ("build/static/js/main.js", "build"),
        ("build/lib/p/a.py", None),
        ("build/lib.linux-x86_64-cpython-311/p/a.py", None),
        ("build/bdist.linux-x86_64/wheel/a.py", None),
        ("build/lib", "build"),
        ("build/lib.js", "build"),
        ("build/libs/app.jar", "build"),
        ("build/library/a.js", "build"),
        ("build/templates/a.html", "build"),
        ("build/tmp/a.class", None),
        ("web/.next/cached.js", "web/.next"),
        ("dist", None),
        ("src/distance.py", None),
    ],
)
def test_outputs(name: str, folder: str | None) -> None:
    """Folders that builds write, without what stays on their machine."""
    assert find_output(name) == folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.log", True),
        ("app.log.1", True),
        ("app.log.2026-01-01.gz", True),
        ("logs/today/x.txt", True),
        ("tests/cassettes/test_a.yaml", True),
        ("vcr_cassettes/a.json", True),
        ("page.HAR", True),
        ("logs/__init__.py", False),
        ("catalog.txt", False),
        ("src/log.go", False),
    ],
)
def test_logs(name: str, *, expected: bool) -> None:
    """Logs and cassettes, but not the code that makes them."""
    assert is_log(name) is expected

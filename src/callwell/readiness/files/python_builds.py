# SPDX-License-Identifier: Apache-2.0
"""What Python's build tools would put into a wheel or a source distribution, although git ignores it.

Hatch and Poetry leave out what git ignores, unless it is named. Setuptools, Flit, PDM and uv do not ask git.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

from callwell.readiness.files.globs import Patterns, clean
from callwell.readiness.files.setuptools_options import read_setuptools
from callwell.readiness.files.shipper import Shipper, below, folder_of, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

WHOLE_PACKAGES: Final = ("flit_core", "uv_build", "pdm")
"""ImageBuild back ends that take every file in the folder of a package."""

NO_PACKAGES: Final = {"tests", "test", "docs", "doc", "examples", "example", "tools", "scripts", "build", "dist"}
"""Folders next to the packages that setuptools does not take for packages (its manual, "Automatic discovery")."""

INCLUDING: Final = {"poetry": ("poetry",), "maturin": ("maturin",)}
"""ImageBuild back ends that ship what git ignores if their table in `tool` names it in `include`."""


def find_python_shippers(root: Path, names: Iterable[str]) -> Iterator[Shipper]:
    """Every Python project that can be built.

    Args:
        root: the project's folder.
        names: the names of its files.
    """
    known = set(names)
    for name in sorted(known):
        folder = folder_of(name)
        last = name.rpartition("/")[2]
        beside = f"{folder}/pyproject.toml".lstrip("/")
        if last == "pyproject.toml" or (last in ("setup.py", "setup.cfg") and beside not in known):
            inner = {relative for one in known if (relative := below(folder, one)) is not None}
            patterns = Patterns.of_git(_read_patterns(root / name, inner), anchored=True)
            if patterns.patterns:
                yield Shipper(origin=name, ships=_make_ships(folder, patterns))


def _make_ships(folder: str, patterns: Patterns) -> Callable[[str], bool]:
    def ships(file: str) -> bool:
        inner = below(folder, file)
        return inner is not None and patterns.match(inner)

    return ships


def _read_patterns(path: Path, names: set[str]) -> Iterator[str]:
    """What a project ships of what git ignores, as patterns relative to its folder."""
    settings: dict[str, Any] = {}
    if path.name == "pyproject.toml":
        try:
            settings = tomllib.loads("\n".join(read_lines(path) or []))
        except (tomllib.TOMLDecodeError, RecursionError):
            return
        if "build-system" not in settings and "project" not in settings:
            return
    backend = str(_table(settings, "build-system").get("build-backend", "setuptools")).partition(".")[0]
    tools = _table(settings, "tool")
    options = read_setuptools(path.parent, _table(tools, "setuptools"))
    packages = sorted(find_packages(names, ("", "src", *map(clean, options.folders))))
    if backend == "hatchling":
        yield from _read_hatch(_table(tools, "hatch", "build"), packages)
    elif backend in INCLUDING:
        yield from _read_included(_table(tools, *INCLUDING[backend]))
    elif backend in WHOLE_PACKAGES:
        yield from packages
    elif backend == "setuptools":
        yield from (f"{package}/**/*.py" for package in packages)
        yield from (f"{clean(folder)}/{module}.py" for module in options.modules for folder in options.folders or [""])
        yield from map(clean, options.data_files)
        yield from _read_package_data(options.package_data, packages)
        yield from _read_manifest(read_lines(path.parent / "MANIFEST.in") or [])


def find_packages(names: Iterable[str], folders: Iterable[str]) -> set[str]:
    """The folders of top-level packages.

    Args:
        names: the names of the project's files.
        folders: where packages may be, relative to the project's file; empty for next to it.
    """
    found = set()
    prefixes = {f"{folder}/" if folder else "" for folder in folders}
    for name in (name.removesuffix("/__init__.py") for name in names if name.endswith("/__init__.py")):
        prefix = name[: name.rfind("/") + 1]
        if prefix in prefixes and (prefix or name not in NO_PACKAGES):
            found.add(name)
    return found


def _read_hatch(build: Mapping[str, Any], packages: Iterable[str]) -> Iterator[str]:
    """Hatch's manual, "ImageBuild configuration": artifacts, force-include, ignore-vcs."""
    targets = _table(build, "targets")
    for table in (build, *(_table(targets, target) for target in targets)):
        # Unlike `files` of npm, an artifact without a slash means a name at any depth.
        yield from (glob if "/" in glob.rstrip("/") else f"**/{glob}" for glob in _texts(table.get("artifacts")))
        yield from map(clean, _table(table, "force-include"))
        if table.get("ignore-vcs") is True:
            yield from packages


def _read_included(table: Mapping[str, Any]) -> Iterator[str]:
    """Poetry's manual, "include and exclude"; Maturin's user guide, "Including files"."""
    included = table.get("include")
    for entry in included if isinstance(included, list) else ():
        path = entry.get("path") if isinstance(entry, dict) else entry
        if isinstance(path, str):
            yield clean(path)


def _read_package_data(data: Mapping[str, Any], packages: Iterable[str]) -> Iterator[str]:
    """Setuptools' manual, "Data files support"."""
    known = {package.rpartition("/")[2]: package for package in packages}
    for name, globs in data.items():
        top, _, rest = name.partition(".")
        if top in ("*", ""):
            folders = [f"{package}/**" for package in packages]
        else:
            folders = [f"{known[top]}/{rest.replace('.', '/')}"] if top in known else []
        yield from (clean(f"{folder}/{glob}") for folder in folders for glob in _texts(globs))


def _read_manifest(lines: Iterable[str]) -> Iterator[str]:
    """Setuptools' manual, "Controlling files in the distribution": `MANIFEST.in`."""
    for line in lines:
        command, _, rest = line.partition("#")[0].strip().partition(" ")
        words = rest.split()
        if command in ("include", "exclude"):
            globs = [clean(word) for word in words]
        elif command in ("recursive-include", "recursive-exclude"):
            globs = [clean(f"{words[0]}/**/{word}") for word in words[1:]]
        elif command in ("global-include", "global-exclude"):
            globs = [f"**/{word}" for word in words]
        elif command in ("graft", "prune"):
            globs = [f"{clean(word)}/" for word in words]
        else:
            continue
        sign = "!" if command == "prune" or command.endswith("exclude") else ""
        yield from (f"{sign}{glob}" for glob in globs)


def _table(table: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """A table inside a table; an empty one if there is none."""
    found: Any = table
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

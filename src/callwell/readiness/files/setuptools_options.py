# SPDX-License-Identifier: Apache-2.0
"""The options of setuptools that say which files it ships, from wherever a project keeps them.

They are in `pyproject.toml`, in `setup.cfg`, or literals in `setup.py`, which is parsed and never run.
"""

from __future__ import annotations

import ast
import configparser
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.readiness.files.shipper import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WORDS: Final = ("package_data", "data_files", "py_modules", "package_dir", "where")
"""Arguments of `setup` and of `find_packages` that are read."""


class SetuptoolsOptions(NamedTuple):
    """What setuptools ships besides the modules of its packages.

    Attributes:
        package_data: patterns by package; `*` or empty for all packages.
        data_files: patterns of other files.
        modules: modules outside packages.
        folders: where packages are searched for.
    """

    package_data: dict[str, list[str]]
    data_files: list[str]
    modules: list[str]
    folders: list[str]


def read_setuptools(folder: Path, table: Mapping[str, Any]) -> SetuptoolsOptions:
    """The options of a project.

    Args:
        folder: the project's folder.
        table: `tool.setuptools` of its `pyproject.toml`.
    """
    options = SetuptoolsOptions({}, [], [], [])
    for source in (_of_pyproject(table), _of_cfg(folder / "setup.cfg"), *_of_code(folder / "setup.py")):
        data = source.get("package_data")
        for package, globs in (data if isinstance(data, dict) else {}).items():
            options.package_data.setdefault(str(package), []).extend(_list(globs))
        files = source.get("data_files")
        options.data_files.extend(name for group in _groups(files) for name in _list(group))
        options.modules.extend(_list(source.get("py_modules")))
        folders = source.get("package_dir")
        options.folders.extend(_list(source.get("where")))
        options.folders.extend(_list(folders.get("")) if isinstance(folders, dict) else [])
    return options


def _of_pyproject(table: Mapping[str, Any]) -> dict[str, Any]:
    """Setuptools' manual, "Configuring setuptools using pyproject.toml files"."""
    packages = table.get("packages")
    found = packages.get("find") if isinstance(packages, dict) else None
    where = found.get("where") if isinstance(found, dict) else None
    named = {name.replace("-", "_"): value for name, value in table.items()}
    return {"where": where} | {name: value for name, value in named.items() if name in WORDS}


def _of_cfg(path: Path) -> dict[str, Any]:
    """Setuptools' manual, "Configuring setuptools using setup.cfg files"."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(configparser.Error):
        parser.read_string("\n".join(read_lines(path) or []))
    tables = {section: dict(parser[section]) for section in parser.sections()}
    options = tables.get("options", {})
    return {
        "package_data": tables.get("options.package_data"),
        "data_files": tables.get("options.data_files"),
        "py_modules": options.get("py_modules"),
        "package_dir": dict(re.findall(r"(?m)^\s*()=\s*(\S+)", options.get("package_dir", ""))),
        "where": tables.get("options.packages.find", {}).get("where"),
    }


def _of_code(path: Path) -> Iterator[dict[str, Any]]:
    """The arguments of each call in `setup.py` that are literals."""
    try:
        tree = ast.parse("\n".join(read_lines(path) or []))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the checks of code say so
        return
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        values: dict[str, Any] = {}
        for argument in call.keywords:
            if argument.arg in WORDS:
                with suppress(ValueError):
                    values[argument.arg] = ast.literal_eval(argument.value)
        yield values


def _groups(files: Any) -> list[Any]:
    """The files of `data_files` without their folders: a table by folder, or a list of pairs."""
    if isinstance(files, dict):
        return list(files.values())
    pairs = files if isinstance(files, (list, tuple)) else ()
    return [pair[-1] for pair in pairs if isinstance(pair, (list, tuple)) and pair]


def _list(value: Any) -> list[str]:
    """The texts of a list, or of a text with one in each line or between commas."""
    if isinstance(value, str):
        return [item.strip() for item in re.split(r"[\n,]", value) if item.strip()]
    return [item for item in value if isinstance(item, str)] if isinstance(value, (list, tuple)) else []

# SPDX-License-Identifier: Apache-2.0
"""Reads `callwell.toml` and checks names and types; an error names its line.

Only the command line reads it, never the library. A file in the working folder or above it may come from anyone, for
instance with a cloned repository. So it cannot set what decides who receives the key (`trusted_only` in
`callwell.client.settings`), except an address on this machine. Any other address needs a file in the home folder,
or one that CALLWELL_CONFIG names. It holds no keys, only where they are.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from callwell.client.settings import ENVIRONMENT_SETTINGS, GLOBAL_SETTINGS, SETTINGS
from callwell.core.addresses import LOOPBACK_HOSTS, mask_address
from callwell.description import catalog
from callwell.description.error import DescriptionError
from callwell.description.locate import toml_line
from callwell.errors import InvalidOption, ProfileError, UsageError
from callwell.keys.kinds import RUNS_PROGRAMS
from callwell.keys.source import parse_source
from callwell.keys.spec import split_place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from callwell.description.error import KeyPath

NAME: Final = "callwell.toml"
FOLDER: Final = "folder"
"""In the table of a provider that is not bundled: the folder of its description."""

ALLOWED: Final = (GLOBAL_SETTINGS, (*SETTINGS, FOLDER), ENVIRONMENT_SETTINGS)
"""The settings allowed at the top level, in a provider's table, and in an environment's table, by depth."""

IN_FILES: Final = ("file", "dir")
"""Kinds of key sources with a path as their place."""

_LINE: Final = re.compile(r"at line (\d+)")


class SourcedValue(NamedTuple):
    """The value of a setting, and where it was set.

    Attributes:
        value: a string, seconds, or a flag.
        origin: `file:line` or `env:VARIABLE`.
    """

    value: str | float
    origin: str


class ConfigFile(NamedTuple):
    """A `callwell.toml` that has been read.

    Attributes:
        path: the file.
        values: its settings, by the keys that lead to them.
    """

    path: Path
    values: Mapping[KeyPath, SourcedValue]

    def folders(self) -> dict[str, SourcedValue]:
        """The description folder of each provider that is not bundled."""
        return {path[0]: value for path, value in self.values.items() if path[1:] == (FOLDER,)}


def find_config_file(named: str | None, folder: Path, home: Path) -> ConfigFile | None:
    """Find and read the file that applies to a folder, if there is one.

    Args:
        named: the file named by CALLWELL_CONFIG.
        folder: the working folder; its parents are searched up to the home folder, or the root.
        home: the home folder.

    Raises:
        UsageError: the file cannot be read, or is not valid.
    """
    if named:
        return read_config_file(Path(named).expanduser(), trusted=True)
    for parent in (folder, *folder.parents):
        path = parent / NAME
        if os.path.isfile(path):  # noqa: PTH113 - `Path.is_file` of 3.11 raises if it may not look
            _check_owner(path)
            return read_config_file(path, trusted=parent == home)
        if parent == home:
            return None
    return None


def read_config_file(path: Path, *, trusted: bool) -> ConfigFile:
    """Read and check a file.

    Args:
        path: the file.
        trusted: whether it may decide who receives the key.

    Raises:
        UsageError: it cannot be read, or is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _LINE.search(str(error))
        line = int(match[1]) if match else max(1, len(text.splitlines()))
        raise ProfileError(str(path), "document", f"expected TOML: {error}", line=line) from error
    try:
        values = dict(_walk(document, (), path.absolute().parent, trusted=trusted))
    except DescriptionError as error:
        raise error.to_profile_error(str(path), text, toml_line) from None
    sourced = {key: SourcedValue(value, f"{path}:{toml_line(text, key)}") for key, value in values.items()}
    return ConfigFile(path, sourced)


def _check_owner(path: Path) -> None:
    """Refuse a file that another user has put into a folder above, such as /tmp."""
    if os.name != "nt" and path.stat().st_uid not in (os.getuid(), 0):
        raise UsageError(f"{path} belongs to another user; delete it, or set CALLWELL_CONFIG to your own file")


def _walk(
    table: Mapping[str, Any], path: KeyPath, folder: Path, *, trusted: bool
) -> Iterator[tuple[KeyPath, str | float]]:
    for name, value in table.items():
        here = (*path, name)
        if isinstance(value, dict) and name not in ALLOWED[len(path)] and len(path) < len(ALLOWED) - 1:
            if not path:
                _check_provider(name, value)
            yield from _walk(value, here, folder, trusted=trusted)
            continue
        if name not in ALLOWED[len(path)]:
            raise DescriptionError(here, f"expected {_nearest(name, ALLOWED[len(path)])}, found an unknown setting")
        checked = _check_value(here, value)
        if name != FOLDER and SETTINGS[name].trusted_only and not trusted and not _on_this_machine(name, checked):
            raise DescriptionError(
                here,
                "only a trusted config file may set this: it decides who receives the key; if this file is yours, "
                f"trust it: export CALLWELL_CONFIG={folder / NAME}",
            )
        if kind_of(name, checked) in RUNS_PROGRAMS and not trusted:
            raise DescriptionError(
                here,
                "only a trusted config file may name a command, which runs on this machine; if this file is yours, "
                f"trust it: export CALLWELL_CONFIG={folder / NAME}",
            )
        yield here, _absolute_path(name, checked, folder)


def kind_of(name: str, value: str | float) -> str:
    """The kind of key source that a setting names; empty if it names none."""
    is_source = name in SETTINGS and SETTINGS[name].kind == "secret"
    return split_place(str(value))[0] if is_source else ""


def _check_provider(name: str, table: Mapping[str, Any]) -> None:
    bundled = name in catalog.bundled_names()
    if bundled and FOLDER in table:
        raise DescriptionError((name, FOLDER), f"{name} comes with Callwell; give your own description another name")
    if not bundled and FOLDER not in table:
        expected = f"expected {_nearest(name, catalog.bundled_names())}, or a `folder` in this table"
        raise DescriptionError((name,), f"{expected}, found an unknown provider")


def _nearest(name: str, known: Collection[str]) -> str:
    return " or ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known))


def _check_value(path: KeyPath, value: object) -> str | float:
    name = path[-1]
    kind = "text" if name == FOLDER else SETTINGS[name].kind
    if kind == "seconds":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise DescriptionError(path, "expected seconds above zero", found=value)
        return float(value)
    if kind == "flag":
        if not isinstance(value, bool):
            raise DescriptionError(path, "expected true or false", found=value)
        return value
    if kind == "secret":
        return _check_key_source(path, value)
    if not isinstance(value, str) or not value:
        raise DescriptionError(path, "expected a string", found=value)
    return _check_address(path, value) if kind == "address" else value


def _check_address(path: KeyPath, value: str) -> str:
    """Check that a key can be sent to an address. A message about a wrong one does not repeat a password in it."""
    from callwell.client.addresses import check_base_url  # imports the client

    try:
        return check_base_url(value)
    except InvalidOption as error:
        raise DescriptionError(path, f"expected {error.expected}, found {mask_address(value.strip())!r}") from None


def _check_key_source(path: KeyPath, value: object) -> str:
    """Check a key source. Anything else may be a key itself, so messages do not repeat it."""
    try:
        parse_source(value if isinstance(value, str) else "", "")
    except InvalidOption:
        raise DescriptionError(
            path, "expected a key source (env:NAME, file:PATH, …); a key itself must not be in this file"
        ) from None
    return str(value)


def _on_this_machine(name: str, value: str | float) -> bool:
    return name == "base_url" and urlsplit(str(value)).hostname in LOOPBACK_HOSTS


def _absolute_path(name: str, value: str | float, folder: Path) -> str | float:
    """Make a path absolute: it is relative to the file's folder, not to the working folder."""
    if kind_of(name, value) in IN_FILES:
        head, colon, path = str(value).partition(":")
        return f"{head}{colon}{folder / Path(path).expanduser()}"
    prefix = "" if name == FOLDER else SETTINGS[name].path_prefix
    if prefix is None or not isinstance(value, str) or not value.startswith(prefix):
        return value
    return f"{prefix}{folder / Path(value.removeprefix(prefix)).expanduser()}"

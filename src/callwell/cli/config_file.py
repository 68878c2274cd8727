# SPDX-License-Identifier: Apache-2.0
"""Reads `callwell.toml`: every setting in it is known, has its type, and its line.

Only the command line reads it, never the library. A file in the working folder or above it may come from anyone, for
instance with a cloned repository. So it cannot set what decides who receives the key (`guarded` in
`callwell.client.settings`), except an address on this machine: that takes a file in the home folder, or one that
CALLWELL_CONFIG names. It holds no keys, only their places.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from callwell.client.settings import GENERAL, OF_ENVIRONMENT, SETTINGS
from callwell.core.addresses import mask_address
from callwell.description import catalog
from callwell.description.error import DescriptionError
from callwell.description.locate import toml_line
from callwell.errors import InvalidOption, ProfileError, UsageError
from callwell.keys import parse_source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from callwell.description.error import KeyPath

NAME: Final = "callwell.toml"
FOLDER: Final = "folder"
"""In the table of a provider that does not come with Callwell: where its description is."""

TAKES: Final = (GENERAL, (*SETTINGS, FOLDER), OF_ENVIRONMENT)
"""The settings at the top, in a provider's table, and in the table of one of its environments."""

_LINE: Final = re.compile(r"at line (\d+)")


class Said(NamedTuple):
    """What a setting was set to, and where: a file and line, or a variable.

    Attributes:
        value: a text, seconds, or true or false.
        where: for people.
    """

    value: str | float
    where: str


class ConfigFile(NamedTuple):
    """A `callwell.toml` that has been read.

    Attributes:
        path: where it is.
        said: what it says, by the keys that lead there.
    """

    path: Path
    said: Mapping[KeyPath, Said]

    def folders(self) -> dict[str, Said]:
        """Where the descriptions are of providers that do not come with Callwell, by name."""
        return {path[0]: said for path, said in self.said.items() if path[1:] == (FOLDER,)}


def find(named: str | None, folder: Path, home: Path) -> ConfigFile | None:
    """The file that holds for a folder, if there is one.

    Args:
        named: the file that CALLWELL_CONFIG names.
        folder: the working folder; its parents are looked at up to the home folder, or the root.
        home: the home folder.

    Raises:
        UsageError: it cannot be read, or does not say what it must.
    """
    if named:
        return read(Path(named).expanduser(), trusted=True)
    for one in (folder, *folder.parents):
        path = one / NAME
        if path.is_file():
            _see_that_it_is_ours(path)
            return read(path, trusted=one == home)
        if one == home:
            return None
    return None


def read(path: Path, *, trusted: bool) -> ConfigFile:
    """A file.

    Args:
        path: where it is.
        trusted: it may say through whom a key travels.

    Raises:
        UsageError: it cannot be read, or does not say what it must.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', 'it is no UTF-8 text')}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        line = int(at[1]) if at else max(1, len(text.splitlines()))
        raise ProfileError(str(path), "document", f"expected TOML: {error}", line=line) from error
    try:
        values = dict(_walk(document, (), path.absolute().parent, trusted=trusted))
    except DescriptionError as error:
        raise error.to_profile_error(str(path), text, toml_line) from None
    return ConfigFile(path, {key: Said(value, f"{path}:{toml_line(text, key)}") for key, value in values.items()})


def _see_that_it_is_ours(path: Path) -> None:
    """A file that somebody else has put into a folder above, such as /tmp, is not obeyed."""
    if os.name != "nt" and path.stat().st_uid not in (os.getuid(), 0):
        raise UsageError(f"{path} belongs to another user; remove it, or name your own file with CALLWELL_CONFIG")


def _walk(
    table: Mapping[str, Any], path: KeyPath, folder: Path, *, trusted: bool
) -> Iterator[tuple[KeyPath, str | float]]:
    for name, value in table.items():
        here = (*path, name)
        if isinstance(value, dict) and name not in TAKES[len(path)] and len(path) < len(TAKES) - 1:
            if not path:
                _see_that_it_is_known(name, value)
            yield from _walk(value, here, folder, trusted=trusted)
            continue
        if name not in TAKES[len(path)]:
            raise DescriptionError(here, f"expected {_nearest(name, TAKES[len(path)])}, found an unknown setting")
        checked = _checked(here, value)
        if name != FOLDER and SETTINGS[name].guarded and not trusted and not _on_this_machine(name, checked):
            raise DescriptionError(
                here,
                "a file that merely lies here cannot say through whom keys travel; if it is yours, name it: "
                f"export CALLWELL_CONFIG={folder / NAME}",
            )
        yield here, _absolute(name, checked, folder)


def _see_that_it_is_known(name: str, table: Mapping[str, Any]) -> None:
    bundled = name in catalog.bundled_names()
    if bundled and FOLDER in table:
        raise DescriptionError((name, FOLDER), f"{name} comes with Callwell: give your own description another name")
    if not bundled and FOLDER not in table:
        raise DescriptionError(
            (name,),
            f"expected {_nearest(name, catalog.bundled_names())}, or a `folder` in it, found an unknown provider",
        )


def _nearest(name: str, known: Collection[str]) -> str:
    return " or ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known))


def _checked(path: KeyPath, value: object) -> str | float:
    name = path[-1]
    kind = "text" if name == FOLDER else SETTINGS[name].kind
    if kind == "seconds":
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise DescriptionError(path, "expected seconds above zero", found=value)
        return float(value)
    if kind == "flag":
        if not isinstance(value, bool):
            raise DescriptionError(path, "expected true or false", found=value)
        return value
    if kind == "secret":
        return _place(path, value)
    if not isinstance(value, str) or not value:
        raise DescriptionError(path, "expected a text", found=value)
    return _address(path, value) if kind == "address" else value


def _address(path: KeyPath, value: str) -> str:
    """An address to which a key can be sent. A password in any other is not repeated."""
    from callwell.client.addresses import check_base_url  # brings the client with it

    try:
        return check_base_url(value)
    except InvalidOption as error:
        raise DescriptionError(path, f"expected {error.expected}, found {mask_address(value.strip())!r}") from None


def _place(path: KeyPath, value: object) -> str:
    """The place of a key; whatever else stands there may be a key, and is not repeated."""
    try:
        parse_source(value if isinstance(value, str) else "", "")
    except InvalidOption:
        raise DescriptionError(
            path, "expected the place of a key, env:NAME or file:PATH; a key itself does not belong into this file"
        ) from None
    return str(value)


def _on_this_machine(name: str, value: str | float) -> bool:
    from callwell.client.addresses import LOOPBACK_HOSTS  # brings the client with it

    return name == "base_url" and urlsplit(str(value)).hostname in LOOPBACK_HOSTS


def _absolute(name: str, value: str | float, folder: Path) -> str | float:
    """Paths are relative to the file's folder, not to the working folder."""
    prefix = "" if name == FOLDER else SETTINGS[name].path_prefix
    if prefix is None or not isinstance(value, str) or not value.startswith(prefix):
        return value
    return f"{prefix}{folder / Path(value.removeprefix(prefix)).expanduser()}"

# SPDX-License-Identifier: Apache-2.0
"""Finds the line of a key in a TOML or JSON text, for error messages.

The parsers of both do not keep positions, so these scanners read the text again. They only run to report an error, on a
text that the parser has accepted; at anything unexpected they stop, and the error gets the line of the last key found.

A scanner yields every key and every list item with its position in the text:

    [[l]]                  ("l",)  ("l", "0")
    n = 1                  ("l", "0", "n")
    d = { e = [1] }        ("l", "0", "d")  ("l", "0", "d", "e")  ("l", "0", "d", "e", "0")
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.error import KeyPath

_BLANK: Final = re.compile(r"(?:\s|#[^\n]*)*")
_KEY: Final = re.compile(r"""[ \t]*(?:("(?:\\.|[^"\\\n])*")|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*(\.)?""")
_STRING: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}(?!")|\'\'\'.*?'{3,5}(?!')|"(?:\\.|[^"\\\n])*"|'[^'\n]*\'''', re.DOTALL
)
_PLAIN: Final = re.compile(r"[^,\]}\n#]+")
_OPENING: Final = ("{", "[")
_CLOSING: Final = ("}", "]")
_BETWEEN: Final = (",", ":")
_BEFORE_KEY: Final = ("{", ",")
_JSON_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def toml_line(text: str, path: KeyPath) -> int | None:
    """The line of a key in a TOML text, from 1; if the key does not exist, the line of the nearest table around it.

    Args:
        text: a valid TOML text.
        path: the path of the key; list indexes are keys too.
    """
    positions = _toml_positions(text)
    found = (positions[key] for length in range(len(path), 0, -1) if (key := path[:length]) in positions)
    position = next(found, None)
    return None if position is None else text.count("\n", 0, position) + 1


@lru_cache(maxsize=1)
def _toml_positions(text: str) -> dict[KeyPath, int]:
    """The first position of each key in a TOML text. Cached for one text, because callers ask about many keys."""
    positions: dict[KeyPath, int] = {}
    for key, position in _TomlScanner(text).positions():
        positions.setdefault(key, position)
    return positions


def json_line(text: str, path: KeyPath) -> int | None:
    """The line of a key in a JSON text, from 1; if the key does not exist, the line of the nearest value around it.

    Args:
        text: a valid JSON text.
        path: the path of the key; list indexes are keys too.
    """
    longest = 0
    position = 0
    for key, key_position in json_keys(text):
        if len(key) > longest and key == path[: len(key)]:
            longest = len(key)
            position = key_position
    return text.count("\n", 0, position) + 1 if longest else None


def json_keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Every key and list item of a JSON text, with its position.

    Args:
        text: a valid JSON text.
    """
    path: list[str] = []
    lists: list[bool] = []
    before = ""
    for match in _JSON_TOKEN.finditer(text):
        part = match[0]
        in_list = bool(lists) and lists[-1]
        if part == "," and in_list:
            path[-1] = str(int(path[-1]) + 1)
        elif part in _CLOSING:
            lists.pop()
            path.pop()
        elif lists and part not in _BETWEEN and (in_list or before in _BEFORE_KEY):
            if not in_list:
                path[-1] = json.loads(part)
            yield tuple(path), match.start()
        if part in _OPENING:
            lists.append(part == "[")
            path.append("0")
        before = part


class _TomlScanner:
    """Scans a TOML text from beginning to end. `_position` is where the next token begins."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._last_index: dict[KeyPath, int] = {}  # of each list of tables so far

    def positions(self) -> Iterator[tuple[KeyPath, int]]:
        """Every key and list item, with its position."""
        table: KeyPath = ()
        while self._skip_blank():
            start = self._position
            if self._skip_character("["):
                is_list = self._skip_character("[")
                table = self._table_path(self._read_key(), is_list=is_list)
                yield from ((table[: length + 1], start) for length in range(len(table)))
                self._skip_character("]")
                self._skip_character("]")
            else:
                yield from self._read_pair(table)
            if self._position == start:  # no progress: stop, or the loop would not end
                return

    def _table_path(self, header: KeyPath, *, is_list: bool) -> KeyPath:
        """The path of a table header. Each list of tables in it adds the index of its last table."""
        path: KeyPath = ()
        for key in header[:-1]:
            path = (*path, key)
            if path in self._last_index:
                path = (*path, str(self._last_index[path]))
        path = (*path, header[-1])
        if not is_list:
            return path
        self._last_index[path] = self._last_index.get(path, -1) + 1
        return (*path, str(self._last_index[path]))

    def _read_pair(self, table: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        start = self._position
        key = self._read_key()
        yield from ((table + key[: length + 1], start) for length in range(len(key)))
        if self._skip_character("="):
            yield from self._read_value(table + key)

    def _read_value(self, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        self._skip_blank()
        if self._skip_character("["):
            index = 0
            while self._skip_blank() and not self._skip_character("]"):
                start = self._position
                yield (*path, str(index)), start
                yield from self._read_value((*path, str(index)))
                index += 1
                self._skip_comma()
                if self._position == start:
                    return
        elif self._skip_character("{"):
            while self._skip_blank() and not self._skip_character("}"):
                start = self._position
                yield from self._read_pair(path)
                self._skip_comma()
                if self._position == start:
                    return
        else:
            match = _STRING.match(self._text, self._position) or _PLAIN.match(self._text, self._position)
            if match:
                self._position = match.end()

    def _read_key(self) -> KeyPath:
        """Read a dotted key; a single empty part if there is none."""
        keys: list[str] = []
        while match := _KEY.match(self._text, self._position):
            self._position = match.end()
            quoted, literal, bare, dot = match.groups()
            if quoted:
                keys.append(tomllib.loads(f"key={quoted}")["key"])
            elif literal is not None:
                keys.append(literal)
            else:
                keys.append(bare)
            if not dot:
                break
        return tuple(keys) or ("",)

    def _skip_blank(self) -> bool:
        """Skip whitespace and comments. Returns whether anything follows."""
        match = _BLANK.match(self._text, self._position)
        if match:
            self._position = match.end()
        return self._position < len(self._text)

    def _skip_comma(self) -> None:
        self._skip_blank()
        self._skip_character(",")

    def _skip_character(self, character: str) -> bool:
        """Skip a character if it is next, and the blanks before it. Returns whether it was."""
        start = self._position
        while self._text[start : start + 1] in (" ", "\t"):
            start += 1
        is_next = self._text.startswith(character, start)
        if is_next:
            self._position = start + 1
        return is_next

# SPDX-License-Identifier: Apache-2.0
"""Where a key stands in a TOML or JSON text.

The parsers of both keep no positions. These scanners do nothing else; they are run when there is something to complain
about, on texts that the parsers have accepted, and stop without a word at what they do not understand.
"""

from __future__ import annotations

import json
import re
import tomllib
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
_OPENING, _CLOSING, _BETWEEN, _BEFORE_KEY = ("{", "["), ("}", "]"), (",", ":"), ("{", ",")
_JSON: Final = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def toml_line(text: str, path: KeyPath) -> int | None:
    """The line of a key in a TOML text, from 1; if it is not there, that of the nearest table around it.

    Args:
        text: a valid TOML text.
        path: the keys that lead there; an index into a list is a key too.
    """
    return _line(text, path, _Toml(text).keys())


def json_line(text: str, path: KeyPath) -> int | None:
    """The line of a key in a JSON text, from 1; if it is not there, that of the nearest value around it.

    Args:
        text: a valid JSON text.
        path: the keys that lead there; an index into a list is a key too.
    """
    return _line(text, path, _json_keys(text))


def _line(text: str, path: KeyPath, keys: Iterator[tuple[KeyPath, int]]) -> int | None:
    """The line of the longest beginning of `path` among keys and where they stand."""
    best, place = 0, 0
    for key, position in keys:
        if len(key) > best and key == path[: len(key)]:
            best, place = len(key), position
    return text.count("\n", 0, place) + 1 if best else None


def _json_keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Every key and list item, with where it stands."""
    path: list[str] = []
    lists: list[bool] = []
    before = ""
    for match in _JSON.finditer(text):
        mark = match[0]
        if mark == "," and lists[-1]:
            path[-1] = str(int(path[-1]) + 1)
        elif mark in _CLOSING:
            lists.pop()
            path.pop()
        elif lists and mark not in _BETWEEN and (lists[-1] or before in _BEFORE_KEY):
            path[-1] = path[-1] if lists[-1] else json.loads(mark)
            yield tuple(path), match.start()
        if mark in _OPENING:
            lists.append(mark == "[")
            path.append("0")
        before = mark


class _Toml:
    """Reads a TOML text from front to end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lists: dict[KeyPath, int] = {}

    def keys(self) -> Iterator[tuple[KeyPath, int]]:
        """Every key, with where it stands."""
        table: KeyPath = ()
        while self._skip():
            before = self._at
            if self._next("["):
                many = self._next("[")
                table = self._table(self._key(), many=many)
                yield from ((table[: length + 1], before) for length in range(len(table)))
                for _ in range(1 + many):
                    self._next("]")
            else:
                yield from self._pair(table)
            if self._at == before:
                return

    def _table(self, path: KeyPath, *, many: bool) -> KeyPath:
        """The path of a header, with the index of each list of tables on its way."""
        whole: KeyPath = ()
        for key in path[:-1]:
            whole = (*whole, key)
            if whole in self._lists:
                whole = (*whole, str(self._lists[whole]))
        whole = (*whole, path[-1])
        if not many:
            return whole
        self._lists[whole] = self._lists.get(whole, -1) + 1
        return (*whole, str(self._lists[whole]))

    def _pair(self, table: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        place = self._at
        key = self._key()
        yield from ((table + key[: length + 1], place) for length in range(len(key)))
        if self._next("="):
            yield from self._value(table + key)

    def _value(self, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        self._skip()
        if self._next("["):
            index = 0
            while self._skip() and not self._next("]"):
                here = self._at
                yield (*path, str(index)), here
                yield from self._value((*path, str(index)))
                index += 1
                if not self._comma(here):
                    break
        elif self._next("{"):
            while self._skip() and not self._next("}"):
                here = self._at
                yield from self._pair(path)
                if not self._comma(here):
                    break
        else:
            match = _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
            self._at = match.end() if match else self._at

    def _comma(self, before: int) -> bool:
        """Step over a comma, if there is one; whether anything was read since `before`."""
        self._skip()
        self._next(",")
        return self._at > before

    def _key(self) -> KeyPath:
        """A dotted key."""
        keys: list[str] = []
        while match := _KEY.match(self._text, self._at):
            self._at = match.end()
            quoted, literal, bare, dot = match.groups()
            keys.append(tomllib.loads(f"key={quoted}")["key"] if quoted else bare if literal is None else literal)
            if not dot:
                break
        return tuple(keys) or ("",)

    def _skip(self) -> bool:
        """Step over blanks and comments; whether anything follows."""
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at < len(self._text)

    def _next(self, character: str) -> bool:
        """Step over blanks in the line and a character, if it comes next."""
        start = self._at
        while self._text[start : start + 1] in (" ", "\t"):
            start += 1
        there = self._text.startswith(character, start)
        self._at = start + 1 if there else self._at
        return there

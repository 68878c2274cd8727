# SPDX-License-Identifier: Apache-2.0
"""Where a key comes from: a value, an environment variable or a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol

from callwell.errors import InvalidOption, KeyMissing
from callwell.keys.key import Key


class KeySource(Protocol):
    """A place where a key is kept.

    Attributes:
        location: the place, for people; never the key.
        can_change: another process can put a new key there while this one runs.
    """

    location: str
    can_change: bool

    def read(self) -> Key:
        """The key that is there now.

        Raises:
            KeyMissing: there is no key, or it cannot be read; the message says where and what to do.
        """
        ...

    def revision(self) -> object:
        """A value that differs when the key may have changed, and costs less than reading it."""
        ...


GIVEN: Final = "given in code"
"""The location of a key that the caller passed."""


class ValueSource:
    """A key that the caller passed."""

    can_change = False
    location = GIVEN

    def __init__(self, key: Key) -> None:
        self._key = key

    def read(self) -> Key:
        """The key that was passed."""
        return self._key

    def revision(self) -> object:
        """The same each time: a passed key never changes."""
        return None


class EnvSource:
    """A key in an environment variable, which other processes cannot change."""

    can_change = False

    def __init__(self, name: str) -> None:
        self._name = name
        self.location = f"env:{name}"

    def read(self) -> Key:
        """The variable's value."""
        key = Key(_strip_quotes(os.environ.get(self._name, "")))
        if not key:
            problem = "empty" if self._name in os.environ else "not set"
            raise KeyMissing(
                f"no key: the environment variable {self._name} is {problem}; set it, or name another place "
                f"(env:NAME or file:PATH)"
            )
        return key

    def revision(self) -> object:
        """The fingerprint of the value: a program may change its own environment."""
        return Key(os.environ.get(self._name, "")).fingerprint


class FileSource:
    """A key in a file of its own, best outside the source tree and readable only by its owner."""

    can_change = True

    def __init__(self, path: str) -> None:
        try:
            self.path = Path(path).expanduser()
        except RuntimeError as error:
            raise InvalidOption(
                "key", f"file:{path}", "a path; the home directory of that user is not known"
            ) from error
        if "\0" in path:
            raise InvalidOption("key", "file:…", "a path")
        self.location = f"file:{path}"

    def read(self) -> Key:
        """The file's text."""
        try:
            text = self.path.read_text(encoding="utf-8-sig", errors="replace")  # a decoding error would hold the text
        except OSError as error:
            raise KeyMissing(f"no key: {self.path} cannot be read: {error.strerror}") from error
        key = Key(_strip_quotes(text))
        if not key:
            raise KeyMissing(f"no key: {self.path} is empty; write the key into it, and nothing else")
        return key

    def revision(self) -> object:
        """The file's inode, size, and times of the last change of its content and its mode."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def parse_source(given: str | Key | None, variable: str) -> KeySource:
    """The source that a `key` option names.

    Args:
        given: a `Key`, `env:NAME`, `file:PATH`, or None for the provider's usual environment variable.
        variable: the name of that variable.

    Raises:
        InvalidOption: the text names no place. It may be a key, so the message does not show it.
    """
    if given is None:
        return EnvSource(variable)
    if isinstance(given, Key):
        return ValueSource(given)
    kind, _, rest = given.partition(":")
    if kind == "env" and rest:
        return EnvSource(rest)
    if kind == "file" and rest:
        return FileSource(rest)
    raise InvalidOption("key", _hide(given), "env:NAME, file:PATH, or callwell.Key(text) in code")


def describe_refusal(location: str, code: str | None) -> str:
    """A message about a refused key: where the key is kept, the provider's code, and what to do.

    Args:
        location: of the key, as a source has it.
        code: the provider's error code, if there was one.
    """
    if location == GIVEN:
        return f"the provider refuses the key passed in code ({code or 'no code'}); pass a valid one"
    return f"the provider refuses the key at {location} ({code or 'no code'}); put a valid one there"


def _strip_quotes(text: str) -> str:
    """A text without surrounding quotes, which some readers of settings files leave in place."""
    bare = text.strip()
    quoted = len(bare) > 1 and bare[0] in "\"'" and bare[0] == bare[-1]
    return bare[1:-1] if quoted else bare


def _hide(text: str) -> str:
    return f"a text of {len(text)} characters"

# SPDX-License-Identifier: Apache-2.0
"""Key sources that load nothing else (values and variables), and the lookup of all other kinds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from callwell.errors import InvalidOption, KeyMissing
from callwell.keys.key import Key

if TYPE_CHECKING:
    from callwell.keys.spec import KeySource

GIVEN: Final = "given in code"
"""The location of a key that the caller passed."""

EXPECTED: Final = "env:NAME, file:PATH or another key source (docs/how/key-sources.md), or callwell.Key(text) in code"


class ValueSource:
    """A key that the caller passed."""

    can_change = False
    lease_s = None
    file = None
    location = GIVEN

    def __init__(self, key: Key) -> None:
        self._key = key

    def read(self) -> Key:
        """The key that was passed."""
        return self._key

    def revision(self) -> object:
        """Constant: a passed key never changes."""
        return None


class EnvSource:
    """A key in an environment variable, which other processes cannot change."""

    can_change = False
    lease_s = None
    file = None

    def __init__(self, name: str) -> None:
        self._name = name
        self.location = f"env:{name}"

    def read(self) -> Key:
        """The variable's value."""
        key = Key.unquote(os.environ.get(self._name, ""))
        if not key:
            problem = "empty" if self._name in os.environ else "not set"
            raise KeyMissing(
                f"no key: the environment variable {self._name} is {problem}; set it, or name another place "
                f"(env:NAME or file:PATH)"
            )
        return key

    def revision(self) -> object:
        """The fingerprint of the value, since a program may change its own environment."""
        return Key(os.environ.get(self._name, "")).fingerprint


def parse_source(given: str | Key | None, variable: str, *, accept_exposed: bool = False) -> KeySource:
    """The source that a `key` option names. Nothing is read yet.

    Args:
        given: a `Key`, a place such as `file:PATH`, or None for the provider's usual environment variable.
        variable: the name of that variable.
        accept_exposed: read a key that others can read as well, to report on it.

    Raises:
        InvalidOption: the text does not name a place. It may be a key, so the message does not show it.
    """
    if given is None:
        return EnvSource(variable)
    if isinstance(given, Key):
        return ValueSource(given)
    if not isinstance(given, str):
        raise InvalidOption("key", type(given).__name__, EXPECTED)
    kind, _, place = given.partition(":")
    if kind == "env" and place:
        return EnvSource(place)
    from callwell.keys.kinds import open_source  # not needed for a variable or a value

    source = open_source(given, variable, accept_exposed=accept_exposed)
    if source is None:
        raise InvalidOption("key", _hide(given), EXPECTED)
    return source


def describe_refusal(location: str, code: str | None) -> str:
    """A message about a refused key: where the key is kept, the provider's code, and what to do.

    Args:
        location: the key's location, from its source.
        code: the provider's error code, if there was one.
    """
    if location == GIVEN:
        return f"the provider refuses the key passed in code ({code or 'no code'}); pass a valid one"
    return f"the provider refuses the key at {location} ({code or 'no code'}); put a valid one there"


def _hide(text: str) -> str:
    return f"a string of {len(text)} characters"

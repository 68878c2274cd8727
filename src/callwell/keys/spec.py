# SPDX-License-Identifier: Apache-2.0
"""The interface of key sources, and the syntax of a place: `KIND:PLACE`, or `KIND[option,option=value]:PLACE`.

Packages can add kinds: an entry point in the group `callwell.key_sources` names a function that takes a `SourceSpec`
and returns a `KeySource`. `callwell.testing.check_key_source` tests one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from callwell.keys.key import Key

MAX_SECONDS: Final = 86_400.0
"""The longest lease: a dead key is found by its refusal anyway."""


class StoringGuide(NamedTuple):
    """How a person puts a new key at a place, without showing it to anyone.

    Attributes:
        text: what to do, in a sentence.
        commands: shell commands that do it; empty if there are none. They prompt for the key, or open an editor.
    """

    text: str
    commands: tuple[str, ...] = ()


class KeySource(Protocol):
    """A place where a key is kept. Plain attributes may implement the properties."""

    @property
    def location(self) -> str:
        """The place, for display, errors and logs; never the key, nor a string that may contain it."""
        ...

    @property
    def can_change(self) -> bool:
        """Whether another process can put a new key there while this one runs."""
        ...

    @property
    def lease_s(self) -> float | None:
        """None if reading is quick. Otherwise it runs a program or uses the network.

        The key is then read in a thread, kept for this many seconds, and read again.
        """
        ...

    @property
    def file(self) -> Path | None:
        """The file with the key, if it is in a file on this machine."""
        ...

    def read(self) -> Key:
        """The current key.

        Raises:
            KeyMissing: there is no key, or it cannot be read; the one-line message says where and what to do.
        """
        ...

    def revision(self) -> object:
        """A value that changes when the key may have changed. It is read four times a second, so it must be quick.

        A source with a lease returns the same value each time.
        """
        ...


@runtime_checkable
class GuidedSource(Protocol):
    """A source with instructions for storing a new key. Other sources get a general sentence."""

    def how_to_store(self) -> StoringGuide:
        """How a person replaces the key there."""
        ...


def guide_storing(source: KeySource) -> StoringGuide:
    """How to store a new key at a source.

    Args:
        source: the source.
    """
    if isinstance(source, GuidedSource):
        return source.how_to_store()
    return StoringGuide(f"Store the new key at {source.location}, in place of the one there now.")


class SourceSpec(NamedTuple):
    """The parsed specification of a source.

    Attributes:
        kind: the word before the colon, such as `file`.
        place: the text after it.
        options: the options in brackets after the kind; one without a value has an empty string.
        variable: the provider's usual environment variable; empty if the secret is not a provider's key.
        accept_exposed: read a key even if others can read it, to report on it.
    """

    kind: str
    place: str
    options: Mapping[str, str]
    variable: str
    accept_exposed: bool

    def check_options(self, known: Collection[str]) -> None:
        """Reject options that the kind does not have.

        Args:
            known: the names of its options.

        Raises:
            InvalidOption: there is an unknown option.
        """
        for name in self.options:
            if name not in known:
                expected = f"options among {', '.join(sorted(known))}" if known else "no options in brackets"
                raise InvalidOption("key", f"{self.kind}[{name}]:…", expected)

    def seconds(self, name: str, default: float) -> float:
        """An option in seconds.

        Args:
            name: the option.
            default: its value if it is not given.

        Raises:
            InvalidOption: it is not a number above zero.
        """
        text = self.options.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0.0 < value <= MAX_SECONDS:
            raise InvalidOption("key", f"{self.kind}[{name}={text}]:…", f"{name} in seconds, above 0, at most a day")
        return value


def split_place(text: str) -> tuple[str, dict[str, str], str]:
    """Split a place into kind, options, and the rest; the kind is empty if there is none.

    Args:
        text: the place, as in the `key` option.
    """
    head, _, place = text.partition(":")
    options: dict[str, str] = {}
    if "[" in head:
        head, _, rest = text.partition("[")
        inside, _, place = rest.partition("]:")
        for item in filter(None, inside.split(",")):
            name, _, value = item.partition("=")
            options[name.strip()] = value.strip()
    is_kind = head.isascii() and head.replace("-", "").isalnum() and head.islower()
    return head if is_kind else "", options, place

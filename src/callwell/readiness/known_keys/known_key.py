# SPDX-License-Identifier: Apache-2.0
"""A key that is searched for, without its text, and the places where it was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class KnownKey(NamedTuple):
    """A key that is searched for, without its text.

    Attributes:
        fingerprint: `Key.fingerprint`.
        provider: the provider's name.
        environment: the environment's name.
        source: where the key is kept, such as `env:NAME`.
        setting: the setting that names the source: `key`, or `user_secret`.
    """

    fingerprint: str
    provider: str
    environment: str
    source: str
    setting: str = "key"

    def __str__(self) -> str:
        what = "key" if self.setting == "key" else self.setting
        return f"the {self.provider} {what} of {self.environment} ({self.source}, fingerprint {self.fingerprint})"


class KeyHit(NamedTuple):
    """A place of a key in some bytes.

    Attributes:
        key: the key.
        offset: its first byte, from 0.
        encoding: its encoding, as the end of a sentence: `as it is`, `in base64`, `in base64, split over lines`.
    """

    key: KnownKey
    offset: int
    encoding: str


class KeyMatcher(Protocol):
    """Searches bytes for a set of keys."""

    @property
    def longest(self) -> int:
        """The length of the longest key in bytes; 0 if there are no keys."""
        ...

    def find(self, data: bytes) -> Iterator[KeyHit]:
        """Every key in some bytes, each place once.

        Args:
            data: the bytes.
        """
        ...

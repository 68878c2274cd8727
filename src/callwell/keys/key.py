# SPDX-License-Identifier: Apache-2.0
"""A key that hides its text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import re


class Key:
    """A secret string, which is not in `repr`, `str`, format, pickle or copies of `__dict__`; `reveal` returns it.

    Args:
        text: the key itself; surrounding white space is removed.

    Attributes:
        fingerprint: 12 hex digits of a hash, the same for the same key everywhere, which reveal nothing about it.
    """

    __slots__ = ("_header_values", "_text", "fingerprint")

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._header_values: dict[str, str] = {}
        self.fingerprint = hashlib.blake2b(
            self._text.encode("utf-8", "surrogatepass"), digest_size=6, person=b"callwell"
        ).hexdigest()

    @classmethod
    def unquote(cls, text: str) -> Key:
        """A key without surrounding quotes, which some readers of settings files leave in place.

        Args:
            text: the key, with white space and quotes around it, or without.
        """
        bare = text.strip()
        quoted = len(bare) > 1 and bare[0] in "\"'" and bare[0] == bare[-1]
        return cls(bare[1:-1] if quoted else bare)

    def reveal(self) -> str:
        """The text of the key."""
        return self._text

    def matches(self, pattern: re.Pattern[str]) -> bool:
        """Whether the whole text is printable ASCII and matches a pattern."""
        return self._text.isascii() and self._text.isprintable() and pattern.fullmatch(self._text) is not None

    def header_value(self, scheme: str) -> str:
        """The value of the header that carries the key.

        Args:
            scheme: `bearer`, `basic` (the key as user name, with an empty password), or `header` (the key alone).
        """
        if scheme not in self._header_values:
            self._header_values[scheme] = self._as_header(scheme)
        return self._header_values[scheme]

    def _as_header(self, scheme: str) -> str:
        """Build the value without a local variable for the key, which error reporters would record."""
        if scheme == "bearer":
            return f"Bearer {self._text}"
        if scheme == "basic":
            import base64  # few providers accept keys in this way

            return f"Basic {base64.b64encode(f'{self._text}:'.encode()).decode()}"
        return self._text

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Key cannot be pickled: pass its source (`env:NAME`, `file:PATH`) instead")

    def __reduce__(self) -> NoReturn:
        self.__getstate__()

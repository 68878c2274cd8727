# SPDX-License-Identifier: Apache-2.0
"""A key whose text does not show."""

from __future__ import annotations

import base64
import hashlib
from typing import NoReturn


class Key:
    """A secret text. It is not in `repr`, `str`, a format, a pickle or a copy of `__dict__`; ask `reveal` for it.

    Args:
        text: the key itself; white space around it is not part of it.
    """

    __slots__ = ("_shown", "_text", "fingerprint")

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        encoded = self._text.encode("utf-8", "surrogatepass")
        self._shown: dict[str, str] = {}
        self.fingerprint = hashlib.blake2b(encoded, digest_size=6, person=b"callwell").hexdigest()

    def reveal(self) -> str:
        """The text, for the one place that sends it."""
        return self._text

    def shown(self, scheme: str) -> str:
        """The text as a header shows it.

        Args:
            scheme: `bearer`, `basic` (the key is the user name, the password is empty), or `header` (the bare key).
        """
        if scheme not in self._shown:
            text = self._text
            if scheme == "bearer":
                text = f"Bearer {text}"
            elif scheme == "basic":
                text = f"Basic {base64.b64encode(f'{text}:'.encode()).decode()}"
            self._shown[scheme] = text
        return self._shown[scheme]

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Key cannot be pickled: pass its source (`env:NAME`, `file:PATH`) instead")

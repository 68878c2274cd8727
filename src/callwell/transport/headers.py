# SPDX-License-Identifier: Apache-2.0
"""Response headers; no value raises.

A header value may hold any byte (RFC 9110, 5.5). pyreqwest raises a `ValueError` for non-ASCII values, and cannot
return their bytes. Such a value counts as absent, like every value that cannot be parsed: it is not a validator, an
address or a time. Where absence would mean something, `getall` shows that there is a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

UNREADABLE: Final = "\ufffd"
"""What `getall` returns for a non-ASCII value: no header grammar allows this character."""


class RawFields(Protocol):
    """The headers of pyreqwest."""

    def get(self, key: str, /) -> str | None:
        """The first value of a name."""
        ...

    def getall(self, key: str, /) -> list[str]:
        """All values of a name."""
        ...

    def items(self) -> Iterable[tuple[str, str]]:
        """All names and values."""
        ...

    def __iter__(self) -> Iterator[str]:
        """A name in lower case for each value."""
        ...


class ResponseHeaders(Mapping[str, str]):
    """The headers of one response by case-insensitive name.

    Args:
        fields: the headers of pyreqwest.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: RawFields) -> None:
        self._fields = fields

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, /, default: str | T) -> str | T: ...

    def get(self, name: str, /, default: str | T | None = None) -> str | T | None:
        """The first value of a name."""
        try:
            value = self._fields.get(name)
        except ValueError:
            return default
        return default if value is None else value

    def getall(self, name: str) -> list[str]:
        """All values of a name, in order, with `UNREADABLE` for each value that cannot be read."""
        try:
            return self._fields.getall(name)
        except ValueError:
            return self._read_each(name.lower())

    def _read_each(self, wanted: str) -> list[str]:
        """The values of a name if reading one raises: the iterators of names and of items continue after that."""
        found = []
        items = iter(self._fields.items())
        for name in self._fields:
            try:
                _, value = next(items)
            except ValueError:
                value = UNREADABLE
            if name == wanted:
                found.append(value)
        return found

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in dict.fromkeys(self._fields) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"ResponseHeaders({dict(self)!r})"

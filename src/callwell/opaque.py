# SPDX-License-Identifier: Apache-2.0
"""Records that hold secrets and do not show them: an error reporter writes down the locals of every frame."""

from __future__ import annotations

from typing import Any, NoReturn


class Opaque:
    """Shows its summary where others show their values: in `repr`, and in the tracebacks of rich."""

    __slots__ = ()

    def summary(self) -> str:
        """What may be shown of it."""
        return "…"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary()})"

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds secrets, and does not give away what it is made of")

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The summary, where other records show their fields."""
        return [("shown", self.summary())]


def without_query(url: str) -> str:
    """An address that can be shown: a query may be a signature or hold a key."""
    place, mark, _ = url.partition("?")
    return f"{place}?…" if mark else place

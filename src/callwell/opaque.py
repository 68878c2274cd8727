# SPDX-License-Identifier: Apache-2.0
"""Records that hide the secrets in them, since error reporters record the local variables of every frame."""

from __future__ import annotations

from typing import Any, NoReturn


class Opaque:
    """Shows a summary instead of its values in `repr` and in rich's tracebacks, and cannot be pickled."""

    __slots__ = ()

    def summary(self) -> str:
        """What may be shown of the record."""
        return "…"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary()})"

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds secrets, so it cannot be copied or pickled")

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The summary, for rich."""
        return [("shown", self.summary())]


def without_query(url: str) -> str:
    """An address without its query, which may hold a signature or a key."""
    address, question_mark, _ = url.partition("?")
    return f"{address}?…" if question_mark else address

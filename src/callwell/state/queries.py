# SPDX-License-Identifier: Apache-2.0
"""Named SQL queries, from a file in this folder."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

LAST_CHARACTER: Final = "\U0010ffff"
"""Sorts after every character in a key, so it marks the end of a prefix's range."""


def load_queries(name: str) -> dict[str, str]:
    """The queries of a file; each begins with a comment line `-- name`.

    Args:
        name: the file's name.
    """
    text = (files("callwell.state") / name).read_text(encoding="utf-8")
    blocks = (block.strip().partition("\n") for block in text.split("\n-- ")[1:])
    return {title.strip(): query.strip() for title, _, query in blocks}

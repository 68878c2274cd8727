# SPDX-License-Identifier: Apache-2.0
"""SQL by name, from a file of this folder."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

LAST_CHARACTER: Final = "\U0010ffff"
"""Sorts after every character in a key, so it ends the range of a prefix."""


def load_queries(name: str) -> dict[str, str]:
    """The queries of a file, in which a comment line `-- name` begins each.

    Args:
        name: the file's name.
    """
    text = (files("callwell.state") / name).read_text(encoding="utf-8")
    blocks = (block.strip().partition("\n") for block in text.split("\n-- ")[1:])
    return {title.strip(): query.strip() for title, _, query in blocks}

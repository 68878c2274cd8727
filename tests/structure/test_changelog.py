# SPDX-License-Identifier: Apache-2.0
"""Changelog fragments have names that a release finds; towncrier ignores others silently."""

from __future__ import annotations

import re
import tomllib

from tests.structure import tree

FOLDER = tree.ROOT / "changelog.d"


def test_fragments_are_found() -> None:
    """Every fragment is `+WORD.TYPE.md` with a known type, and is not empty."""
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    types = "|".join(item["directory"] for item in project["tool"]["towncrier"]["type"])
    wrong = [
        file.name
        for file in FOLDER.iterdir()
        if file.name != "README.md"
        and not (re.fullmatch(rf"\+[a-z0-9-]+\.({types})\.md", file.name) and file.read_text(encoding="utf-8").strip())
    ]
    assert wrong == []

# SPDX-License-Identifier: Apache-2.0
"""The recovered facts about api.video, taken apart."""

from __future__ import annotations

import re
from typing import Final

CELLS: Final = re.compile(r"(?<= )\|(?= )")


def part(facts: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}.*?$(.*?)(?=^#+ |\Z)", facts, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def table(text: str) -> list[list[str]]:
    """The cells of the first table, without its head."""
    lines = [line.removeprefix("|").removesuffix("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in CELLS.split(line)] for line in lines[2:]]

# SPDX-License-Identifier: Apache-2.0
"""The pages of the documentation, taken apart: links, anchors, blocks of code and command lines."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent.parent
DOCS: Final = ROOT / "docs"
PAGES: Final = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))

_FENCE: Final = re.compile(r"^```(\w*)(?: title=\"([^\"\n]*)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"`[^`\n]*`")
_INLINE_COMMAND: Final = re.compile(r"`(callwell [^`\n]*)`")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """One fenced block of a page: where it begins, its language and title (empty for none), and what it says."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def read(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str | None = None) -> Iterator[Block]:
    """The fenced blocks of a page, of one language if it is named."""
    text = read(page)
    for found in _FENCE.finditer(text):
        if language is None or found[1] == language:
            yield Block(page, text.count("\n", 0, found.start()) + 2, found[1], found[2] or "", found[3])


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", read(page))


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links."""
    for found in _LINK.finditer(_CODE.sub("", prose(page))):
        yield found[1]


def anchors(page: Path) -> set[str]:
    """The anchors of a page: headings as GitHub writes them, and elements with an ID."""
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(page))}
    return slugs | set(re.findall(r'<a id="([^"]+)">', read(page)))


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The command lines `callwell …` of a page, in blocks without a language and in the text, as words."""
    lines = [line for block in blocks(page, "") for line in block.text.splitlines() if line.startswith("callwell ")]
    for line in [*lines, *_INLINE_COMMAND.findall(prose(page))]:
        command = line.split("  #")[0].strip()
        yield command, shlex.split(command)[1:]

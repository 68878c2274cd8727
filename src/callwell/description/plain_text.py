# SPDX-License-Identifier: Apache-2.0
"""Converts descriptions to plain text for docstrings and tables: in OpenAPI they may be CommonMark with HTML.

Only the first paragraph is kept, which usually says what a thing is. CommonMark is rendered to HTML, and HTML to text::

    <p>Lists <a href="/c">charges</a>.</p>     Lists charges.
    See the [guide](https://a.b/c) first       See the guide first
    An `id`, as **text** &mdash; not null      An id, as text — not null
    A Map<String, List<Item>> of <owner>       A Map<String, List<Item>> of <owner>

In the last row, the tags are not HTML elements, so they are text.
"""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CHARACTERS: Final = 4000
"""How many characters of a description are read. Some are whole manuals, but the first paragraph ends long before."""

_MARKED: Final = re.compile(r"[<\[*_`&\\\n]|\A\s*(?:[#>+=~-]|\d+[.)]\s)")
"""Characters of markup. Nine of ten descriptions have none and need no parser, which takes 0.1 s to import."""

_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")
_BEGINS_BLOCK: Final = re.compile(r"[#>+=~<|-]|[*_](?:\s|[*_ ]*\n)|```|\d+[.)]\s|\[[^\]]*\]:")
"""How a text begins that is not a paragraph."""

_LINK_DEFINITION: Final = re.compile(r"\n {0,3}\[[^\]]+\]:")
"""An address for links in other paragraphs."""

_SENTENCE_END: Final = re.compile(r"""(?<![.(\s]\w)(?<!\betc)(?<!\bvs)[.!?]["')]?(?=\s+["'(]?[A-Z])""")
"""The end of a sentence before another one; `e.g.` and initials do not end one."""

_BLOCKS: Final = re.compile(
    r"blockquote|d[dlt]|details|div|h[1-6r]|li|ol|p|pre|summary|table|tbody|t[dhr]|tfoot|thead|ul"
)
"""Elements that begin and end a paragraph."""

_INLINE: Final = re.compile(
    r"a|abbr|b|big|center|code|del|em|font|i|img|ins|kbd|nobr|s|small|span|strike|strong|su[bp]|tt|u|wbr"
)
"""Elements in a paragraph. Rare ones are left out, because `<label>` and `<address>` are usually placeholders."""

_HIDDEN: Final = frozenset({"script", "style"})
"""Elements with content that is not shown."""


@functools.lru_cache(maxsize=4096)  # of GitHub's 5,900 descriptions, 2,100 are distinct
def to_plain_text(description: str) -> str:
    """Convert the first paragraph of a description to one line without markup.

    Args:
        description: a string in CommonMark or HTML.
    """
    text = description.strip()[:MAX_CHARACTERS]
    paragraph = _leading_paragraph(text)
    plain = _read(paragraph)
    return plain or (_read(text) if paragraph != text else "")


def _leading_paragraph(text: str) -> str:
    """What comes before the first blank line, where that ends a paragraph; else the whole text.

    Most of a long description is not needed then, and reading only this halves the time that all of GitHub's take.
    """
    end = _BLANK_LINE.search(text)
    if end is None or _BEGINS_BLOCK.match(text) or _LINK_DEFINITION.search(text):
        return text
    return text[: end.start()]


def _read(text: str) -> str:
    """The first paragraph of a text that is CommonMark or HTML."""
    if not _MARKED.search(text):
        return " ".join(text.split())
    parser = _FirstParagraph()
    parser.feed(_renderer()(text))
    parser.close()
    return parser.text


def summarize(text: object) -> str:
    """The same for any value of `description` in a document; empty if it is not a string."""
    return to_plain_text(text) if isinstance(text, str) else ""


def first_sentence(text: str) -> str:
    """The first sentence of a plain text, with its full stop if it has one."""
    end = _SENTENCE_END.search(text)
    return text[: end.end()] if end else text


def shorten(text: str, room: int) -> str:
    """Shorten a plain text: to whole sentences if the first one fits, else to whole words and an ellipsis.

    Args:
        text: the text, on one line.
        room: the most characters of the result.
    """
    if len(text) <= room:
        return text
    ends = [end.end() for end in _SENTENCE_END.finditer(text) if end.end() <= room]
    if ends:
        return text[: ends[-1]]
    ellipsis = "..."
    start = text[: room - len(ellipsis)]
    words = text[: len(start) + 1].rpartition(" ")[0] or start
    return words.rstrip(" .,;:(-") + ellipsis


@functools.cache
def _renderer() -> Callable[[str], str]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").render


class _FirstParagraph(HTMLParser):
    """Collects the text of the first non-empty block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._hidden = 0
        self._is_done = False

    @property
    def text(self) -> str:
        """The collected text, on one line."""
        return " ".join("".join(self._parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, or keep an unknown tag as text."""
        if tag in _HIDDEN:
            self._hidden += 1
        elif _BLOCKS.fullmatch(tag):
            self._end_block()
        elif tag == "br":
            self.handle_data(" ")
        elif tag == "img":
            self.handle_data(dict(attrs).get("alt") or "")
        elif not _INLINE.fullmatch(tag):
            self.handle_data(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The same for a self-closing tag, which hides nothing."""
        if tag not in _HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """End a block."""
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif _BLOCKS.fullmatch(tag):
            self._end_block()
        elif not _INLINE.fullmatch(tag):
            self.handle_data(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if not self._hidden and not self._is_done:
            self._parts.append(data)

    def _end_block(self) -> None:
        self._is_done = self._is_done or bool(self.text)

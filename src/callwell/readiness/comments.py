# SPDX-License-Identifier: Apache-2.0
"""Comments that accept a finding in place: `callwell: ignore=` with the check's ID, and the reason."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MARK: Final = "callwell: ignore="
"""Every such comment contains this: text without it is not parsed."""

MAX_BYTES: Final = 8 * 1024 * 1024
"""The largest file that is searched for comments: nobody writes one into a larger file."""

_MARK_BYTES: Final = MARK.encode()
_COMMENT: Final = re.compile(re.escape(MARK) + r"(?P<checks>[a-z0-9.-]+(?:,[a-z0-9.-]+)*)(?P<reason>[^\n]*)")
_CLOSING: Final = re.compile(r"""\s*(?:\*/|--%?>|[#%-]?\}\}?|\*\)|["']+,?$)""")
"""The end of a comment: in C, HTML, templates and OCaml, or the end of a string, as in JSON."""


class IgnoreComment(NamedTuple):
    """One comment.

    Attributes:
        line: its line, from 1.
        checks: the IDs of the checks that it names.
        reason: why; empty if it gives none, and then it accepts nothing.
    """

    line: int
    checks: tuple[str, ...]
    reason: str


def parse_comment(text: str, line: int) -> IgnoreComment | None:
    """The comment on a line, None if there is none.

    Args:
        text: the text of the line.
        line: its number, from 1.
    """
    if MARK not in text:
        return None
    match = _COMMENT.search(text)
    if match is None:
        return None
    reason = _CLOSING.split(match["reason"].rstrip(), maxsplit=1)[0].strip(" \t\r:-–")
    return IgnoreComment(line=line, checks=tuple(match["checks"].split(",")), reason=reason)


def all_comments(lines: Sequence[str]) -> Iterator[IgnoreComment]:
    """All comments in a file.

    Args:
        lines: its lines.
    """
    for number, line in enumerate(lines, start=1):
        comment = parse_comment(line, number)
        if comment is not None:
            yield comment


def comment_about(check_id: str, line: int, lines: Sequence[str]) -> IgnoreComment | None:
    """The comment that accepts a finding: on its line or on the line above, with a reason.

    Args:
        check_id: the ID of the finding's check.
        line: the line of the finding, from 1.
        lines: all lines of the file.
    """
    for number in (line, line - 1):
        comment = parse_comment(lines[number - 1], number) if 1 <= number <= len(lines) else None
        if comment is not None and comment.reason and check_id in comment.checks:
            return comment
    return None


def read_lines(path: Path) -> tuple[str, ...]:
    """The lines of a file in which a comment may be; none if there can be no comment.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be read.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
        return ()
    content = path.read_bytes()
    if _MARK_BYTES not in content:
        return ()
    return tuple(content.decode("utf-8", "replace").split("\n"))

# SPDX-License-Identifier: Apache-2.0
"""Patterns of file names, as `.gitignore`, `.dockerignore` and build tools have them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self


def translate(glob: str) -> str:
    """The regular expression of a pattern: `*` and `?` stop at a slash, `**` does not.

    Args:
        glob: the pattern.
    """
    parts = []
    place = 0
    while place < len(glob):
        found = TOKEN.match(glob, place)
        if found is None:
            parts.append(re.escape(glob[place]))
            place += 1
            continue
        parts.append(_translate_token(found[0]))
        place = found.end()
    return "".join(parts)


TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]/]*\]|\\.")
"""What means more than itself: stars, one character, a set of characters, an escaped character."""

SIMPLE = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _translate_token(token: str) -> str:
    if token in SIMPLE:
        return SIMPLE[token]
    if token[0] == "\\":
        return re.escape(token[1])
    inner = token[1:-1].replace("\\", "\\\\")
    if inner[0] in "!^":
        inner = f"^{inner[1:]}"
    return f"[{inner.replace('[', chr(92) + '[')}]"


class Pattern(NamedTuple):
    """One line of a list of patterns.

    Attributes:
        matches: matches the names that it means, and all below a folder that it means.
        negated: it takes names out again.
    """

    matches: re.Pattern[str]
    negated: bool


class Patterns(NamedTuple):
    """A list of patterns, of which the last one that matches decides."""

    patterns: tuple[Pattern, ...]

    @classmethod
    def of_git(cls, lines: Iterable[str], *, anchored: bool = False) -> Self:
        """Patterns as in `.gitignore` (git's manual, gitignore), `.npmignore`, and `artifacts` of Hatch.

        Args:
            lines: the patterns.
            anchored: a pattern without a slash means a name in the top folder only, as in `files` of npm.
        """
        patterns = []
        for line in lines:
            text = line.rstrip("\r\n ").removeprefix("\ufeff")
            if not text or text.startswith("#"):
                continue
            negated = text.startswith("!")
            glob = text.removeprefix("!").removeprefix("./")
            folder = "/.+" if glob.endswith("/") else "(?:/.+)?"
            bare = glob.rstrip("/")
            anywhere = "" if anchored or "/" in bare else "(?:.*/)?"
            patterns.append(_make(f"{anywhere}{translate(bare.lstrip('/'))}{folder}", negated=negated))
        return cls(tuple(patterns))

    @classmethod
    def of_docker(cls, lines: Iterable[str]) -> Self:
        """Patterns as in `.dockerignore` (Docker's manual, "dockerignore files"): all begin at the top folder.

        Args:
            lines: the patterns.
        """
        patterns = []
        for line in lines:
            text = line.removeprefix("\ufeff").rstrip("\r\n")
            if text.startswith("#") or not text.strip():
                continue
            glob = text.strip()
            negated = glob.startswith("!")
            bare = clean(glob.removeprefix("!").strip())
            patterns.append(_make(f"{translate(bare)}(?:/.+)?" if bare else ".*", negated=negated))
        return cls(tuple(patterns))

    def match(self, name: str) -> bool:
        """Whether a name is meant.

        Args:
            name: relative to the folder of the list, with `/`.
        """
        meant = False
        for pattern in self.patterns:
            if pattern.negated == meant and pattern.matches.fullmatch(name):
                meant = not meant
        return meant


def clean(path: str) -> str:
    """A path below a folder without `.`, leading and trailing slashes; empty for the folder itself."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _make(expression: str, *, negated: bool) -> Pattern:
    try:
        return Pattern(matches=re.compile(expression, re.DOTALL), negated=negated)
    except re.error:  # a set such as [z-a], which means nothing to git or Docker either
        return Pattern(matches=re.compile("(?!)"), negated=negated)

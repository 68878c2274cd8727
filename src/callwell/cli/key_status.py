# SPDX-License-Identifier: Apache-2.0
"""What can be said about a key without showing it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from callwell.errors import KeyMissing
from callwell.keys import parse_source
from callwell.keys.format import find_format_error
from callwell.keys.source import FileSource

if TYPE_CHECKING:
    from callwell.core.rules.profile import KeyRule


class KeyStatus(NamedTuple):
    """A place where a key is kept, and what is there.

    Attributes:
        where: the place.
        present: a text is there; None if it was not looked for.
        right: it looks like a key of the provider; None if nothing is there.
        fingerprint: of the text.
        can_change: a new key can appear there while a process runs; None if it was not looked for.
        problem: what is wrong, in words.
    """

    where: str
    present: bool | None
    right: bool | None
    fingerprint: str | None
    can_change: bool | None
    problem: str | None


def read_key_status(rule: KeyRule, given: str) -> KeyStatus:
    """What is at the place where a key is looked for.

    Args:
        rule: what a key looks like.
        given: the place, as the `--key` option names it.

    Raises:
        InvalidOption: the text names no place.
    """
    source = parse_source(given, rule.env)
    try:
        key = source.read()
    except KeyMissing as error:
        return KeyStatus(source.location, False, None, None, source.can_change, str(error))  # noqa: FBT003 - named above
    wrong = find_format_error(key.reveal(), rule)
    right = wrong is None
    problem = None if wrong is None else f"it {wrong}"
    if isinstance(source, FileSource) and (others := _open_to(source)):
        problem = others if problem is None else f"{problem}; {others}"
    return KeyStatus(source.location, True, right, key.fingerprint, source.can_change, problem)  # noqa: FBT003


def _open_to(source: FileSource) -> str | None:
    """Who else may read the file; Windows keeps that elsewhere than in the mode."""
    if os.name == "nt":
        return None
    mode = stat.S_IMODE(source.path.stat().st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return None
    return f"others may open it (mode {mode:03o}): chmod 600 {source.path}"

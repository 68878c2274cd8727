# SPDX-License-Identifier: Apache-2.0
"""The status of a key: everything about it but its text."""

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
    """A key source and the key in it.

    Attributes:
        location: the source: `env:NAME` or `file:PATH`.
        present: whether there is a key; None if that was not checked.
        right: whether it looks like a key of the provider; None without a key.
        fingerprint: the key's fingerprint.
        can_change: whether a running process would see a new key; None if that was not checked.
        problem: what is wrong, in words.
    """

    location: str
    present: bool | None
    valid: bool | None
    fingerprint: str | None
    can_change: bool | None
    problem: str | None


def read_key_status(rule: KeyRule, place: str) -> KeyStatus:
    """Read a key source and judge the key.

    Args:
        rule: what a key of the provider looks like.
        place: the source, as `--key` names it.

    Raises:
        InvalidOption: the text does not name a source.
    """
    source = parse_source(place, rule.env)
    try:
        key = source.read()
    except KeyMissing as error:
        return KeyStatus(
            location=source.location,
            present=False,
            valid=None,
            fingerprint=None,
            can_change=source.can_change,
            problem=str(error),
        )
    wrong = find_format_error(key.reveal(), rule)
    problems = [] if wrong is None else [f"it {wrong}"]
    if isinstance(source, FileSource) and (exposure := _exposure(source)):
        problems.append(exposure)
    return KeyStatus(
        location=source.location,
        present=True,
        valid=wrong is None,
        fingerprint=key.fingerprint,
        can_change=source.can_change,
        problem="; ".join(problems) or None,
    )


def _exposure(source: FileSource) -> str | None:
    """A complaint if other users may read the file. Windows does not keep that in the mode."""
    if os.name == "nt":
        return None
    mode = stat.S_IMODE(source.path.stat().st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return None
    return f"other users may open it (mode {mode:03o}): chmod 600 {source.path}"

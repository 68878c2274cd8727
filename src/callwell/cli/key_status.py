# SPDX-License-Identifier: Apache-2.0
"""The status of a key: everything about it except its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.errors import KeyMissing
from callwell.keys import parse_source
from callwell.keys.format import find_format_error

if TYPE_CHECKING:
    from callwell.core.rules.profile import KeyRule


class KeyStatus(NamedTuple):
    """A key source and the key in it.

    Attributes:
        location: the source, such as `env:NAME` or `file:PATH`.
        present: whether there is a key; None if that was not checked.
        valid: whether it looks like a key of the provider; None without a key.
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
    source = parse_source(place, rule.env, accept_exposed=True)
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
    if source.file is not None and (exposure := _find_exposure(place, rule.env)):
        problems.append(exposure)
    return KeyStatus(
        location=source.location,
        present=True,
        valid=wrong is None,
        fingerprint=key.fingerprint,
        can_change=source.can_change,
        problem="; ".join(problems) or None,
    )


def mask_place(place: str) -> str:
    """A key source for display: words of a command that look like a secret are masked."""
    if not place.startswith("command"):
        return place
    from callwell.keys.command import SECRET_LIKE  # few places are commands

    return SECRET_LIKE.sub("…", place)


def _find_exposure(place: str, variable: str) -> str | None:
    """Why a client refuses a key file that others can read, or that is in a work tree of git; None if it does not."""
    try:
        parse_source(place, variable).read()
    except KeyMissing as error:
        return str(error)
    return None

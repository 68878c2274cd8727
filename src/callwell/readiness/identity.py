# SPDX-License-Identifier: Apache-2.0
"""Identifies findings, so that a baseline recognizes them after lines have moved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from callwell.readiness.check import Finding

ID_DIGITS: Final = 12
"""Hex digits of a finding's ID: 48 bits, so that two of a million findings share one with a chance of 0.2 %."""


class Identity(NamedTuple):
    """The parts of a finding that stay the same when lines move.

    Attributes:
        check: the check's ID.
        path: the file or the setting's origin; empty if it has no place.
        text: what distinguishes it from other findings of the check in the same file.
    """

    check: str
    path: str
    text: str

    @property
    def id(self) -> str:
        """A short ID, for command lines."""
        return hashlib.sha256("\0".join(self).encode()).hexdigest()[:ID_DIGITS]


def identify(check_id: str, finding: Finding) -> Identity:
    """The identity of a finding.

    Args:
        check_id: the ID of its check.
        finding: the finding.
    """
    path = finding.place.path if finding.place else ""
    return Identity(
        check=check_id,
        path=replace_surrogates(path),
        text=replace_surrogates(finding.identity or finding.what),
    )


def replace_surrogates(text: str) -> str:
    """Make a string encodable in UTF-8: surrogates for bytes of a broken file name become escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

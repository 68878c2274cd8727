# SPDX-License-Identifier: Apache-2.0
"""What a check can report: what is wrong, what it could not check, and why it could check nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a finding is. The words are the levels of SARIF 2.1.0 (3.27.10)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    """Advice: it does not make the check fail."""


class Place(NamedTuple):
    """Where something was found.

    Attributes:
        path: the file, relative to the project's root with `/`; or a setting's origin, such as `env:NAME`.
        line: its line, from 1; None if the whole file is meant.
        commit: the commit that has it, if it is not in the current files.
    """

    path: str
    line: int | None = None
    commit: str | None = None

    def __str__(self) -> str:
        at = self.path if self.line is None else f"{self.path}:{self.line}"
        return at if self.commit is None else f"{at} (commit {self.commit[:10]})"


class Finding(NamedTuple):
    """One problem in the project.

    Attributes:
        what: what is wrong, in one sentence without a full stop; never the text of a key.
        place: where it is; None if it is not in a file.
        fix: what to do about it; if empty, the `fix` of the check.
        identity: what stays the same when lines move: together with check and path it identifies the finding in a
            baseline; if empty, `what`.
        severity: its severity; if None, that of the check.
    """

    what: str
    place: Place | None = None
    fix: str = ""
    identity: str = ""
    severity: Severity | None = None


class Unchecked(NamedTuple):
    """A part that a check could not check, so that it is incomplete.

    Attributes:
        what: what could not be checked and why, in one sentence without a full stop.
        place: where it is.
        fix: what to do so that it can be checked.
    """

    what: str
    place: Place | None = None
    fix: str = ""


class CannotCheck(Exception):
    """A check could not check anything.

    Args:
        reason: why, in one sentence without a full stop.
        fix: what to do so that it can.
    """

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


class NotApplicable(Exception):
    """The question of a check does not arise in this project.

    Args:
        reason: why not, in one sentence without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

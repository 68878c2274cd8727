# SPDX-License-Identifier: Apache-2.0
"""The definition of a check, and what it can report.

A check yields a `Finding` for each problem and an `Unchecked` for each part that it could not check. If it could check
nothing it raises `CannotCheck`, and if its question does not arise, `NotApplicable`. An incomplete check
has not passed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from callwell.readiness.findings import CannotCheck, Finding, NotApplicable, Place, Severity, Unchecked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.readiness.project import Project

__all__ = ["CannotCheck", "Check", "Finding", "Group", "NotApplicable", "Place", "Severity", "Unchecked"]


class Group(StrEnum):
    """The groups of the go-live list, in the order of a report."""

    LEAKS = "leaks"
    KEYS = "keys"
    CODE = "code"
    LIFE = "life"
    DRILLS = "drills"


class Check(NamedTuple):
    """One check of the go-live list. Which pages of a provider ask for it is in the profiles: see `practices`.

    Attributes:
        id: `group.name`, with a kebab-case name; it never changes, because baselines and comments contain it.
        group: the group.
        title: what holds when it passes, as a short statement.
        severity: the severity of its findings, unless a finding has its own.
        why: why it matters, in one or two sentences.
        fix: how to fix a finding, in one or two sentences.
        run: checks a project; may raise `CannotCheck` and `NotApplicable`.
        online: whether it sends requests to a provider, so that `--offline` skips it.
        prepare: starts slow work in the background, before the first check runs; may raise the same as `run`.
    """

    id: str
    group: Group
    title: str
    severity: Severity
    why: str
    fix: str
    run: Callable[[Project], Iterator[Finding | Unchecked]]
    online: bool = False
    prepare: Callable[[Project], object] | None = None

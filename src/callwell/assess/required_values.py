# SPDX-License-Identifier: Apache-2.0
"""What no row can do without and no row has: one error for all of them, before anything is sent or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from callwell.assess.rows import AssessmentRow, AssessmentRules


def check_required_values(
    rules: AssessmentRules, rows: Sequence[AssessmentRow], *, operations: Collection[str] | None, user_required: bool
) -> None:
    """See that what every row needs is there for one of them at least.

    A row that lacks what others have fails alone, later, with its file and line.

    Args:
        rules: what the assessments take.
        rows: all rows.
        operations: those that the environment has; None for all.
        user_required: every call must name an end user.

    Raises:
        UsageError: something is missing in all of them; the message has all of it, and where it is said.
    """
    if not rows:
        return
    missing = [*_missing(rules, rows, user_required=user_required), *_absent(rules, rows, operations)]
    if missing:
        raise UsageError(f"nothing was sent, for no row can do without it: {'; '.join(missing)}")


def _missing(rules: AssessmentRules, rows: Sequence[AssessmentRow], *, user_required: bool) -> Iterator[str]:
    takes = [rules.takes(row) for row in rows]
    # Where it can be said, besides in an option.
    named = " or a column `{}` in the manifest" if any(row.manifest for row in rows) else ""
    if all(take.accent and not take.has_accent for take in takes):
        values = rules.accents(takes[0].operation)
        yield f"the accent is missing: add --accent NAME ({values}){named.format('accent')}"
    if all(take.text and not take.has_text for take in takes):
        free = f", or --operation {other} for free speech" if (other := rules.free()) else ""
        yield f"the text is missing: add a manifest with a column `expected_text`{free}"
    if user_required and all(row.user is None for row in rows):
        yield f"the end user is missing, by whom this plan is billed: add --for-user ID{named.format('user')}"


def _absent(rules: AssessmentRules, rows: Sequence[AssessmentRow], operations: Collection[str] | None) -> Iterator[str]:
    wanted = {rules.takes(row).operation for row in rows}
    if operations is not None and wanted.isdisjoint(operations):
        has = ", ".join(operations)
        yield f"the environment has no {min(wanted)}: add --operation NAME ({has}), or choose another one"

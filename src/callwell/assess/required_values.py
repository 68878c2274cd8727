# SPDX-License-Identifier: Apache-2.0
"""Reports values that every row needs and no row has, in one error before anything is sent or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from callwell.assess.rows import AssessmentRow, AssessmentRules


def check_required_values(
    rules: AssessmentRules, rows: Sequence[AssessmentRow], *, operations: Collection[str] | None, user_required: bool
) -> None:
    """Check that at least one row has each value that all rows need.

    A row that lacks a value that others have fails later and separately, with its file and line.

    Args:
        rules: the provider's assessments.
        rows: all rows.
        operations: the operations of the environment; None for all.
        user_required: whether every call must name an end user.

    Raises:
        UsageError: a value is missing in all rows; the message names all such values and where to set them.
    """
    if not rows:
        return
    missing = [
        *_missing_values(rules, rows, user_required=user_required),
        *_missing_operation(rules, rows, operations),
    ]
    if missing:
        raise UsageError(f"nothing was sent, because no row can be assessed: {'; '.join(missing)}")


def _missing_values(rules: AssessmentRules, rows: Sequence[AssessmentRow], *, user_required: bool) -> Iterator[str]:
    needs = [rules.needs(row) for row in rows]
    or_column = " or a column `{}` to the manifest" if any(row.manifest for row in rows) else ""
    if all(need.accent and not need.has_accent for need in needs):
        values = rules.accents(needs[0].operation)
        yield f"the accent is missing: add --accent NAME ({values}){or_column.format('accent')}"
    if all(need.text and not need.has_text for need in needs):
        free = rules.free_speech_operation()
        or_free = f", or --operation {free} for free speech" if free else ""
        yield f"the expected text is missing: add a manifest with a column `expected_text`{or_free}"
    if user_required and all(row.user is None for row in rows):
        yield f"the end user is missing, and this plan bills by end user: add --for-user ID{or_column.format('user')}"


def _missing_operation(
    rules: AssessmentRules, rows: Sequence[AssessmentRow], operations: Collection[str] | None
) -> Iterator[str]:
    wanted = {rules.needs(row).operation for row in rows}
    if operations is not None and wanted.isdisjoint(operations):
        available = ", ".join(operations)
        yield (
            f"this environment has no operation {min(wanted)}: add --operation NAME ({available}), "
            "or choose another --environment"
        )

# SPDX-License-Identifier: Apache-2.0
"""The figures of an assessment, while it runs and at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from callwell.errors import RowFailed


class AssessmentReport(NamedTuple):
    """The result of an assessment.

    Attributes:
        rows: the number of rows.
        assessed: rows that this run assessed.
        remembered: rows with a result from an earlier run, or from another row with the same content.
        failed: rows that could not be assessed, with the reason, in order.
        audio_s: seconds of speech sent.
        bytes: bytes of the files that were sent, as they were before conversion.
        sent: bytes that were sent for them, after conversion.
        possibly_billed: requests that lost their response and may be billed.
    """

    rows: int
    assessed: int
    remembered: int
    failed: tuple[RowFailed, ...]
    audio_s: float
    bytes: int
    sent: int
    possibly_billed: int


class AssessmentProgress(NamedTuple):
    """The progress of an assessment.

    Attributes:
        rows: the number of rows.
        done: rows with a result.
        remembered: those of them with a result from before.
        failed: rows that could not be assessed.
        audio_s: seconds of speech sent.
        bytes: bytes of the files that were sent, as they were before conversion.
        sent: bytes that were sent for them, after conversion.
        possibly_billed: requests that lost their response and may be billed.
    """

    rows: int = 0
    done: int = 0
    remembered: int = 0
    failed: int = 0
    audio_s: float = 0.0
    bytes: int = 0
    sent: int = 0
    possibly_billed: int = 0

# SPDX-License-Identifier: Apache-2.0
"""What an assessment was worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from callwell.errors import RowFailed


class AssessmentReport(NamedTuple):
    """What an assessment was worth.

    Attributes:
        rows: how many there were.
        assessed: rows that this run has had assessed.
        remembered: rows whose result was there before.
        failed: rows that could not be assessed, with the reason, in order.
        audio_s: seconds of recordings that were sent.
        bytes: of the files that were sent, before they were made ready.
        sent: bytes that were made of them.
        possibly_billed: requests whose answer nobody saw, and that may be billed.
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
    """How far an assessment is.

    Attributes:
        rows: how many there are.
        done: rows with a result.
        remembered: those of them whose result was there before.
        failed: rows that could not be assessed.
        audio_s: seconds of recordings that were sent.
        bytes: of the files that were sent, before they were made ready.
        sent: bytes that were made of them.
        possibly_billed: requests whose answer nobody saw, and that may be billed.
    """

    rows: int = 0
    done: int = 0
    remembered: int = 0
    failed: int = 0
    audio_s: float = 0.0
    bytes: int = 0
    sent: int = 0
    possibly_billed: int = 0

# SPDX-License-Identifier: Apache-2.0
"""The result files of an assessment. Results are kept on disk as they arrive, and written in the order of the rows.

::

    DIR/
    ├── callwell-assessment.json   the marker: provider, address and account of this assessment
    ├── results.jsonl              one line a row: the request, and the whole response or the error
    ├── scores.csv                 the same as a table, without the responses
    └── report.html                the distribution of scores, by speaker and by word
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from callwell.assess.rows import AssessmentRow
    from callwell.errors import RowFailed

RESULTS_NAME: Final = "results.jsonl"
SCORES_NAME: Final = "scores.csv"
COLUMNS: Final = ("row", "file", "user", "operation", "accent", "score", "error", "message")


class ScoredRecording(msgspec.Struct, frozen=True):
    """The fields of a line of `results.jsonl` that the report needs.

    Attributes:
        file: the recording.
        status: `done` or `failed`.
        user: the speaker, if named.
        score: the overall score, if the response has one.
        remembered: whether the result is from an earlier run.
    """

    file: str
    status: str
    user: str | None = None
    score: float | None = None
    remembered: bool = False


class ResultLines:
    """Lines that arrive in any order, kept on disk: the responses of a large assessment do not fit in memory.

    Args:
        file: an empty file for them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._spans: dict[int, tuple[int, int]] = {}  # row → the start and size of its line

    def add(self, position: int, line: bytes) -> None:
        """Add the line of a row.

        Args:
            position: the position of the row, from 0.
            line: its line.
        """
        start = self._file.seek(0, io.SEEK_END)
        self._spans[position] = (start, len(line))
        self._file.write(line)

    def read(self) -> Iterator[bytes]:
        """All lines, in the order of the rows."""
        for _, (start, size) in sorted(self._spans.items()):
            self._file.seek(start)
            yield self._file.read(size)


def result_line(row: AssessmentRow, details: dict[str, Any], answer: bytes) -> bytes:
    """The line of a row with a result.

    Args:
        row: the row.
        details: further fields of the line.
        answer: the provider's response, unchanged.
    """
    return msgspec.json.encode({**_request_fields(row), "status": "done", **details, "answer": msgspec.Raw(answer)})


def failure_line(row: AssessmentRow, error: RowFailed) -> bytes:
    """The line of a row that could not be assessed."""
    cause = error.cause
    details = {
        "kind": type(cause).__name__,
        "code": getattr(cause, "code", None),
        "message": replace_unencodable(str(error)),
    }
    return msgspec.json.encode({**_request_fields(row), "status": "failed", "error": details})


def csv_lines(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The table of scores.

    Args:
        lines: the lines of `results.jsonl`.
    """
    yield _csv_line(COLUMNS)
    for line in lines:
        result = msgspec.json.decode(line, type=dict[str, Any])
        error = result.get("error") or {}
        cells = {**result, "error": error.get("kind"), "message": error.get("message")}
        yield _csv_line([cells.get(name) for name in COLUMNS])


def scored_recordings(lines: Iterator[bytes]) -> Iterator[ScoredRecording]:
    """The recordings that were assessed, in the order of the rows.

    Args:
        lines: the lines of `results.jsonl`.
    """
    decode = msgspec.json.Decoder(ScoredRecording).decode
    return (recording for recording in map(decode, lines) if recording.status == "done")


def replace_unencodable(text: str) -> str:
    """Replace characters that UTF-8 cannot encode, since file names may be any bytes."""
    return text.encode("utf-8", "replace").decode()


def _request_fields(row: AssessmentRow) -> dict[str, Any]:
    return {
        "row": row.number or None,
        "file": replace_unencodable(str(row.file)),
        "user": row.user,
        "operation": row.operation,
        "accent": row.accent,
        "expected_text": row.text,
    }


def _csv_line(cells: Sequence[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue().encode()

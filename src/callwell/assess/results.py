# SPDX-License-Identifier: Apache-2.0
"""The results of an assessment: kept on disk as they come, written in the order of the rows.

::

    DIR/
    ├── callwell-assessment.json   whose it is: by it the folder is known to be ours
    ├── results.jsonl              a row each: what was asked, and the whole answer or what went wrong
    ├── scores.csv                 the same as a table, without the answers
    └── report.html                how the scores are distributed, by speaker and by word
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from callwell.assess.rows import AssessmentRow
    from callwell.errors import RowFailed

LINES: Final = "results.jsonl"
TABLE: Final = "scores.csv"
COLUMNS: Final = ("row", "file", "user", "operation", "accent", "score", "error", "message")


class ScoredRecording(msgspec.Struct, frozen=True):
    """A recording that was assessed.

    Attributes:
        file: it.
        status: `done` or `failed`.
        user: the speaker, where one is named.
        score: of the whole, where the answer has one.
        remembered: the result was there before.
    """

    file: str
    status: str
    user: str | None = None
    score: float | None = None
    remembered: bool = False


class ResultLines:
    """Lines that come in any order, on disk.

    Args:
        file: an empty file for them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places: dict[int, tuple[int, int]] = {}

    def add(self, place: int, line: bytes) -> None:
        """Keep the line of a row."""
        self._places[place] = self._file.seek(0, io.SEEK_END), len(line)
        self._file.write(line)

    def lines(self) -> Iterator[bytes]:
        """All lines, in the order of the rows."""
        for _, (start, size) in sorted(self._places.items()):
            self._file.seek(start)
            yield self._file.read(size)


def done(row: AssessmentRow, said: dict[str, Any], answer: bytes) -> bytes:
    """The line of a row with a result.

    Args:
        row: the row.
        said: what is told of the result beside it.
        answer: the provider's, as it came.
    """
    return msgspec.json.encode({**_asked(row), "status": "done", **said, "answer": msgspec.Raw(answer)})


def failed(row: AssessmentRow, error: RowFailed) -> bytes:
    """The line of a row that could not be assessed."""
    cause = error.cause
    code = getattr(cause, "code", None)
    told = {"kind": type(cause).__name__, "code": code, "message": writable(str(error))}
    return msgspec.json.encode({**_asked(row), "status": "failed", "error": told})


def table(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The table of scores.

    Args:
        lines: those of the results.
    """
    yield _cells(COLUMNS)
    for line in lines:
        found = msgspec.json.decode(line, type=dict[str, Any])
        error = found.get("error") or {}
        told = {**found, "error": error.get("kind"), "message": error.get("message")}
        yield _cells([told.get(name) for name in COLUMNS])


def scores(lines: Iterator[bytes]) -> Iterator[ScoredRecording]:
    """The recordings that were assessed, in the order of the rows.

    Args:
        lines: those of the results.
    """
    decode = msgspec.json.Decoder(ScoredRecording).decode
    return (one for one in map(decode, lines) if one.status == "done")


def _asked(row: AssessmentRow) -> dict[str, Any]:
    asked = {"row": row.number or None, "file": writable(str(row.file)), "user": row.user, "operation": row.operation}
    return asked | {"accent": row.accent, "expected_text": row.text}


def _cells(cells: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue().encode()


def writable(text: str) -> str:
    """A text with what no file in UTF-8 can hold replaced: names of files may be any bytes."""
    return text.encode("utf-8", "replace").decode()

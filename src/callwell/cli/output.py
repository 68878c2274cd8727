# SPDX-License-Identifier: Apache-2.0
"""What commands print, and where: results on standard output, everything else on standard error.

Nothing secret leaves through here: what goes to standard error is cleaned of keys, signatures, passwords and of control
characters, which a terminal would obey.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

from callwell.cli import tables
from callwell.observe.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, but tab and line feed, and those that turn the direction of text."""

SECRET_NAME: Final = re.compile(r"(?i)(?:^|_)(?:api_?key|key|token|secret|password)$")
SHORTEST_SECRET: Final = 8
PIPE_WIDTH: Final = 160
"""Columns of a table where nobody says how wide the paper is."""


ERRORS: Final = "callwell.plain"
"""The name under which `prepare` registers how characters are written that an encoding lacks."""

PLAINER: Final = str.maketrans({"─": "-", "│": "|", "–": "-", "—": "-", "…": "...", "→": "->", "×": "x", "·": "."})
"""What this program itself writes, and what can stand for it."""


def on_terminal() -> bool:
    """Whether standard output is read by a person."""
    return sys.stdout.isatty()


def prepare() -> None:
    """Let every character be written, whatever the encoding, and let nobody be surprised by a closed stream."""
    codecs.register_error(ERRORS, _replaced)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller: what is written goes nowhere
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - as long as the process
        elif isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors=ERRORS)


def emit(text: str) -> None:
    """Write a line of a result."""
    sys.stdout.write(f"{text}\n")


def emit_data(text: str) -> None:
    """Write a piece of a result that a program will read: what the encoding lacks is escaped."""
    sys.stdout.write(escaped(text, sys.stdout.encoding))


def emit_bytes(piece: bytes) -> None:
    """Write a piece of a file as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(piece)


def emit_json(value: object) -> None:
    """Write one JSON document: for people on a terminal, in one line elsewhere."""
    line = json_line(value)
    if not on_terminal():
        emit_data(f"{line}\n")
        return
    import msgspec

    paper = console()
    with paper.capture() as printed:
        paper.print_json(msgspec.json.format(line, indent=2), ensure_ascii=not line.isascii() and not _holds(line))
    emit(printed.get().rstrip("\n"))


def json_line(value: object) -> str:
    """A value as JSON in one line; halves of characters, which are in no encoding, are escaped."""
    import msgspec

    try:
        return msgspec.json.encode(value).decode()
    except UnicodeError:
        import json

        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "nothing to show") -> None:
    """Write a table; None is shown as a dash.

    Args:
        columns: their names.
        rows: the values of each row.
        empty: what standard error is told if there are none.
    """
    cells = [[shown(value) for value in row] for row in rows]
    if not cells:
        say(empty)
        return
    for line in tables.lines(columns, cells, width()):
        emit(line)


def shown(value: object) -> str:
    """A value as a table shows it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return CONTROL.sub("�", str(value)).replace("\n", " ").replace("\t", " ")


def console() -> Console:
    """Paper for tables and colours, to be captured and emitted: by itself it would end the process on a broken pipe.

    NO_COLOR and COLUMNS are honoured.
    """
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, width=width())


def width() -> int:
    """Columns of the paper."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def escaped(text: str, encoding: str) -> str:
    """A text in which what an encoding lacks is written as JSON and Python escape it.

    Args:
        text: the text.
        encoding: its name.
    """
    if text.isascii():
        return text
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(one if _encodes(one, encoding) else _escape(one) for one in text)
    return text


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _holds(text: str) -> bool:
    return _encodes(text, sys.stdout.encoding)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """What is written in the place of characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(PLAINER)
    return escaped(lacking, "ascii"), error.end


def say(text: str) -> None:
    """Write one line to standard error, for people."""
    line = " ".join(clean(text).split())
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def clean(text: str) -> str:
    """A text without secrets and control characters."""
    secrets = (
        value
        for name, value in os.environ.items()
        if len(value) >= SHORTEST_SECRET and SECRET_NAME.search(name) and not os.path.exists(value)  # noqa: PTH110
    )
    return CONTROL.sub("�", redact(text, *secrets))


def log_to_stderr(*, verbose: bool) -> None:
    """Send the library's log to standard error, or nowhere.

    Args:
        verbose: to standard error, all of it.
    """
    import logging

    class Cleaned(logging.Formatter):
        def format(self, record: Any) -> str:
            return clean(super().format(record))

    logger = logging.getLogger("callwell")
    logger.propagate = False
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if verbose else logging.NullHandler()
    handler.setFormatter(Cleaned("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.CRITICAL)

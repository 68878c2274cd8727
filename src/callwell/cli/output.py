# SPDX-License-Identifier: Apache-2.0
"""Prints results on standard output and everything else on standard error.

Standard error carries no secrets: keys, signatures and passwords are removed from it, and so are control characters,
which a terminal would obey.
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

CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters except tab and line feed, and characters that change the direction of text (Unicode bidi)."""

SECRET_NAME: Final = re.compile(r"(?i)(?:^|_)(?:api_?key|key|token|secret|password)$")
"""Names of environment variables that hold secrets: their values are removed from what is printed."""

MIN_SECRET_LENGTH: Final = 8
"""Characters: a shorter value is too common a string to be removed everywhere."""

PIPE_WIDTH: Final = 160
"""Columns of a table that goes to a pipe or file: wide enough for most, narrow enough for a log viewer."""


ERROR_HANDLER: Final = "callwell.plain"
"""The error handler that `prepare_streams` registers for characters the encoding does not have."""

ASCII_SUBSTITUTES: Final = str.maketrans(
    {"─": "-", "│": "|", "–": "-", "—": "-", "…": "...", "→": "->", "×": "x", "·": "."}
)
"""Characters that this program itself prints, and what replaces them in a plain encoding."""


def on_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def prepare_streams() -> None:
    """Make standard output and error accept every character, and work even if the caller has closed them."""
    codecs.register_error(ERROR_HANDLER, _replace_unencodable)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the caller has closed it, so the text goes nowhere
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - as long as the process
        elif isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors=ERROR_HANDLER)


def emit(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{text}\n")


def emit_data(text: str) -> None:
    """Print text that a program will read: characters the encoding does not have are escaped, not replaced."""
    sys.stdout.write(escape_unencodable(text, _encoding()))


def emit_bytes(chunk: bytes) -> None:
    """Print a chunk of a file unchanged."""
    sys.stdout.flush()
    sys.stdout.buffer.write(chunk)


def emit_json(value: object) -> None:
    """Print one JSON document: indented on a terminal, one line elsewhere."""
    line = json_line(value)
    if not on_terminal():
        emit_data(f"{line}\n")
        return
    import msgspec
    from rich.highlighter import JSONHighlighter

    line = CONTROL.sub(lambda found: _escape(found[0]), line)  # JSON has them in strings only
    # Rich's own `print_json` would parse the escapes, and print the characters.
    text = JSONHighlighter()(escape_unencodable(msgspec.json.format(line, indent=2), _encoding()))
    terminal = console()
    with terminal.capture() as printed:
        terminal.print(text, soft_wrap=True)
    emit(printed.get().rstrip("\n"))


def json_line(value: object) -> str:
    """A value as one line of JSON. Lone surrogates, which no encoding can hold, are escaped."""
    import msgspec

    try:
        return msgspec.json.encode(value).decode()
    except UnicodeError:
        import json

        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "nothing to show") -> None:
    """Print a table; None is a dash.

    Args:
        columns: the headings.
        rows: the values of each row.
        empty: what to print on standard error if there are no rows.
    """
    cells = [[cell_text(value) for value in row] for row in rows]
    if not cells:
        say(empty)
        return
    if not _can_encode("…─–", _encoding()):  # substitutes can be wider, so make them before measuring columns
        cells = [[text.translate(ASCII_SUBSTITUTES) for text in row] for row in cells]
    for line in tables.lines(columns, cells, width()):
        emit(line)


def cell_text(value: object) -> str:
    """A value as the cell of a table."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return CONTROL.sub("�", str(value)).replace("\n", " ").replace("\t", " ")


def console() -> Console:
    """A Rich console to capture and then `emit`: if it printed by itself, it would end the process on a broken pipe.

    It honours NO_COLOR and COLUMNS.
    """
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, width=width())


def wants_color() -> bool:
    """Whether standard output is a terminal that should get colours."""
    return on_terminal() and console().color_system is not None and not console().no_color


def width() -> int:
    """Columns of the terminal; `PIPE_WIDTH` where there is none."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def escape_unencodable(text: str, encoding: str) -> str:
    """Escape the characters that an encoding does not have, as JSON and Python write them.

    Args:
        text: the text.
        encoding: the encoding's name.
    """
    if text.isascii() or _can_encode(text, encoding):
        return text
    return "".join(character if _can_encode(character, encoding) else _escape(character) for character in text)


def _encoding() -> str:
    """The encoding of standard output. A program that has replaced it by an `io.StringIO` takes any string."""
    return sys.stdout.encoding or "utf-8"


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    """The codec error handler: replacement text, and where encoding continues."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    replaced = error.object[error.start : error.end].translate(ASCII_SUBSTITUTES)
    return escape_unencodable(replaced, "ascii"), error.end


def say(text: str) -> None:
    """Print one line on standard error, for display."""
    line = " ".join(clean(text).split())
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # a closed standard error must not end the command
        return


def clean(text: str) -> str:
    """Remove secrets and control characters from a string.

    A secret is the value of a variable such as API_TOKEN, unless it is the path of an existing file: such a path is no
    secret, and messages must name it.
    """
    secrets = (
        value
        for name, value in os.environ.items()
        if len(value) >= MIN_SECRET_LENGTH and SECRET_NAME.search(name) and not os.path.exists(value)  # noqa: PTH110
    )
    return CONTROL.sub("�", redact(text, *secrets))


def configure_logging(*, verbose: bool) -> None:
    """Send the library's log to standard error, or discard it.

    Args:
        verbose: send it, from level DEBUG.
    """
    import logging

    class RedactingFormatter(logging.Formatter):
        def format(self, record: Any) -> str:
            return clean(super().format(record))

    logger = logging.getLogger("callwell")
    logger.propagate = False
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if verbose else logging.NullHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.CRITICAL)

# SPDX-License-Identifier: Apache-2.0
"""What commands print, and where: results on standard output, everything else on standard error.

Nothing secret leaves through here: what goes to standard error is cleaned of keys, signatures, passwords and of control
characters, which a terminal would obey.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

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


def on_terminal() -> bool:
    """Whether standard output is read by a person."""
    return sys.stdout.isatty()


def emit(text: str) -> None:
    """Write a line of a result."""
    sys.stdout.write(f"{text}\n")


def emit_bytes(piece: bytes) -> None:
    """Write a piece of a file as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(piece)


def emit_json(value: object) -> None:
    """Write one JSON document: for people on a terminal, in one line elsewhere."""
    import msgspec

    body = msgspec.json.encode(value)
    if not on_terminal():
        emit(body.decode())
        return
    paper = console()
    with paper.capture() as printed:
        paper.print_json(msgspec.json.format(body, indent=2).decode(), ensure_ascii=False)
    emit(printed.get().rstrip("\n"))


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table; None is shown as a dash."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    paper = console()
    with paper.capture() as printed:
        paper.print(table)
    emit("\n".join(line.rstrip() for line in printed.get().splitlines()))


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

# SPDX-License-Identifier: Apache-2.0
"""The Python in a Jupyter notebook (nbformat 4): its code cells, as one source with the place of each line."""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

import msgspec

MAGIC: Final = re.compile(r"\s*[%!?]|[^#'\"]*\?\s*$")
"""A line of IPython syntax: `%timeit f()`, `!ls`, `f?`."""

CAPTURED: Final = re.compile(r"(?P<target>\s*[A-Za-z_][\w, ]*=\s*)[%!].*")
"""An assignment from IPython or a shell: `files = !ls`."""

PYTHON_CELLS: Final = ("%%time", "%%timeit", "%%capture", "%%prun", "%%python3", "%%python")
"""Cell magics after which the cell is still Python; other ones switch to another language."""


class CodeCell(NamedTuple):
    """One code cell.

    Attributes:
        number: its number among all cells, from 1.
        source: its Python; lines of IPython syntax are blank or assign None.
        lines: for each line of the source, its line in the notebook's file, from 1, if it was found there.
    """

    number: int
    source: str
    lines: tuple[int | None, ...]


class NotANotebook(ValueError):
    """A file is not a readable notebook."""


def read_cells(text: str) -> tuple[CodeCell, ...]:
    """The code cells of a notebook; none if its language is another one.

    Args:
        text: the text of the file.

    Raises:
        NotANotebook: it is not JSON, or has no list of cells.
    """
    try:
        notebook = msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotANotebook(f"it is not JSON ({error})") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise NotANotebook("it has no list of cells: convert it to nbformat 4")
    if _language(notebook) not in ("python", ""):
        return ()
    finder = _LineFinder(text)
    cells = []
    for number, cell in enumerate(notebook["cells"], start=1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        parts = source if isinstance(source, list) else [source]
        lines = [line for part in parts if isinstance(part, str) for line in part.splitlines(keepends=True)]
        places = tuple(finder.find(line) for line in lines)
        cells.append(CodeCell(number=number, source=_python_only(lines), lines=places))
    return tuple(cells)


def _language(notebook: dict[str, object]) -> str:
    """The language of a notebook's kernel in lower case; empty if it does not say."""
    metadata = notebook.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    for table, key in (("kernelspec", "language"), ("language_info", "name")):
        found = metadata.get(table)
        if isinstance(found, dict) and isinstance(found.get(key), str):
            return str(found[key]).lower()
    return ""


def _python_only(lines: list[str]) -> str:
    """A cell's Python, line by line, so that line numbers stay the same."""
    first = lines[0].strip() if lines else ""
    if first.startswith("%%") and first.split()[0] not in PYTHON_CELLS:
        return "\n" * len(lines)
    return "".join(_python_line(line.rstrip("\r\n")) + "\n" for line in lines)


def _python_line(line: str) -> str:
    captured = CAPTURED.fullmatch(line)
    if captured is not None:
        return f"{captured['target']}None"
    if MAGIC.match(line):
        return line[: len(line) - len(line.lstrip())] + "pass" if line.strip() else line
    return line


class _LineFinder:
    """Finds the lines of cells in the file, in order.

    Args:
        text: the text of the file.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def find(self, line: str) -> int | None:
        """The number of the next line of the file that contains this line of a cell."""
        for ascii_only in (False, True):
            quoted = json.dumps(line, ensure_ascii=ascii_only)[1:-1]
            found = self._text.find(quoted, self._at)
            if found >= 0:
                self._line += self._text.count("\n", self._at, found)
                self._at = found + len(quoted)
                return self._line
        return None

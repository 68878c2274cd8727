#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records `callwell demo` as an animated picture: `make recording` writes docs/demo.svg.

The command runs in its own terminal. What it writes is played on a small screen that shows the last lines, as a
terminal does; its states are the frames. The picture is as wide as a page, so that it can be read there without being
enlarged. It needs no script, no font and nothing from elsewhere; where animation is off, it shows the end.
"""

from __future__ import annotations

import codecs
import os
import pty
import re
import subprocess
import sys
import termios
import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "docs" / "demo.svg"
COMMAND: Final = ("callwell", "demo")
COLUMNS: Final = 84
ROWS: Final = 50
SHOWN: Final = 40
"""Lines of the picture: as many as both tables of the end have, with what is around them."""

FRAMES: Final = 20
FRAME_S: Final = 0.6
LAST_S: Final = 8.0

CELL: Final = 8.4
LINE: Final = 19
EDGE: Final = 18
FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
PAPER: Final = "#16191f"
BORDER: Final = "#4b5260"
INK: Final = "#e3e6eb"
FAINT: Final = "#9aa2b1"

_WRITTEN: Final = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Piece(NamedTuple):
    """What the command wrote, and when.

    Attributes:
        at_s: real seconds since it began.
        text: with control sequences.
    """

    at_s: float
    text: str


class Screen:
    """As much of a terminal as the demo's bars need: lines are written whole, or erased and written again."""

    def __init__(self) -> None:
        self._lines = [""]
        self._row = 0

    def write(self, text: str) -> None:
        """Show what a program writes."""
        for numbers, action, end, words in _WRITTEN.findall(text):
            if words:
                self._lines[self._row] += words
            elif end == "\n":
                self._row += 1
                self._lines += [""] * (self._row == len(self._lines))
            elif action == "m":
                self._lines[self._row] += f"\x1b[{numbers}m"
            elif action == "A":
                self._row = max(0, self._row - int(numbers or 1))
            elif action == "K":
                self._lines[self._row] = ""

    def lines(self) -> tuple[str, ...]:
        """What is on it, with control sequences for colours only."""
        return tuple("\n".join(self._lines).rstrip("\n").split("\n"))


def main() -> int:
    """Record, and write the picture; the exit code is that of the demo."""
    pieces, code = record()
    TARGET.write_text(picture(frames(pieces)), encoding="utf-8")
    print(f"recording: {TARGET.relative_to(ROOT)}, {TARGET.stat().st_size // 1024} kB")
    return code


def record() -> tuple[list[Piece], int]:
    """Run the command in a terminal; what it wrote, and its exit code."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    settings = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    settings.pop("NO_COLOR", None)
    command = [str(Path(sys.executable).with_name(COMMAND[0])), *COMMAND[1:]]
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings)
    os.close(theirs)
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces = [Piece(time.monotonic() - began, decoder.decode(piece)) for piece in _read(ours)]
    return pieces, process.wait()


def frames(pieces: Sequence[Piece]) -> list[tuple[str, ...]]:
    """The screen at regular times and at the end, each state once.

    Args:
        pieces: what was written; one at least.
    """
    screen = Screen()
    states: list[tuple[str, ...]] = []
    step_s = pieces[-1].at_s / FRAMES
    for piece in pieces:
        while piece.at_s > step_s * (len(states) + 1):
            states.append(screen.lines())
        screen.write(piece.text)
    return list(dict.fromkeys([*states, screen.lines()]))


def picture(states: Sequence[tuple[str, ...]]) -> str:
    """An SVG of states, one after the other and over again.

    Args:
        states: lines with control sequences for colours.
    """
    width = round(COLUMNS * CELL + 2 * EDGE)
    states = [state[-SHOWN:] for state in states]
    height = (max(map(len, states)) + 1) * LINE + 2 * EDGE
    last = len(states) - 1
    total_s = last * FRAME_S + LAST_S
    style = [
        f"text {{ font: 14px {FONTS}; fill: {INK}; white-space: pre }}",
        f".frame {{ visibility: hidden }} #f{last} {{ visibility: visible }}",
        "@media (prefers-reduced-motion: no-preference) {",
    ]
    for number in range(len(states)):
        begin = 100 * FRAME_S * number / total_s  # percent of the whole
        end = 100 * FRAME_S * (number + 1) / total_s
        keyframes = ["0% { visibility: hidden }"] if number > 0 else []
        keyframes.append(f"{begin:.2f}% {{ visibility: visible }}")
        if number < last:
            keyframes.append(f"{end:.2f}% {{ visibility: hidden }}")
        style.append(f"@keyframes k{number} {{ {' '.join(keyframes)} }}")
        style.append(f"#f{number} {{ animation: k{number} {total_s:.1f}s step-end infinite }}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{' '.join(COMMAND)}</title>",
        "<style>" + "\n".join([*style, "}"]) + "</style>",
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{PAPER}" stroke="{BORDER}"/>',
        _row(0, Text.assemble(("$ ", "bold"), (" ".join(COMMAND), "bold"))),
    ]
    for number, state in enumerate(states):
        rows = "".join(_row(row, Text.from_ansi(line)) for row, line in enumerate(state, 1))
        parts.append(f'<g id="f{number}" class="frame">{rows}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(row: int, line: Text) -> str:
    """A line of the screen, every run of one style at its own column."""
    runs = []
    column = 0
    for text, style in _runs(line):
        if text.strip():
            x = EDGE + column * CELL
            length = len(text) * CELL
            attributes = _style_attributes(style)
            runs.append(f'<tspan x="{x:.1f}" textLength="{length:.1f}"{attributes}>{escape(text, quote=False)}</tspan>')
        column += len(text)
    return f'<text y="{EDGE + (row + 1) * LINE - 5}">{"".join(runs)}</text>' if runs else ""


def _runs(line: Text) -> Iterator[tuple[str, Style]]:
    """The runs of one style in a line. Several spaces begin a new one, so that columns keep their places."""
    for segment in line.render(Console(), end=""):
        for text in re.findall(r" {2,}|(?:(?! {2}).)+", segment.text):
            yield text, segment.style or Style.null()


def _style_attributes(style: Style) -> str:
    """The attributes of SVG for the colour and the weight of a style."""
    attributes = ""
    if style.color:
        attributes += f' fill="{style.color.get_truecolor(DIMMED_MONOKAI).hex}"'
    elif style.dim:
        attributes += f' fill="{FAINT}"'
    if style.bold:
        attributes += ' font-weight="bold"'
    return attributes


def _read(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal, until it is closed."""
    with os.fdopen(terminal, "rb", buffering=0) as source:
        while True:
            try:
                piece = source.read(65536)
            except OSError:  # how Linux says that the other end is closed
                return
            if not piece:
                return
            yield piece


if __name__ == "__main__":
    sys.exit(main())

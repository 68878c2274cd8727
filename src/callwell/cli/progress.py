# SPDX-License-Identifier: Apache-2.0
"""How far work is, while it runs: bars on a terminal, a line now and then elsewhere; all on standard error."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from callwell.cli import output
from callwell.cli.bars import Picture
from callwell.observe.logs import words
from callwell.observe.notices import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    import rich.live as rich_live
    from rich.console import RenderableType

    from callwell.clock import Clock
    from callwell.observe.notices import Notice

    Draw = Callable[[], Picture]
    Spent = Callable[[], Mapping[str, tuple[int, int]]]

LINE_EVERY_S: Final = 5.0
REDRAWN_PER_S: Final = 8
LONG_S: Final = 1.0
"""Waits shorter than this are not worth a word."""

WHY: Final = {
    "quota": "the quota allows nothing sooner",
    "throttled": "the provider asked for a pause",
    "backoff": "before another attempt",
    "key": "for a new key",
    "commit": "to be sure that a lost request is not done after all",
}


class Live:
    """Shows work while it runs. Use it in a `with`.

    Args:
        clock: by which waits are told.
        quiet: show nothing.
    """

    def __init__(self, clock: Clock, *, quiet: bool = False) -> None:
        self._clock = clock
        self._quiet = quiet
        self._draw: Draw = Picture
        self._spent: Spent = dict
        self._waiting: tuple[float, str] = (0.0, "")
        self._told_at = time.monotonic()
        self._live = None if quiet or not sys.stderr.isatty() else _live(self)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, draw: Draw, spent: Spent) -> None:
        """Show how far it is. Any thread may call this.

        Args:
            draw: tells it.
            spent: tells the quota used, by name.
        """
        self._draw, self._spent = draw, spent
        if self._live is None and not self._quiet and time.monotonic() - self._told_at >= LINE_EVERY_S:
            self._told_at = time.monotonic()
            output.say("; ".join([draw().line, *self._status()]))

    def notice(self, notice: Notice) -> None:
        """Remember what is waited for, and tell what a person should act upon."""
        if isinstance(notice, Waiting):
            if notice.seconds >= LONG_S:
                self._waiting = self._clock.wall() + notice.seconds, notice.why
        elif text := words(notice):
            self.say(text)

    def say(self, text: str) -> None:
        """Tell something that has happened."""
        if self._live is not None:
            self._live.console.print(text, style="dim", markup=False, highlight=False)
        elif not self._quiet:
            output.say(text)

    def __rich__(self) -> RenderableType:
        """The bars."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name, done, total, told, figures in self._draw().bars:
            bar = ProgressBar(total=max(total, 1), completed=done, width=32)
            table.add_row(Text(name), bar, Text(figures), Text(told))
        return Group(table, *(Text("; ".join(said), style="dim") for said in [self._status()] if said))

    def _status(self) -> list[str]:
        used = ", ".join(f"{name} {used:,}/{limit:,}" for name, (used, limit) in self._spent().items())
        said = [f"quota used: {used}"] if used else []
        until, why = self._waiting
        if until > self._clock.wall():
            at = time.strftime("%H:%M:%S", time.localtime(until))
            said.append(f"waiting until {at}: {WHY.get(why, why)}")
        return said


def _live(shown: Live) -> rich_live.Live:
    from rich.console import Console
    from rich.live import Live as RichLive

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    return RichLive(shown, console=console, refresh_per_second=REDRAWN_PER_S)

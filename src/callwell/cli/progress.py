# SPDX-License-Identifier: Apache-2.0
"""Progress of bulk work on standard error: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.cli import output
from callwell.observe.logs import advice
from callwell.observe.notices import Waiting

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import RenderableType
    from rich.live import Live

    from callwell.assess import AssessmentProgress
    from callwell.batch import UploadProgress
    from callwell.clock import Clock
    from callwell.export import ExportProgress
    from callwell.observe.notices import Notice

LINE_EVERY_S: Final = 5.0
"""Seconds between two lines in a log file: often enough to see that work continues, rare enough to read."""

REDRAWS_PER_S: Final = 8
"""Bars move smoothly to the eye, and drawing them costs next to nothing."""

LONG_WAIT_S: Final = 1.0
"""Shorter waits are over before anyone has read about them."""

LONGEST_NAME: Final = 24
"""Characters of a file's name, so that bar and figures fit next to it in 80 columns."""

WAIT_REASONS: Final = {
    "quota": "the quota is used up until then",
    "throttled": "the provider asked for a pause",
    "backoff": "retrying after a failure",
    "key": "waiting for a new key",
    "commit": "a lost request may still be carried out until then",
}


class Bar(NamedTuple):
    """One bar.

    Attributes:
        name: what it measures.
        done: how much is done.
        total: how much there is; 0 while unknown.
        details: text next to it.
        figures: the progress as text, such as `3/8`.
    """

    name: str
    done: int
    total: int
    details: str
    figures: str


class ProgressView(NamedTuple):
    """What to show of some progress.

    Attributes:
        bars: on a terminal.
        line: everywhere else.
    """

    bars: tuple[Bar, ...] = ()
    line: str = ""


Render = Callable[[], ProgressView]
"""Called only when something is drawn: work advances far more often than that."""

QuotaUsed = Callable[[], Mapping[str, tuple[int, int]]]
"""By quota: requests used, and the limit."""


class ProgressDisplay:
    """Shows progress while work runs. Use it in a `with` block.

    Args:
        clock: the clock of the waits that are announced.
        quiet: show nothing.
    """

    def __init__(self, clock: Clock, *, quiet: bool = False) -> None:
        self._clock = clock
        self._quiet = quiet
        self._render: Render = ProgressView
        self._quota_used: QuotaUsed = dict
        self._wait_until = 0.0
        self._wait_reason = ""
        self._last_line_at = time.monotonic()
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

    def update(self, render: Render, quota_used: QuotaUsed) -> None:
        """Show new progress. Any thread may call this.

        Args:
            render: returns the progress.
            quota_used: returns the quota used, by name.
        """
        self._render = render
        self._quota_used = quota_used
        if self._live is None and not self._quiet and time.monotonic() - self._last_line_at >= LINE_EVERY_S:
            self._last_line_at = time.monotonic()
            output.say("; ".join([render().line, *self._status()]))

    def notice(self, notice: Notice) -> None:
        """Remember a long wait; print a notice that a person should act on."""
        if isinstance(notice, Waiting):
            if notice.seconds >= LONG_WAIT_S:
                self._wait_until = self._clock.wall() + notice.seconds
                self._wait_reason = notice.reason
        elif text := advice(notice):
            self.say(text)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        if self._live is not None:
            self._live.console.print(text, style="dim", markup=False, highlight=False)
        elif not self._quiet:
            output.say(text)

    def __rich__(self) -> RenderableType:
        """The bars, and below them the quota used and the current wait."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for bar in self._render().bars:
            drawn = ProgressBar(total=max(bar.total, 1), completed=bar.done, width=32)
            table.add_row(Text(bar.name), drawn, Text(bar.figures), Text(bar.details))
        status = self._status()
        if not status:
            return table
        return Group(table, Text("; ".join(status), style="dim"))

    def _status(self) -> list[str]:
        status = []
        used = ", ".join(f"{name} {used:,}/{limit:,}" for name, (used, limit) in self._quota_used().items())
        if used:
            status.append(f"quota used: {used}")
        if self._wait_until > self._clock.wall():
            until = time.strftime("%H:%M:%S", time.localtime(self._wait_until))
            status.append(f"waiting until {until}: {WAIT_REASONS.get(self._wait_reason, self._wait_reason)}")
        return status


def _live(display: ProgressDisplay) -> Live:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    return Live(display, console=console, refresh_per_second=REDRAWS_PER_S)


def export_view(progress: ExportProgress) -> ProgressView:
    """An export: one bar for the lists, one for the items."""
    megabytes = progress.bytes / 1e6
    exceptions = _exceptions((progress.gone, "gone"), (progress.failed, "failed"))
    details = f"{progress.assets:,} files, {megabytes:,.1f} MB{exceptions}"
    walk = _bar("walk", progress.scopes, progress.scopes_total, f"{progress.pages} pages, {progress.listed} entries")
    fetch = _bar("fetch", progress.items, progress.items_total, details)
    line = f"{fetch.figures} items, {progress.assets} files, {megabytes:.1f} MB, {progress.pages} pages"
    return ProgressView((walk, fetch), line)


def upload_view(progress: UploadProgress) -> ProgressView:
    """A batch of uploads: one bar for all files, and one for each file being sent."""
    exceptions = _exceptions((progress.failed, "failed"))
    details = f"{progress.bytes / 1e6:,.1f} of {progress.bytes_total / 1e6:,.1f} MB{exceptions}"
    count = f"{progress.files}/{progress.files_total}"
    bars = [Bar(name="files", done=progress.bytes, total=progress.bytes_total, details=details, figures=count)]
    for file in progress.in_progress:
        percent = 100 * file.sent // max(file.size, 1)
        megabytes = f"{file.sent / 1e6:,.1f} of {file.size / 1e6:,.1f} MB"
        bars.append(
            Bar(name=_shorten(file.name), done=file.sent, total=file.size, details=megabytes, figures=f"{percent} %")
        )
    return ProgressView(tuple(bars), f"{count} files, {details}")


def assessment_view(progress: AssessmentProgress) -> ProgressView:
    """An assessment: one bar."""
    exceptions = _exceptions(
        (progress.remembered, "already known"),
        (progress.failed, "failed"),
        (progress.possibly_billed, "possibly billed twice"),
    )
    details = f"{progress.audio_s / 60:,.1f} min of speech, {progress.sent / 1e6:,.1f} MB{exceptions}"
    bar = _bar("assess", progress.done + progress.failed, progress.rows, details)
    return ProgressView((bar,), f"{bar.figures} recordings, {details}")


def _bar(name: str, done: int, total: int, details: str) -> Bar:
    return Bar(name=name, done=done, total=total, details=details, figures=f"{done}/{total}")


def _exceptions(*counts: tuple[int, str]) -> str:
    """What did not go as usual, as more words of a line; nothing if all did."""
    return "".join(f", {count} {word}" for count, word in counts if count)


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"

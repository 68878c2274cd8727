# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML page. It is self-contained, and its content security policy forbids loading anything."""

from __future__ import annotations

import os
import statistics
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.assess import plots
from callwell.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from callwell.assess.report import AssessmentReport
    from callwell.assess.results import ScoredRecording
    from callwell.assess.scores import ScoreStats, ScoreTally

NAME: Final = "report.html"
MAX_BARS: Final = 30
"""The most bars of a plot: as many as fit on a screen."""

MAX_ROWS: Final = 500
"""The most rows of a table, so that browsers stay fast; the files have all of them."""

NO_PLOTS: Final = (
    "The plots are missing because matplotlib is not installed. To add them, run: {install}, and then the same "
    "assessment again. Nothing is billed twice."
)

HEAD: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2 {{ line-height: 1.2; }}
h1 {{ font-size: 1.6rem; }}
h2 {{ margin-top: 2.5rem; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem; }}
dl div {{ border: 1px solid #8886; border-radius: .4rem; padding: .5rem .8rem; }}
dt {{ font-size: .85rem; opacity: .8; }}
dd {{ margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }}
img {{ width: 100%; background: white; border-radius: .4rem; }}
div.wide {{ overflow: auto; max-height: 32rem; }}
@media print {{ div.wide {{ overflow: visible; max-height: none; }} }}
table {{ border-collapse: collapse; min-width: 50%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .25rem 1.2rem .25rem .6rem; border-bottom: 1px solid #8886; vertical-align: top; }}
th, td {{ white-space: nowrap; }}
th {{ position: sticky; top: 0; background: Canvas; }}
.number {{ text-align: right; }}
.prose {{ white-space: normal; min-width: 20rem; overflow-wrap: break-word; }}
</style>
</head>
<body>
"""


def render_page(
    title: str, report: AssessmentReport, tally: ScoreTally, recordings: Iterable[ScoredRecording] = ()
) -> bytes:
    """Render the page.

    Args:
        title: the provider's title.
        report: the report of the assessment.
        tally: its scores.
        recordings: the assessed recordings, in the order of the rows.
    """
    count = "1 recording" if report.rows == 1 else f"{report.rows:,} recordings"
    return "".join(_parts(f"{title}: assessment of {count}", report, tally, recordings)).encode("utf-8", "replace")


def _parts(
    title: str, report: AssessmentReport, tally: ScoreTally, recordings: Iterable[ScoredRecording]
) -> Iterator[str]:
    yield HEAD.format(title=escape(title))
    yield f"<h1>{escape(title)}</h1>\n"
    yield from _figures(report, tally)
    has_plots = plots.is_installed()
    if not has_plots:
        yield f"<p>{escape(NO_PLOTS.format(install=install_command('plot')))}</p>\n"
    if tally.scores:
        yield "<h2>Distribution of scores</h2>\n"
        if has_plots:
            yield _image(plots.histogram(tally.scores), "Histogram of the scores of all recordings")
    yield from _recordings(recordings, report.assessed + report.remembered)
    speakers = {user or "(unknown)": mean for user, mean in tally.users.items()}
    yield from _means("By speaker", "speaker", "recordings", speakers, has_plots=has_plots)
    yield from _means("By word", "word", "occurrences", tally.words, has_plots=has_plots)
    yield from _failures(report)
    yield "</body>\n</html>\n"


def _figures(report: AssessmentReport, tally: ScoreTally) -> Iterator[str]:
    scores = tally.scores
    figures = {
        "assessed in this run": f"{report.assessed:,}",
        "already known": f"{report.remembered:,}",
        "failed": f"{len(report.failed):,}",
        "possibly billed twice": f"{report.possibly_billed:,}",
        "mean score": f"{statistics.fmean(scores):.1f}" if scores else "–",
        "median score": f"{statistics.median(scores):.1f}" if scores else "–",
        "speech sent": f"{report.audio_s / 60:,.1f} min",
        "sent / recorded": f"{report.sent / 1e6:,.1f} / {report.bytes / 1e6:,.1f} MB",
    }
    yield "<dl>\n"
    yield from (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n" for name, value in figures.items())
    yield "</dl>\n"


def _recordings(recordings: Iterable[ScoredRecording], count: int) -> Iterator[str]:
    """Each recording with its score; a common folder is named once, above the table."""
    first = list(islice(recordings, MAX_ROWS))
    if not first:
        return
    folder = _common_folder([recording.file for recording in first])
    yield "<h2>By recording</h2>\n"
    if folder:
        yield f"<p>In {escape(folder)}:</p>\n"
    has_speakers = any(recording.user for recording in first)
    rows = []
    for recording in first:
        row = [recording.file.removeprefix(folder), _score_text(recording.score)]
        rows.append([*row, recording.user or "–"] if has_speakers else row)
    columns = ("recording", "score", "speaker") if has_speakers else ("recording", "score")
    yield from _table(columns, rows, numbers=("score",))
    if count > MAX_ROWS:
        yield f"<p>The first {MAX_ROWS} of {count:,} recordings. scores.csv has all of them.</p>\n"


def _common_folder(files: Sequence[str]) -> str:
    """The folder that all files are in, with a trailing slash; empty if there is none."""
    try:
        common = os.path.commonpath([str(Path(file).parent) for file in files])
    except ValueError:  # some paths are absolute and some are not
        return ""
    return "" if common in ("", ".") else f"{common.rstrip('/')}/"


def _score_text(score: float | None) -> str:
    return "–" if score is None else f"{score:.1f}"


def _means(title: str, what: str, unit: str, means: Mapping[str, ScoreStats], *, has_plots: bool) -> Iterator[str]:
    """A plot and a table of means, the lowest first, since readers look for those."""
    if not means:
        return
    ordered = sorted(means.items(), key=lambda named: (named[1].mean, named[0]))
    yield f"<h2>{escape(title)}</h2>\n"
    if has_plots:
        lowest = ordered[:MAX_BARS]
        label = f"Mean score {title.lower()}, the lowest {len(lowest)} of {len(ordered)}"
        yield _image(plots.bars([name for name, _ in lowest], [stats.mean for _, stats in lowest]), label)
    rows = [
        (name, f"{stats.samples:,}", _score_text(stats.mean), _score_text(stats.lowest))
        for name, stats in ordered[:MAX_ROWS]
    ]
    yield from _table((what, unit, "mean", "lowest"), rows, numbers=(unit, "mean", "lowest"))
    if len(ordered) > MAX_ROWS:
        yield f"<p>The lowest {MAX_ROWS} of {len(ordered):,}.</p>\n"


def _failures(report: AssessmentReport) -> Iterator[str]:
    if not report.failed:
        return
    yield "<h2>Not assessed</h2>\n"
    rows = [
        (error.file, error.row or "–", str(error.cause).removeprefix(f"{error.file}: "))
        for error in report.failed[:MAX_ROWS]
    ]
    yield from _table(("file", "row", "reason"), rows, numbers=("row",), prose=("reason",))
    if len(report.failed) > MAX_ROWS:
        yield f"<p>The first {MAX_ROWS} of {len(report.failed):,} failures. results.jsonl has all of them.</p>\n"


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Collection[str] = (),
    prose: Collection[str] = (),
) -> Iterator[str]:
    """A table. It scrolls if it is wider than the page, because names do not wrap.

    Args:
        columns: the headings.
        rows: the cells.
        numbers: columns to align to the right.
        prose: columns of sentences, which wrap.
    """
    classes = dict.fromkeys(numbers, ' class="number"') | dict.fromkeys(prose, ' class="prose"')
    attributes = [classes.get(name, "") for name in columns]
    yield '<div class="wide"><table>\n'
    yield _cells("th", columns, attributes)
    for row in rows:
        yield _cells("td", row, attributes)
    yield "</table></div>\n"


def _cells(tag: str, cells: Sequence[object], attributes: Sequence[str]) -> str:
    pairs = zip(cells, attributes, strict=True)
    inner = "".join(f"<{tag}{attribute}>{escape(str(cell))}</{tag}>" for cell, attribute in pairs)
    return f"<tr>{inner}</tr>\n"


def _image(url: str, label: str) -> str:
    return f'<p><img src="{url}" alt="{escape(label)}"></p>\n'

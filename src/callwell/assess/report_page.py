# SPDX-License-Identifier: Apache-2.0
"""The report as one page of HTML: whole in itself, and forbidden to load anything from anywhere."""

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
    from callwell.assess.scores import Mean, ScoreTally

NAME: Final = "report.html"
MOST_BARS: Final = 30
MOST_ROWS: Final = 500
NO_PLOTS: Final = (
    "Plots need matplotlib, which is not installed: {install}. Then run the same again: nothing is billed twice."
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
.words {{ white-space: normal; min-width: 20rem; overflow-wrap: break-word; }}
</style>
</head>
<body>
"""


def render_page(
    title: str, report: AssessmentReport, tally: ScoreTally, recordings: Iterable[ScoredRecording] = ()
) -> bytes:
    """The page.

    Args:
        title: of the provider.
        report: what the assessment was worth.
        tally: its scores.
        recordings: those that were assessed, in the order of the rows.
    """
    what = "1 recording" if report.rows == 1 else f"{report.rows:,} recordings"
    return "".join(_parts(f"{title}: assessment of {what}", report, tally, recordings)).encode("utf-8", "replace")


def _parts(
    title: str, report: AssessmentReport, tally: ScoreTally, recordings: Iterable[ScoredRecording]
) -> Iterator[str]:
    yield HEAD.format(title=escape(title))
    yield f"<h1>{escape(title)}</h1>\n"
    yield from _figures(report, tally)
    drawn = plots.installed()
    if not drawn:
        yield f"<p>{escape(NO_PLOTS.format(install=install_command('plot')))}</p>\n"
    if tally.scores:
        yield "<h2>Distribution of scores</h2>\n"
        if drawn:
            yield _image(plots.histogram(tally.scores), "How many recordings have which score")
    yield from _recordings(recordings, report.assessed + report.remembered)
    named = {user or "(nobody)": mean for user, mean in tally.users.items()}
    yield from _means("By speaker", "speaker", "recordings", named, drawn=drawn)
    yield from _means("By word", "word", "times", tally.words, drawn=drawn)
    yield from _failures(report)
    yield "</body>\n</html>\n"


def _figures(report: AssessmentReport, tally: ScoreTally) -> Iterator[str]:
    scores = tally.scores
    told = {
        "assessed now": f"{report.assessed:,}",
        "known from before": f"{report.remembered:,}",
        "failed": f"{len(report.failed):,}",
        "possibly billed twice": f"{report.possibly_billed:,}",
        "mean score": f"{statistics.fmean(scores):.1f}" if scores else "–",
        "median score": f"{statistics.median(scores):.1f}" if scores else "–",
        "speech sent": f"{report.audio_s / 60:,.1f} min",
        "bytes sent": f"{report.sent / 1e6:,.1f} of {report.bytes / 1e6:,.1f} MB",
    }
    yield "<dl>\n"
    yield from (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n" for name, value in told.items())
    yield "</dl>\n"


def _recordings(recordings: Iterable[ScoredRecording], count: int) -> Iterator[str]:
    """Each recording with its score; a folder that all of them are in is said once."""
    shown = list(islice(recordings, MOST_ROWS))
    if not shown:
        return
    folder = _folder([one.file for one in shown])
    yield "<h2>By recording</h2>\n"
    if folder:
        yield f"<p>In {escape(folder)}:</p>\n"
    speakers = ("speaker",) if any(one.user for one in shown) else ()
    rows = ((one.file.removeprefix(folder), _score(one.score), *((one.user or "–") for _ in speakers)) for one in shown)
    yield from _table(("recording", "score", *speakers), rows, numbers=("score",))
    if count > MOST_ROWS:
        yield f"<p>The first {MOST_ROWS} of {count:,}; all are in scores.csv.</p>\n"


def _folder(files: Sequence[str]) -> str:
    """The folder that all files are in, with a slash at its end; empty if there is none worth saying."""
    try:
        common = os.path.commonpath([str(Path(file).parent) for file in files])
    except ValueError:  # some are absolute, and some are not
        return ""
    return "" if common in ("", ".") else f"{common.rstrip('/')}/"


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:.1f}"


def _means(title: str, what: str, unit: str, means: Mapping[str, Mean], *, drawn: bool) -> Iterator[str]:
    """The lowest means first: they are what somebody will look for."""
    if not means:
        return
    order = sorted(means.items(), key=lambda one: (one[1].value, one[0]))
    yield f"<h2>{escape(title)}</h2>\n"
    if drawn:
        few = order[:MOST_BARS]
        label = f"Mean score {title.lower()}, the lowest {len(few)} of {len(order)}"
        yield _image(plots.bars([name for name, _ in few], [mean.value for _, mean in few]), label)
    rows = ((name, f"{mean.of:,}", _score(mean.value), _score(mean.least)) for name, mean in order[:MOST_ROWS])
    yield from _table((what, unit, "mean", "lowest"), rows, numbers=(unit, "mean", "lowest"))
    if len(order) > MOST_ROWS:
        yield f"<p>The lowest {MOST_ROWS} of {len(order):,}.</p>\n"


def _failures(report: AssessmentReport) -> Iterator[str]:
    if not report.failed:
        return
    yield "<h2>Not assessed</h2>\n"
    rows = (
        (one.file, one.row or "–", str(one.cause).removeprefix(f"{one.file}: ")) for one in report.failed[:MOST_ROWS]
    )
    yield from _table(("file", "row", "why"), rows, numbers=("row",), words=("why",))
    if len(report.failed) > MOST_ROWS:
        yield f"<p>The first {MOST_ROWS} of {len(report.failed):,}; all are in results.jsonl.</p>\n"


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Collection[str] = (),
    words: Collection[str] = (),
) -> Iterator[str]:
    """A table, wider than the page if its names are: names are not broken.

    Args:
        columns: their names.
        rows: the cells.
        numbers: columns that are set to the right.
        words: columns of sentences, which may be broken between words.
    """
    kinds = dict.fromkeys(numbers, ' class="number"') | dict.fromkeys(words, ' class="words"')
    marks = [kinds.get(name, "") for name in columns]
    yield '<div class="wide"><table>\n'
    yield _cells("th", columns, marks)
    for row in rows:
        yield _cells("td", row, marks)
    yield "</table></div>\n"


def _cells(tag: str, cells: Sequence[object], marks: Sequence[str]) -> str:
    inner = "".join(f"<{tag}{mark}>{escape(str(cell))}</{tag}>" for cell, mark in zip(cells, marks, strict=True))
    return f"<tr>{inner}</tr>\n"


def _image(address: str, label: str) -> str:
    return f'<p><img src="{address}" alt="{escape(label)}"></p>\n'

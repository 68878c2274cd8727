# SPDX-License-Identifier: Apache-2.0
"""The report as one page of HTML: whole in itself, and forbidden to load anything from anywhere."""

from __future__ import annotations

import statistics
from html import escape
from typing import TYPE_CHECKING, Final

from callwell.assess import plots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from callwell.assess.report import Report
    from callwell.assess.scores import Mean, Tally

NAME: Final = "report.html"
MOST_BARS: Final = 30
MOST_ROWS: Final = 500
NO_PLOTS: Final = "Plots need the extra plot: pip install 'callwell[plot]', then run the same again."

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
h2 {{ margin-top: 2.5rem; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem; }}
dl div {{ border: 1px solid #8886; border-radius: .4rem; padding: .5rem .8rem; }}
dt {{ font-size: .85rem; opacity: .8; }}
dd {{ margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }}
img {{ max-width: 100%; background: white; border-radius: .4rem; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8886; }}
td {{ overflow-wrap: anywhere; vertical-align: top; }}
</style>
</head>
<body>
"""


def page(title: str, report: Report, tally: Tally) -> bytes:
    """The page.

    Args:
        title: of the provider.
        report: what the assessment was worth.
        tally: its scores.
    """
    return "".join(_parts(f"{title}: assessment of {report.rows:,} recordings", report, tally)).encode(
        "utf-8", "replace"
    )


def _parts(title: str, report: Report, tally: Tally) -> Iterator[str]:
    yield HEAD.format(title=escape(title))
    yield f"<h1>{escape(title)}</h1>\n"
    yield from _figures(report, tally)
    drawn = plots.installed()
    if not drawn:
        yield f"<p>{escape(NO_PLOTS)}</p>\n"
    if tally.scores:
        yield "<h2>Distribution of scores</h2>\n"
        if drawn:
            yield _image(plots.histogram(tally.scores), "How many recordings have which score")
    named = {user or "(nobody)": mean for user, mean in tally.users.items()}
    yield from _means("By speaker", "speaker", "recordings", named, drawn=drawn)
    yield from _means("By word", "word", "times", tally.words, drawn=drawn)
    yield from _failures(report)
    yield "</body>\n</html>\n"


def _figures(report: Report, tally: Tally) -> Iterator[str]:
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
    rows = ((name, mean.of, f"{mean.value:.1f}", f"{mean.least:g}") for name, mean in order[:MOST_ROWS])
    yield from _table((what, unit, "mean", "lowest"), rows)
    if len(order) > MOST_ROWS:
        yield f"<p>The lowest {MOST_ROWS} of {len(order):,}.</p>\n"


def _failures(report: Report) -> Iterator[str]:
    if not report.failed:
        return
    yield "<h2>Not assessed</h2>\n"
    rows = ((one.file, one.row or "–", str(one.cause)) for one in report.failed[:MOST_ROWS])
    yield from _table(("file", "row", "why"), rows)
    if len(report.failed) > MOST_ROWS:
        yield f"<p>The first {MOST_ROWS} of {len(report.failed):,}; all are in results.jsonl.</p>\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"<table>\n<tr>{''.join(f'<th>{escape(one)}</th>' for one in columns)}</tr>\n"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>\n"
    yield "</table>\n"


def _image(address: str, label: str) -> str:
    return f'<p><img src="{address}" alt="{escape(label)}"></p>\n'

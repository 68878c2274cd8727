# SPDX-License-Identifier: Apache-2.0
"""Renders a report as one HTML page, to read and print. Its policy forbids loading anything."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

from callwell.readiness.formats.words import (
    GROUP_TITLES,
    fix_of,
    place_of,
    printable,
    rules_by_page,
    severity_of,
    subject_of,
    summarize_counts,
    verdict_of,
)
from callwell.readiness.identity import identify
from callwell.readiness.report import CheckOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Check, Finding
    from callwell.readiness.practices import Rule
    from callwell.readiness.report import CheckReport, CheckResult

OUTCOME_WORDS: Final = {
    CheckOutcome.FOUND: "found",
    CheckOutcome.INCOMPLETE: "incomplete",
    CheckOutcome.PASSED: "passed",
    CheckOutcome.NOT_APPLICABLE: "not applicable",
    CheckOutcome.SKIPPED: "skipped",
}

VERDICT_CLASSES: Final = {0: "passed", 1: "found", 2: "incomplete"}
"""By exit code."""

# Colours have a contrast of at least 4.5 on the page, in light and in dark (WCAG 2.2, 1.4.3), and never stand alone.
HEAD: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --red: #b3261e; --yellow: #7a5200; --green: #1b6e2c; --blue: #0b57a4; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --red: #ff9b92; --yellow: #f2c04e; --green: #7ddc8d; --blue: #8fc3ff; }}
}}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2, h3 {{ line-height: 1.25; }}
h1 {{ font-size: 1.6rem; margin-bottom: .3rem; }}
h2 {{ font-size: 1.25rem; margin-top: 2.2rem; }}
h3 {{ font-size: 1rem; margin: 0; }}
a {{ color: var(--blue); overflow-wrap: anywhere; }}
code {{ font-size: .9em; overflow-wrap: anywhere; }}
.verdict {{ border: 2px solid; border-radius: .4rem; padding: .6rem .9rem; font-size: 1.1rem; }}
.verdict b {{ display: block; }}
.found {{ color: var(--red); }}
.incomplete {{ color: var(--yellow); }}
.passed {{ color: var(--green); }}
.error {{ color: var(--red); }}
.warning {{ color: var(--yellow); }}
.note {{ color: var(--blue); }}
section.check {{ border: 1px solid #8886; border-radius: .4rem; padding: .7rem .9rem; margin: .8rem 0; }}
section.check > p {{ margin: .4rem 0; }}
ul {{ padding-left: 1.2rem; }}
li {{ margin: .35rem 0; }}
.fix {{ display: block; }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed; }}
th:first-child {{ width: 8rem; }}
th:nth-child(2) {{ width: 16rem; }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8886; vertical-align: top; }}
td {{ overflow-wrap: anywhere; }}
@media (max-width: 40rem) {{
  th:first-child {{ width: 5rem; }}
  th:nth-child(2) {{ width: 8rem; }}
}}
@media print {{
  :root {{ color-scheme: light; --red: #b3261e; --yellow: #7a5200; --green: #1b6e2c; --blue: #0b57a4; }}
  body {{ max-width: none; margin: 0; font-size: 10pt; }}
  li, tr, h2, h3 {{ break-inside: avoid; }}
  h2, h3 {{ break-after: avoid; }}
}}
</style>
</head>
<body>
<main>
"""


def render_page(report: CheckReport) -> str:
    """Render the report."""
    return "".join(_parts(report))


def _parts(report: CheckReport) -> Iterator[str]:
    title = f"callwell check: {printable(report.root)}"
    yield HEAD.format(title=escape(title))
    yield f"<h1>{escape(title)}</h1>\n"
    yield f"<p>{escape(subject_of(report))}</p>\n"
    verdict = verdict_of(report)
    yield f'<p class="verdict {VERDICT_CLASSES[report.exit_code]}" role="status"><b>{escape(verdict)}</b>'
    yield f"{escape(summarize_counts(report))}; {report.took_s:.1f}&nbsp;s</p>\n"
    if report.notes:
        yield f"<ul>{''.join(f'<li>{_text(note)}</li>' for note in report.notes)}</ul>\n"
    for group, members in groupby(report.results, key=lambda result: result.check.group):
        yield f"<h2>{escape(GROUP_TITLES[group])}</h2>\n"
        results = tuple(members)
        for result in results:
            if _needs_attention(result):
                yield from _section(result)
        yield from _short_table(tuple(result for result in results if not _needs_attention(result)))
    yield "</main>\n</body>\n</html>\n"


def _needs_attention(result: CheckResult) -> bool:
    return bool(result.findings or result.unchecked or result.accepted)


def _section(result: CheckResult) -> Iterator[str]:
    check = result.check
    word = OUTCOME_WORDS[result.outcome]
    yield f'<section class="check" aria-labelledby="{check.id}">\n'
    yield f'<h3 id="{check.id}"><span class="{result.outcome.value}">{word}:</span> {escape(check.title)} '
    yield f"<code>{check.id}</code></h3>\n<ul>\n"
    for finding in result.findings:
        yield _finding(check, finding)
    for part in result.unchecked:
        where = f"<code>{_text(str(part.place))}</code>: " if part.place else ""
        yield f'<li><b class="incomplete">not checked</b> {where}{_text(part.what)}{_fix(part.fix)}</li>\n'
    for acceptance in result.accepted:
        until = f"accepted until {acceptance.until}" if acceptance.until else "accepted by a comment"
        place = place_of(acceptance.finding)
        where = f"<code>{escape(place)}</code>: " if place else ""
        yield f"<li><b>{until}</b> {where}{_text(acceptance.finding.what)}; reason: {_text(acceptance.reason)}</li>\n"
    yield f"</ul>\n<p>{escape(check.why)}</p>\n<p><b>How to fix it:</b> {escape(check.fix)}</p>\n"
    yield from map(_rule, rules_by_page(result.asked_by))
    yield "</section>\n"


def _finding(check: Check, finding: Finding) -> str:
    severity = severity_of(check, finding).value
    place = place_of(finding)
    where = f"<code>{escape(place)}</code>: " if place else ""
    name = identify(check.id, finding).id
    fix = _fix(fix_of(check, finding)) if finding.fix else ""
    return f'<li><b class="{severity}">{severity}</b> {where}{_text(finding.what)} <code>[{name}]</code>{fix}</li>\n'


def _fix(fix: str) -> str:
    return f'<span class="fix">To do: {_text(fix)}</span>' if fix else ""


def _rule(rule: Rule) -> str:
    page = escape(rule.page)
    asked = escape(f"{rule.provider}: {rule.text}")
    if not rule.page.startswith("https://"):
        return f"<p>Asked for by {asked}, {page}</p>\n"
    return f'<p>Asked for by {asked}, <a href="{page}" rel="noreferrer">{page}</a></p>\n'


def _short_table(results: tuple[CheckResult, ...]) -> Iterator[str]:
    """The checks without findings."""
    if not results:
        return
    yield '<table><tr><th scope="col">outcome</th><th scope="col">check</th><th scope="col"></th></tr>\n'
    for result in results:
        word = OUTCOME_WORDS[result.outcome]
        text = escape(result.check.title) + (f": {_text(result.reason)}" if result.reason else "")
        yield f'<tr><td class="{result.outcome.value}">{word}</td><td><code>{result.check.id}</code></td>'
        yield f"<td>{text}</td></tr>\n"
    yield "</table>\n"


def _text(text: str) -> str:
    return escape(printable(text))

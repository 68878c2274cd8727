# SPDX-License-Identifier: Apache-2.0
"""`callwell assess`: recordings from a folder or a manifest, with their results, a table and a report."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from callwell.cli import output
from callwell.cli.flags import ClientFlags, ProviderArgument, clock, takes_client_flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.assess import AssessmentReport, AssessmentRow
    from callwell.cli.progress import ProgressDisplay

EXAMPLES = """\
\b
Examples:
  callwell assess PROVIDER --manifest class.csv --accent us
  callwell assess PROVIDER recordings/ --manifest class.csv --accent us    files are looked for in the folder
  callwell assess PROVIDER recordings/ --operation unscripted --accent uk  no texts, so no manifest
"""

FilesArgument = Annotated[list[Path] | None, typer.Argument(metavar="DIR|FILE", help="Recordings, or folders of them.")]
ManifestOption = Annotated[
    Path | None,
    typer.Option("--manifest", metavar="FILE", help="CSV, JSON lines or Parquet: file, expected_text, user, accent."),
]
OperationOption = Annotated[
    str | None, typer.Option("--operation", metavar="NAME", help="What to do; the provider's usual one unless said.")
]
AccentOption = Annotated[
    str | None, typer.Option("--accent", metavar="NAME", help="The accent, where the manifest says none.")
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="The folder for results; new, empty, or one of ours.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Send, and pay for, what was assessed before as well.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, max=1024, metavar="N", help="Files in hand at once.")]

ALIKE: Final = 5
"""Rows that failed in the same way and are told one by one."""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog=EXAMPLES)
@takes_client_flags
def assess(
    provider: ProviderArgument,
    files: FilesArgument = None,
    *,
    manifest: ManifestOption = None,
    operation: OperationOption = None,
    accent: AccentOption = None,
    out: OutOption = Path("assessment"),
    force: ForceOption = False,
    workers: WorkersOption = 64,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    flags: ClientFlags,
) -> None:
    """Assess recordings: results.jsonl, scores.csv and report.html. Run it again to do what is missing or has failed.

    The same recording with the same text is billed once. Ends with exit code 1 if some could not be assessed.
    """
    from callwell.assess import read, search
    from callwell.cli.progress import ProgressDisplay
    from callwell.client.concurrency import event_loop

    rows = read(manifest, files or ()) if manifest else search(files or (), apart=(out,))
    with ProgressDisplay(clock(), quiet=quiet) as live:
        try:
            run = _run(provider, rows, out, (operation, accent), workers=workers, force=force, flags=flags, live=live)
            report = event_loop.run(run)
        except KeyboardInterrupt:
            live.say("what is done is kept: run the same again to go on")
            raise
    _tell(report, out, as_json=as_json)
    if report.failed:
        raise typer.Exit(1)


async def _run(
    provider: str,
    rows: list[AssessmentRow],
    out: Path,
    meant: tuple[str | None, str | None],
    *,
    workers: int,
    force: bool,
    flags: ClientFlags,
    live: ProgressDisplay,
) -> AssessmentReport:
    from callwell.assess import Assessment
    from callwell.cli.progress import assessment_view

    operation, accent = meant
    async with flags.async_client(provider, on_notice=live.notice) as client:
        job = Assessment(
            client,
            rows,
            out,
            operation=operation,
            accent=accent,
            workers=workers,
            force=force,
            show=lambda progress: live.update(lambda: assessment_view(progress), client.spent),
        )
        return await job.run()


def _tell(report: AssessmentReport, out: Path, *, as_json: bool) -> None:
    if as_json:
        failed = [
            {"file": one.file, "row": one.row or None, "kind": type(one.cause).__name__, "message": str(one)}
            for one in report.failed
        ]
        output.emit_json({**report._asdict(), "failed": failed})
        return
    billed = f"; {report.possibly_billed:,} possibly billed twice" if report.possibly_billed else ""
    output.emit(
        f"{report.assessed:,} assessed, {report.remembered:,} known from before, {len(report.failed):,} failed, of "
        f"{report.rows:,} in {out}; {report.sent / 1e6:,.1f} MB sent of {report.bytes / 1e6:,.1f} MB{billed}"
    )
    for line in _failures(report, out):
        output.say(line)


def _failures(report: AssessmentReport, out: Path) -> Iterator[str]:
    """Each row that failed; of many that failed in the same way, the first ones and how many more there are."""
    told: Counter[tuple[str, str]] = Counter()
    for one in report.failed:
        way = (type(one.cause).__name__, str(getattr(one.cause, "name", "")))
        told[way] += 1
        if told[way] <= ALIKE:
            yield str(one)
    for way, count in told.items():
        if count > ALIKE:
            yield f"and {count - ALIKE:,} more rows with {way[0]}: see {out / 'scores.csv'}"

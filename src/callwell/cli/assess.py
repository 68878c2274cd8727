# SPDX-License-Identifier: Apache-2.0
"""`callwell assess`: assess recordings from a folder or a manifest."""

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
  callwell assess PROVIDER recordings/ --manifest class.csv --accent us    files are in this folder
  callwell assess PROVIDER recordings/ --operation unscripted --accent uk  free speech needs no manifest
"""

FilesArgument = Annotated[list[Path] | None, typer.Argument(metavar="DIR|FILE", help="Recordings, or folders of them.")]
ManifestOption = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        help="CSV, JSON lines or Parquet with the columns file, expected_text, user, accent, operation.",
    ),
]
OperationOption = Annotated[
    str | None,
    typer.Option("--operation", metavar="NAME", help="The assessment to run. Default: the provider's usual one."),
]
AccentOption = Annotated[
    str | None, typer.Option("--accent", metavar="NAME", help="The accent of rows without one in the manifest.")
]
OutOption = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="The folder for the results: new, empty, or from an earlier run."),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Assess recordings again that already have a result; this is billed again.")
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=1024, metavar="N", help="Recordings processed concurrently.")
]

MAX_LISTED_FAILURES: Final = 5
"""Failures of one kind that are printed one by one: after five, a count says more than further lines."""

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
    """Assess recordings and write results.jsonl, scores.csv and report.html.

    Run the same command again to assess what is missing or has failed. The same recording with the same text is billed
    once. The exit code is 1 if a recording could not be assessed.
    """
    from callwell.assess import find_recordings, read_manifest
    from callwell.cli.progress import ProgressDisplay
    from callwell.client.concurrency import event_loop

    rows = read_manifest(manifest, files or ()) if manifest else find_recordings(files or (), exclude=(out,))
    with ProgressDisplay(clock(), quiet=quiet) as display:
        try:
            run = _run(
                provider,
                rows,
                out,
                operation=operation,
                accent=accent,
                workers=workers,
                force=force,
                flags=flags,
                display=display,
            )
            report = event_loop.run(run)
        except KeyboardInterrupt:
            display.say("finished results are kept; run the same command again to continue")
            raise
    _print_report(report, out, as_json=as_json)
    if report.failed:
        raise typer.Exit(1)


async def _run(
    provider: str,
    rows: list[AssessmentRow],
    out: Path,
    *,
    operation: str | None,
    accent: str | None,
    workers: int,
    force: bool,
    flags: ClientFlags,
    display: ProgressDisplay,
) -> AssessmentReport:
    from callwell.assess import Assessment
    from callwell.cli.progress import assessment_view

    async with flags.async_client(provider, on_notice=display.notice) as client:
        assessment = Assessment(
            client,
            rows,
            out,
            operation=operation,
            accent=accent,
            workers=workers,
            force=force,
            on_progress=lambda progress: display.update(lambda: assessment_view(progress), client.spent),
        )
        return await assessment.run()


def _print_report(report: AssessmentReport, out: Path, *, as_json: bool) -> None:
    if as_json:
        failed = [
            {
                "file": error.file,
                "row": error.row or None,
                "kind": type(error.cause).__name__,
                "message": str(error),
            }
            for error in report.failed
        ]
        output.emit_json({**report._asdict(), "failed": failed})
        return
    billed = f"; {report.possibly_billed:,} possibly billed twice" if report.possibly_billed else ""
    output.emit(
        f"{report.assessed:,} assessed, {report.remembered:,} already known, {len(report.failed):,} failed, of "
        f"{report.rows:,}; {report.sent / 1e6:,.1f} MB sent for {report.bytes / 1e6:,.1f} MB of recordings{billed}; "
        f"results in {out}"
    )
    for line in _failures(report, out):
        output.say(line)


def _failures(report: AssessmentReport, out: Path) -> Iterator[str]:
    """The failed rows; of many that failed in the same way, the first few and a count of the rest."""
    counts: Counter[tuple[str, str]] = Counter()
    for error in report.failed:
        kind = (type(error.cause).__name__, str(getattr(error.cause, "name", "")))
        counts[kind] += 1
        if counts[kind] <= MAX_LISTED_FAILURES:
            yield str(error)
    for kind, count in counts.items():
        if count > MAX_LISTED_FAILURES:
            yield f"and {count - MAX_LISTED_FAILURES:,} more rows with {kind[0]}: see {out / 'scores.csv'}"

# SPDX-License-Identifier: Apache-2.0
"""`callwell export`: download every object and asset of a provider into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callwell.cli import output
from callwell.cli.flags import ClientFlags, ProviderArgument, clock, takes_client_flags

if TYPE_CHECKING:
    from callwell.cli.progress import ProgressDisplay
    from callwell.export import ExportReport

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
@takes_client_flags
def export(
    provider: ProviderArgument,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder: new, empty, or from an earlier export.")],
    workspace: Annotated[
        list[str] | None, typer.Option("--workspace", metavar="ID", help="Export only this workspace. Repeatable.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=256, metavar="N", help="Items fetched concurrently.")
    ] = 16,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    flags: ClientFlags,
) -> None:
    """Download every object and asset of a provider into a folder.

    Run the same command again to continue where it stopped, or to fetch only what is new. The exit code is 1 if the
    list kept changing while it was read, or if an item could not be fetched.
    """
    from callwell.cli.progress import ProgressDisplay
    from callwell.client.concurrency import event_loop

    with ProgressDisplay(clock(), quiet=quiet) as display:
        try:
            run = _run(provider, to, tuple(workspace or ()), workers=workers, flags=flags, display=display)
            report = event_loop.run(run)
        except KeyboardInterrupt:
            display.say("finished items are kept; run the same command again to continue")
            raise
    _print_report(report, to, as_json=as_json)
    if report.verdict != "complete":
        raise typer.Exit(1)


async def _run(
    provider: str, to: Path, only: tuple[str, ...], *, workers: int, flags: ClientFlags, display: ProgressDisplay
) -> ExportReport:
    from callwell.cli.progress import export_view
    from callwell.export import Export

    async with flags.async_client(provider, on_notice=display.notice) as client:
        job = Export(
            client,
            to,
            only=only,
            workers=workers,
            on_progress=lambda progress: display.update(lambda: export_view(progress), client.spent),
        )
        return await job.run()


def _print_report(report: ExportReport, to: Path, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(report._asdict())
        return
    output.emit(
        f"{report.verdict}: {report.items:,} items and {report.files:,} files ({report.bytes / 1e6:,.1f} MB) in {to}; "
        f"{report.fetched:,} items fetched in this run, {report.gone:,} gone"
    )
    for scope, reason in report.reasons.items():
        output.say(f"{scope}: the list changed while it was read ({reason}); run the same command again to be sure")
    for item, reason in report.failed.items():
        output.say(f"{item}: {reason}")

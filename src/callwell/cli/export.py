# SPDX-License-Identifier: Apache-2.0
"""`callwell export`: every object and asset of a provider in a folder."""

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
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder; new, empty, or an export of ours.")],
    workspace: Annotated[
        list[str] | None, typer.Option("--workspace", metavar="ID", help="Only this one; may be given again.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, metavar="N", help="Items fetched at once.")] = 16,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    flags: ClientFlags,
) -> None:
    """Fetch everything into a folder. Run it again to go on where it stopped, or to fetch only what is new.

    Ends with exit code 1 if the list kept moving while it was read, or an item could not be had.
    """
    from callwell.cli.progress import ProgressDisplay
    from callwell.client.concurrency import event_loop

    with ProgressDisplay(clock(), quiet=quiet) as live:
        try:
            report = event_loop.run(_run(provider, to, tuple(workspace or ()), workers=workers, flags=flags, live=live))
        except KeyboardInterrupt:
            live.say("what is done is kept: run the same again to go on")
            raise
    _tell(report, to, as_json=as_json)
    if report.verdict != "complete":
        raise typer.Exit(1)


async def _run(
    provider: str, to: Path, only: tuple[str, ...], *, workers: int, flags: ClientFlags, live: ProgressDisplay
) -> ExportReport:
    from callwell.cli.progress import export_view
    from callwell.export import Export

    async with flags.async_client(provider, on_notice=live.notice) as client:
        job = Export(
            client,
            to,
            only=only,
            workers=workers,
            show=lambda progress: live.update(lambda: export_view(progress), client.spent),
        )
        return await job.run()


def _tell(report: ExportReport, to: Path, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(report._asdict())
        return
    output.emit(
        f"{report.verdict}: {report.items:,} items and {report.files:,} files ({report.bytes / 1e6:,.1f} MB) in {to}; "
        f"{report.fetched:,} items fetched now, {report.gone:,} gone"
    )
    for scope, reason in report.reasons.items():
        output.say(f"{scope}: the list moved while it was read: {reason}; run the same again to be sure")
    for item, reason in report.failed.items():
        output.say(f"{item}: {reason}")

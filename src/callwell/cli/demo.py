# SPDX-License-Identifier: Apache-2.0
"""`callwell demo`: real work against the embedded emulator, judged by what the emulator has counted."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from callwell import errors
from callwell.cli import output
from callwell.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from callwell.cli.demo_check import SampleRun
    from callwell.demo.scorecard import DemoResult

MIN_RECORDINGS = 300
"""Fewer items would fit in a few quota windows, and show little about quotas."""

SIZES: Final = ("bytes", "resent_bytes")
"""Figures in bytes, shown in megabytes."""

NOTES: Final = {
    "quota_used": "1 means all that the quota allowed.",
    "resent_bytes": "pieces that were being sent when the process was killed.",
}
"""Footnotes to figures."""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def demo(
    *,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The seed of the emulated data and faults.")] = 1,
    recordings: Annotated[
        int | None, typer.Option("--recordings", min=MIN_RECORDINGS, metavar="N", help="The number of items to export.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PROVIDER", help="Run only this provider's part. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the files in this new folder.")
    ] = None,
) -> None:
    """Do real work with providers that fail on purpose, and check the result from outside.

    The providers are emulated on this machine. They refuse requests, fail, lose replies, shift pages and expire URLs.
    Everything is exported from the first provider while its key is rotated; files are uploaded to the second by a
    process that is killed halfway, and downloaded again; the third assesses recordings and bills each one. At the end
    `callwell check` checks a project with faults, and the same project without them. This takes about a minute and
    a half.
    """
    if keep is not None and keep.exists():
        raise errors.DirectoryNotOurs(f"{keep} exists already; name a new folder")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callwell-demo-") as folder:
        results = _run_demo(Path(folder) / "demo", seed=seed, recordings=recordings, only=only or ())
        checked = () if only else _check_samples(Path(folder) / "demo" / "check")
        if keep is not None:
            (Path(folder) / "demo").rename(keep)
    ok = not any(result.broken for result in results.values()) and all(run.code == run.expected for run in checked)
    if as_json:
        from callwell.demo.scorecard import MEANINGS

        figures = {name: result.scorecard.figures for name, result in results.items()}
        promised = {
            name: {field: str(promise) for field, promise in result.promises.items()}
            for name, result in results.items()
        }
        samples = {run.name: {"exit_code": run.code, "counts": run.report["counts"]} for run in checked}
        output.emit_json(
            {
                "ok": ok,
                "seed": seed,
                "providers": figures,
                "promised": promised,
                "meaning": MEANINGS,
                "check": samples,
            }
        )
    else:
        _print_results(results, checked, seconds=time.monotonic() - began)
    if not ok:
        raise typer.Exit(1)


def _run_demo(folder: Path, *, seed: int, recordings: int | None, only: Collection[str]) -> dict[str, DemoResult]:
    from callwell.cli.progress import ProgressDisplay

    try:
        from callwell.demo import fault_scripts
        from callwell.demo.context import DemoReporter
        from callwell.demo.run import run_demo
        from callwell.emulator.errors import EmulatorError
    except ModuleNotFoundError as error:
        from callwell.cli.emulate import NOT_INSTALLED

        raise errors.LocalError(NOT_INSTALLED.format(name=error.name, install=install_command("emulator"))) from error
    from callwell.cli.progress import export_view
    from callwell.clock import scaled_clock

    clock = scaled_clock(fault_scripts.SCALE)
    output.configure_logging(verbose=False)
    with ProgressDisplay(clock) as display:
        display.say(
            f"providers are emulated on this machine with a clock {fault_scripts.SCALE:g} times as fast (seed {seed})"
        )
        try:
            return run_demo(
                folder,
                clock=clock,
                seed=seed,
                recordings=recordings or fault_scripts.RECORDINGS,
                reporter=DemoReporter(
                    lambda progress, quota_used: display.update(lambda: export_view(progress), quota_used),
                    display.notice,
                    display.say,
                ),
                only=only,
            )
        except EmulatorError as error:
            raise errors.LocalError(str(error)) from error


def _check_samples(folder: Path) -> tuple[SampleRun, ...]:
    from callwell.cli.demo_check import check_samples

    output.say("callwell check runs on a sample project, with its faults, and with them fixed")
    folder.mkdir(parents=True)
    return check_samples(folder)


def _print_results(results: dict[str, DemoResult], checked: Sequence[SampleRun] = (), *, seconds: float) -> None:
    """Print one table for all parts, its footnotes, the checks of the sample project, and the verdict."""
    from callwell.demo.scorecard import MEANINGS

    output.emit("Counted by the emulator and in the files, not by the client:\n")
    rows = [row for field, meaning in MEANINGS.items() if (row := _to_row(field, meaning, results)) is not None]
    output.emit_table(("", *(name.replace("_", " ") for name in results), "promised"), rows)
    counted = {field for result in results.values() for field in result.scorecard.figures}
    output.emit("")
    for field, note in NOTES.items():
        if field in counted:
            output.emit(f"{MEANINGS[field]}: {note}")
    if checked:
        from callwell.cli.demo_check import print_runs

        print_runs(checked)
    broken = {name: result.broken for name, result in results.items() if result.broken}
    for name, promises in broken.items():
        details = "; ".join(f"{MEANINGS[field]} {difference}" for field, difference in promises.items())
        output.emit(f"{name}: promise broken: {details}")
    wrong = [run for run in checked if run.code != run.expected]
    for run in wrong:
        output.emit(f"callwell check, {run.name}: promise broken: exit code {run.code}, promised {run.expected}")
    output.emit(f"{'promises were broken' if broken or wrong else 'every promise kept'}, in {seconds:.0f} s")


def _to_row(field: str, meaning: str, results: dict[str, DemoResult]) -> tuple[str, ...] | None:
    """One figure of all parts; None if no part has it."""
    figures = [result.scorecard.figures.get(field) for result in results.values()]
    if all(figure is None for figure in figures):
        return None
    promises = [result.promises[field] for result in results.values() if field in result.promises]
    if field in SIZES:
        figures = [None if figure is None else _megabytes(figure) for figure in figures]
        bounds = [f"at most {_megabytes(promise.at_most or 0)}" for promise in promises]
    else:
        bounds = [str(promise) for promise in promises]
    return meaning, *map(_figure, figures), " or ".join(dict.fromkeys(bounds)) or "–"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"


def _figure(value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"

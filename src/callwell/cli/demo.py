# SPDX-License-Identifier: Apache-2.0
"""`callwell demo`: the main job against the embedded emulator, and what the emulator has counted."""

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
    from collections.abc import Collection

    from callwell.demo.scorecard import DemoResult

FEWEST = 300
"""Items below which the demo says too little about quotas."""

BYTES: Final = ("bytes", "resent_bytes")
"""Figures that are sizes."""

NOTES: Final = {
    "quota_used": "1 is all that the quota allowed while there was work to do.",
    "resent_bytes": "pieces that were under way when the process was killed.",
}
"""What two of the figures need to be understood."""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def demo(
    *,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides the world and the faults.")] = 1,
    recordings: Annotated[
        int | None, typer.Option("--recordings", min=FEWEST, metavar="N", help="Items to export.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PROVIDER", help="Only this one's part; may be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Leave the exported tree in this new folder.")
    ] = None,
) -> None:
    """Work with providers that are out to spoil it, and count from outside what came of it.

    They are emulated on this machine. They refuse, fail, lose replies, shift their pages and expire their URLs. From
    one everything is exported, and its key is rotated half-way; to another files are uploaded by a process that is
    killed half-way, and fetched again; the third has recordings to assess, and bills each. It takes about a minute and
    a half.
    """
    if keep is not None and keep.exists():
        raise errors.DirectoryNotOurs(f"{keep} exists; name a new folder")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callwell-demo-") as folder:
        outcomes = _play(Path(folder) / "demo", seed=seed, recordings=recordings, only=only or ())
        if keep is not None:
            (Path(folder) / "demo").rename(keep)
    ok = not any(outcome.faults for outcome in outcomes.values())
    if as_json:
        from callwell.demo.scorecard import MEANINGS

        told = {name: outcome.card.figures for name, outcome in outcomes.items()}
        promised = {
            name: {field: str(promise) for field, promise in outcome.promises.items()}
            for name, outcome in outcomes.items()
        }
        shown = {"ok": ok, "seed": seed, "providers": told, "promised": promised, "meaning": MEANINGS}
        output.emit_json(shown)
    else:
        _tell(outcomes, seconds=time.monotonic() - began)
    if not ok:
        raise typer.Exit(1)


def _play(folder: Path, *, seed: int, recordings: int | None, only: Collection[str]) -> dict[str, DemoResult]:
    from callwell.cli.progress import ProgressDisplay

    try:
        from callwell.demo import fault_scripts
        from callwell.demo.context import DemoReporter
        from callwell.demo.run import demo
        from callwell.emulator.errors import EmulatorError
    except ModuleNotFoundError as error:
        from callwell.cli.emulate import EXTRA

        raise errors.LocalError(EXTRA.format(name=error.name, install=install_command("emulator"))) from error
    from callwell.cli.progress import export_view
    from callwell.clock import scaled_clock

    clock = scaled_clock(fault_scripts.SCALE)
    output.log_to_stderr(verbose=False)
    with ProgressDisplay(clock) as live:
        live.say(
            f"providers are played on this machine, with a clock {fault_scripts.SCALE:g} times as fast (seed {seed})"
        )
        try:
            return demo(
                folder,
                clock=clock,
                seed=seed,
                recordings=recordings or fault_scripts.RECORDINGS,
                stage=DemoReporter(
                    lambda progress, spent: live.update(lambda: export_view(progress), spent), live.notice, live.say
                ),
                only=only,
            )
        except EmulatorError as error:
            raise errors.LocalError(str(error)) from error


def _tell(outcomes: dict[str, DemoResult], *, seconds: float) -> None:
    """One table of all parts, what the figures need to be understood, and the verdict."""
    from callwell.demo.scorecard import MEANINGS

    output.emit("Counted by the emulator and from the files, not by the client:\n")
    rows = [row for field, words in MEANINGS.items() if (row := _row(field, words, outcomes)) is not None]
    output.emit_table(("", *(name.replace("_", " ") for name in outcomes), "promised"), rows)
    counted = {field for outcome in outcomes.values() for field in outcome.card.figures}
    output.emit("")
    for field, note in NOTES.items():
        if field in counted:
            output.emit(f"{MEANINGS[field]}: {note}")
    broken = {name: outcome.faults for name, outcome in outcomes.items() if outcome.faults}
    for name, faults in broken.items():
        told = "; ".join(f"{MEANINGS[field]} {how}" for field, how in faults.items())
        output.emit(f"{name}: broken: {told}")
    output.emit(f"{'promises were broken' if broken else 'every promise kept'}, in {seconds:.0f} s")


def _row(field: str, words: str, outcomes: dict[str, DemoResult]) -> tuple[str, ...] | None:
    """A figure of all parts; None for one that no part has."""
    figures = [outcome.card.figures.get(field) for outcome in outcomes.values()]
    if all(figure is None for figure in figures):
        return None
    promises = [outcome.promises[field] for outcome in outcomes.values() if field in outcome.promises]
    if field in BYTES:
        figures = [None if figure is None else _megabytes(figure) for figure in figures]
        bounds = [f"at most {_megabytes(promise.most or 0)}" for promise in promises]
    else:
        bounds = [str(promise) for promise in promises]
    return words, *map(_figure, figures), " or ".join(dict.fromkeys(bounds)) or "–"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"


def _figure(value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"

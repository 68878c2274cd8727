# SPDX-License-Identifier: Apache-2.0
"""`callwell demo`: the main job against the embedded emulator, and what the emulator has counted."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callwell import errors
from callwell.cli import output

if TYPE_CHECKING:
    from callwell.demo.checker import Card

FEWEST = 300
"""Items below which the demo says too little about quotas."""

PROMISES = {
    "lost": "0",
    "duplicated": "0",
    "wrong_bytes": "0",
    "early_calls": "0",
    "over_quota": "0",
    "failed_calls": "0",
    "keys_seen_elsewhere": "0",
    "amplification": "at most 1.2",
    "quota_used": "at least 0.9",
    "verdict": "complete",
}

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def demo(
    *,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides the world and the faults.")] = 1,
    recordings: Annotated[
        int | None, typer.Option("--recordings", min=FEWEST, metavar="N", help="Items to export.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Leave the exported tree in this new folder.")
    ] = None,
) -> None:
    """Export from a provider that is out to spoil it, and count from outside what came of it.

    The provider is emulated on this machine. It refuses, fails, loses replies, shifts its pages, expires its URLs, and
    its key is rotated half-way. It takes about a minute.
    """
    if keep is not None and keep.exists():
        raise errors.DirectoryNotOurs(f"{keep} exists; name a new folder")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callwell-demo-") as folder:
        cards = _play(Path(folder) / "demo", seed=seed, recordings=recordings)
        if keep is not None:
            (Path(folder) / "demo").rename(keep)
    ok = not any(card.faults for card in cards.values())
    if as_json:
        told = {name: card._asdict() for name, card in cards.items()}
        output.emit_json({"ok": ok, "seed": seed, "providers": told})
    else:
        _tell(cards, seconds=time.monotonic() - began)
    if not ok:
        raise typer.Exit(1)


def _play(folder: Path, *, seed: int, recordings: int | None) -> dict[str, Card]:
    from callwell.cli.live import Live

    try:
        from callwell.demo import course
        from callwell.demo.run import Stage, demo
        from callwell.emulator.errors import EmulatorError
    except ModuleNotFoundError as error:
        from callwell.cli.emulate import EXTRA

        raise errors.LocalError(EXTRA.format(name=error.name)) from error
    from callwell.clock import scaled_clock

    clock = scaled_clock(course.SCALE)
    output.log_to_stderr(verbose=False)
    with Live(clock) as live:
        live.say(f"a provider is played on this machine, with a clock {course.SCALE:g} times as fast (seed {seed})")
        try:
            return demo(
                folder,
                clock=clock,
                seed=seed,
                recordings=recordings or course.RECORDINGS,
                stage=Stage(live.progress, live.notice, live.say),
            )
        except EmulatorError as error:
            raise errors.LocalError(str(error)) from error


def _tell(cards: dict[str, Card], *, seconds: float) -> None:
    for name, card in cards.items():
        rows = [
            (field, value, PROMISES.get(field), None if field not in PROMISES else field not in card.faults)
            for field, value in card._asdict().items()
        ]
        output.emit(f"{name}, counted by the emulator and from the files:")
        output.emit_table(("what", "counted", "promised", "kept"), rows)
        verdict = "every promise kept" if not card.faults else f"broken: {', '.join(card.faults)}"
        output.emit(f"{name}: {verdict}, in {seconds:.0f} s")

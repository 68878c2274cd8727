# SPDX-License-Identifier: Apache-2.0
"""The demo: a real export against an emulator that refuses, fails, loses replies, shifts its pages and expires URLs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from callwell.client import AsyncClient, loop
from callwell.demo import course
from callwell.demo.checker import Card, check
from callwell.demo.control import Control
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from callwell.export import Export
from callwell.providers import load, names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from callwell.clock import Clock, ScaledClock
    from callwell.emulator.options import Endpoint
    from callwell.export import Progress
    from callwell.observe.notices import Notice


class Stage(NamedTuple):
    """Where the demo tells what happens.

    Attributes:
        progress: called with the export's progress, and with what tells the quota used by name.
        notice: called with the client's notices.
        say: called with a line about the course.
    """

    progress: Callable[[Progress, Callable[[], Mapping[str, tuple[int, int]]]], None]
    notice: Callable[[Notice], None]
    say: Callable[[str], None]


def demo(folder: Path, *, clock: ScaledClock, seed: int, recordings: int, stage: Stage) -> dict[str, Card]:
    """Run the demo.

    Args:
        folder: an empty folder for keys, state and tree.
        clock: for the client and the emulator.
        seed: of the world and of the faults.
        recordings: items to export.
        stage: where to tell what happens.

    Returns:
        a card per provider.
    """
    played = tuple(name for name in names() if load(name).profile.export)
    options = EmulatorOptions(seed=seed, recordings=recordings, clock=str(clock), window="sliding", provider=played)
    with start(options) as emulator:
        control = Control(emulator.control)
        cards = {}
        for name, environments in emulator.endpoints.providers.items():
            endpoint = next(iter(environments.values()))
            (folder / name).mkdir(parents=True)
            run = _export(name, endpoint, folder=folder / name, clock=clock, control=control, seed=seed, stage=stage)
            cards[name] = loop.run(run)
    return cards


async def _export(
    name: str, endpoint: Endpoint, *, folder: Path, clock: Clock, control: Control, seed: int, stage: Stage
) -> Card:
    provider = load(name)
    rule = provider.profile.export
    paging = provider.rule(rule.items).paging if rule else None
    if rule is None or paging is None or paging.key is None:
        raise ValueError(f"{name} has nothing to export")
    key_file = folder / "key"
    _write_key(key_file, endpoint.key)
    control.post("/faults", course.faults(seed, (rule.items,)))
    client = AsyncClient(
        name,
        key=f"file:{key_file}",
        base_url=endpoint.base_url,
        state=f"sqlite:///{folder / 'state.db'}",
        priority="batch",
        clock=clock,
        on_notice=stage.notice,
    )
    half = asyncio.Event()

    def show(progress: Progress) -> None:
        if progress.items_total and progress.items * 2 >= progress.items_total:
            half.set()
        stage.progress(progress, client.spent)

    async with client:
        rotation = asyncio.create_task(_rotate(half, key_file, clock=clock, control=control, stage=stage))
        try:
            report = await Export(client, folder / "tree", show=show).run()
        finally:
            rotation.cancel()
            with suppress(asyncio.CancelledError):
                await rotation
    ledger = control.get("/ledger")[name]
    return check(folder / "tree", ledger, key=paging.key, verdict=report.verdict)


async def _rotate(half: asyncio.Event, key_file: Path, *, clock: Clock, control: Control, stage: Stage) -> None:
    await half.wait()
    new = await asyncio.to_thread(control.post, "/keys/rotate", {})
    stage.say(f"the key was rotated: the old one is dead, the new one comes in {course.KEY_GAP_S:g} s")
    await asyncio.sleep(clock.real_s(course.KEY_GAP_S))
    _write_key(key_file, new["key"])
    stage.say("the new key is in its file")


def _write_key(path: Path, key: str) -> None:
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(key, encoding="utf-8")
    part.replace(path)

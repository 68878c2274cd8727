# SPDX-License-Identifier: Apache-2.0
"""The part of a provider whose objects are fetched: an export while lists shift, URLs expire and the key rotates."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from callwell.client.concurrency import event_loop
from callwell.demo import fault_scripts
from callwell.demo.checker import check, exported
from callwell.demo.scorecard import ALWAYS, DemoResult, Promise
from callwell.export import Export

if TYPE_CHECKING:
    from callwell.demo.context import DemoContext
    from callwell.demo.scorecard import Scorecard
    from callwell.description.provider import Provider
    from callwell.export import ExportProgress

PROMISES: Final = {**ALWAYS, "quota_used": Promise(least=0.9)}
"""There is more to do than the quota lets: it has to be used."""


def supports(provider: Provider) -> bool:
    """Whether the part is about such a provider."""
    return provider.profile.export is not None


def run_scenario(scene: DemoContext) -> DemoResult:
    """Export, and hold the tree against what the emulator knows."""
    return DemoResult(event_loop.run(_export(scene)), PROMISES)


async def _export(scene: DemoContext) -> Scorecard:
    rule, key = exported(scene.provider)
    scene.write_key(scene.endpoint.key)
    scene.inject_faults(fault_scripts.faults(scene.seed, (rule.items,)))
    half = asyncio.Event()
    tree = scene.folder / "tree"
    async with scene.client() as client:

        def show(progress: ExportProgress) -> None:
            if progress.items_total and progress.items * 2 >= progress.items_total:
                half.set()
            scene.stage.progress(progress, client.spent)

        rotation = asyncio.create_task(_rotate(half, scene))
        try:
            report = await Export(client, tree, show=show).run()
        finally:
            rotation.cancel()
            with suppress(asyncio.CancelledError):
                await rotation
    return check(tree, scene.ledger(), key=key, verdict=report.verdict)


async def _rotate(half: asyncio.Event, scene: DemoContext) -> None:
    await half.wait()
    new = await asyncio.to_thread(scene.control.post, "/keys/rotate", {"provider": scene.emulator_name})
    scene.stage.say(f"the key was rotated: the old one is dead, the new one comes in {fault_scripts.KEY_GAP_S:g} s")
    await asyncio.sleep(scene.clock.real_s(fault_scripts.KEY_GAP_S))
    scene.write_key(new["key"])
    scene.stage.say("the new key is in its file")

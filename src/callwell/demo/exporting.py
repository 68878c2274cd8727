# SPDX-License-Identifier: Apache-2.0
"""The scenario for exports: everything is exported while lists shift, URLs expire and the key is rotated."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from callwell.client.concurrency import event_loop
from callwell.demo import fault_scripts
from callwell.demo.checker import export_rule, score_export
from callwell.demo.scorecard import ALWAYS, DemoResult, Promise
from callwell.export import Export

if TYPE_CHECKING:
    from callwell.demo.context import DemoContext
    from callwell.demo.scorecard import Scorecard
    from callwell.description.provider import Provider
    from callwell.export import ExportProgress

PROMISES: Final = {**ALWAYS, "quota_used": Promise(at_least=0.9)}
"""There is more work than the quota allows at once, so it must be used up."""


def supports(provider: Provider) -> bool:
    """Whether the provider can be exported."""
    return provider.profile.export is not None


def run_scenario(context: DemoContext) -> DemoResult:
    """Export everything, and compare the files with the emulator's data."""
    return DemoResult(event_loop.run(_export(context)), PROMISES)


async def _export(context: DemoContext) -> Scorecard:
    rule, key = export_rule(context.provider)
    context.write_key(context.endpoint.key)
    context.inject_faults(fault_scripts.export_faults(context.seed, (rule.items,)))
    half_done = asyncio.Event()
    tree = context.folder / "tree"
    async with context.client() as client:

        def on_progress(progress: ExportProgress) -> None:
            if progress.items_total and progress.items * 2 >= progress.items_total:
                half_done.set()
            context.reporter.progress(progress, client.spent)

        rotation = asyncio.create_task(_rotate_key(half_done, context))
        try:
            report = await Export(client, tree, on_progress=on_progress).run()
        finally:
            rotation.cancel()
            with suppress(asyncio.CancelledError):
                await rotation
    return score_export(tree, context.ledger(), key=key, verdict=report.verdict)


async def _rotate_key(half_done: asyncio.Event, context: DemoContext) -> None:
    await half_done.wait()
    new = await asyncio.to_thread(context.control.post, "/keys/rotate", {"provider": context.emulator_name})
    context.reporter.say(
        f"the key was rotated: the old one is refused, the new one arrives in {fault_scripts.KEY_GAP_S:g} s"
    )
    await asyncio.sleep(context.clock.real_s(fault_scripts.KEY_GAP_S))
    context.write_key(new["key"])
    context.reporter.say("the new key is in the key file")

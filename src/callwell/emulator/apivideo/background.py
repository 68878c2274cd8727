# SPDX-License-Identifier: Apache-2.0
"""What an environment does on its own: it makes media files, one video at a time in a thread, and calls webhooks.

It sleeps while there is nothing to do. It polls while something is due at a clock time, because moving the clock wakes
nobody.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.ingest import IngestPlan, ingest
from callwell.emulator.apivideo.webhook_queue import WebhookQueue

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.clock import Clock
    from callwell.emulator.apivideo.account import ApiVideoAccount
    from callwell.emulator.apivideo.records import VideoRecord

# Short enough that a test does not wait for it.
POLL_REAL_S: Final = 0.02


class BackgroundWork:
    """The background work of one environment.

    Args:
        clock: the emulator's clock.
        folder: where files go.
        sandbox: media files are cut and marked.
    """

    __slots__ = ("_account", "_clock", "_folder", "_idle", "_sandbox", "_stop", "_webhooks", "_woken")

    def __init__(self, clock: Clock, folder: Path, *, sandbox: bool) -> None:
        self._clock = clock
        self._folder = folder
        self._sandbox = sandbox
        self._account: ApiVideoAccount | None = None
        self._webhooks = WebhookQueue(clock)
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._stop = threading.Event()
        self._idle.set()

    def account_changed(self, account: ApiVideoAccount) -> None:
        """Check this account for work."""
        self._account = account
        if self._unfinished():
            self._idle.clear()
        self._woken.set()

    def clear(self) -> None:
        """Forget the account and its deliveries."""
        self._account = None
        self._webhooks.clear()
        self._idle.set()

    async def wait_until_idle(self) -> None:
        """Wait until every file has been processed."""
        await self._idle.wait()

    async def run_forever(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                while await self._run_once():  # noqa: ASYNC110 - moving the clock wakes nobody
                    await asyncio.sleep(POLL_REAL_S)
        finally:
            self._stop.set()

    async def _run_once(self) -> bool:
        """Do what can be done now; return whether there will be more."""
        for video in self._unfinished():
            await asyncio.to_thread(ingest, video, self._plan_ingest(video), self._stop)
        if not self._unfinished():  # a file that came meanwhile has woken this again
            self._idle.set()
        account = self._account
        if account is None:
            return False
        self._webhooks.enqueue_due(account)
        return await self._webhooks.deliver_due(account) or self._webhooks.expects_events(account)

    def _unfinished(self) -> list[VideoRecord]:
        videos = [] if self._account is None else list(self._account.videos.values())
        return [video for video in videos if video.source is not None and not video.source.finished]

    def _plan_ingest(self, video: VideoRecord) -> IngestPlan:
        placement = video.attributes["watermark"]
        watermark = None
        if placement and self._account is not None:
            watermark = self._account.watermarks.get(placement.get("id"))
        return IngestPlan(
            folder=self._folder,
            sandbox=self._sandbox,
            clip=video.attributes["clip"],
            watermark=None if watermark is None else placement,
            picture=None if watermark is None else watermark.picture,
        )

# SPDX-License-Identifier: Apache-2.0
"""What an environment does without being asked: it makes media of files, one at a time in a thread, and tells webhooks.

It sleeps while there is nothing to do, and looks around often while the clock still has to reach something.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.ingest import Plan, ingest
from callwell.emulator.apivideo.webhook_queue import Deliveries

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.clock import Clock
    from callwell.emulator.apivideo.account import Account
    from callwell.emulator.apivideo.records import Video

LOOK_REAL_S: Final = 0.02


class Work:
    """The work of one environment.

    Args:
        clock: the emulator's clock.
        folder: where files go.
        sandbox: whether media are cut and stamped.
    """

    __slots__ = ("_account", "_clock", "_deliveries", "_folder", "_idle", "_sandbox", "_stop", "_woken")

    def __init__(self, clock: Clock, folder: Path, *, sandbox: bool) -> None:
        self._clock = clock
        self._folder = folder
        self._sandbox = sandbox
        self._account: Account | None = None
        self._deliveries = Deliveries(clock)
        self._woken, self._idle = asyncio.Event(), asyncio.Event()
        self._stop = threading.Event()
        self._idle.set()

    def look(self, account: Account) -> None:
        """There may be something to do in this account."""
        self._account = account
        if self._unfinished():
            self._idle.clear()
        self._woken.set()

    def forget(self) -> None:
        """The account is gone, and with it all that was to be told."""
        self._account = None
        self._deliveries.clear()
        self._idle.set()

    async def settle(self) -> None:
        """Wait until every file has been looked at."""
        await self._idle.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                while await self._step():  # noqa: ASYNC110 - the clock that is waited for makes no event
                    await asyncio.sleep(LOOK_REAL_S)
        finally:
            self._stop.set()

    async def _step(self) -> bool:
        """Do what can be done now; whether there will be more."""
        for video in self._unfinished():
            await asyncio.to_thread(ingest, video, self._plan(video), self._stop)
        self._idle.set()
        account = self._account
        if account is None:
            return False
        self._deliveries.collect(account)
        return await self._deliveries.send(account) or self._deliveries.expects(account)

    def _unfinished(self) -> list[Video]:
        videos = [] if self._account is None else list(self._account.videos.values())
        return [video for video in videos if video.source is not None and not video.source.finished]

    def _plan(self, video: Video) -> Plan:
        mark = video.told["watermark"]
        watermarks = {} if self._account is None else self._account.watermarks
        picture = watermarks[mark["id"]].picture if mark and mark.get("id") in watermarks else None
        return Plan(self._folder, self._sandbox, video.told["clip"], mark if picture else None, picture)

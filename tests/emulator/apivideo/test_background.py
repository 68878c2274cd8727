# SPDX-License-Identifier: Apache-2.0
"""The background work of an environment: who waits for it waits for every file, also for one that came meanwhile."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from callwell.clock import SystemClock
from callwell.emulator.apivideo.account import ApiVideoAccount
from callwell.emulator.apivideo.background import BackgroundWork
from callwell.emulator.apivideo.records import VideoRecord
from callwell.emulator.apivideo.source import SourceFile

if TYPE_CHECKING:
    from pathlib import Path


def video(name: str, path: Path) -> VideoRecord:
    """A video with a complete file."""
    source = SourceFile(kind="uploaded", uri="", received_at=0.0, delay_s=0.0, path=path)
    return VideoRecord(name, 0.0, 0.0, {"watermark": None, "clip": None}, source=source)


async def open_pipe(path: Path) -> int:
    """A pipe for writing: opening it waits until the thread of the work has opened it for reading."""
    return await asyncio.to_thread(os.open, path, os.O_WRONLY)


def test_a_file_that_comes_while_another_is_processed(tmp_path: Path) -> None:
    """Both files are pipes, so each is being processed until this test has closed it."""

    async def is_idle_too_early() -> bool:
        account = ApiVideoAccount(seed=1, sandbox=True)
        work = BackgroundWork(SystemClock(), tmp_path, sandbox=True)
        account.videos["one"] = video("one", tmp_path / "one")
        work.account_changed(account)
        waiting = asyncio.create_task(work.wait_until_idle())
        running = asyncio.create_task(work.run_forever())
        first = await open_pipe(tmp_path / "one")
        account.videos["two"] = video("two", tmp_path / "two")
        work.account_changed(account)
        os.close(first)
        second = await open_pipe(tmp_path / "two")
        was_idle = waiting.done()
        os.close(second)
        await waiting
        running.cancel()
        return was_idle

    os.mkfifo(tmp_path / "one")
    os.mkfifo(tmp_path / "two")
    assert not asyncio.run(is_idle_too_early())

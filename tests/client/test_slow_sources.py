# SPDX-License-Identifier: Apache-2.0
"""Sources that take a program to read: an event loop never waits for one, and a refused key is read again."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from callwell.errors import KeyMissing
from tests.client._async.scripted_client import connect as connect_async
from tests.client._sync.scripted_client import connect
from tests.client.acme import KEY
from tests.client.world import OK, ScriptedProvider, make_error_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import Request, Response

GET = {"thing_id": "1"}
OTHER = "acme_second_key"


def test_an_event_loop_does_not_wait(tmp_path: Path) -> None:
    """The program ends only after the loop has gone on; the first call waits for it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    async def main() -> None:
        api = connect_async(ScriptedProvider(), key=f"command:cat {pipe}")
        call = asyncio.create_task(api.call("things.get", **GET))
        writer = await asyncio.to_thread(pipe.open, "w")  # opens once the program reads, so the loop was free till then
        assert not call.done()
        with writer:
            writer.write(KEY)
        await call
        await api.aclose()

    asyncio.run(main())


def test_without_a_loop_a_missing_key_is_found_at_once(tmp_path: Path) -> None:
    """Where nothing else waits, the client reads the key when it is made; in a loop the first call says it."""
    with pytest.raises(KeyMissing, match="ended with exit code 1"):
        connect(ScriptedProvider(), key=f"command:cat {tmp_path}/none")

    async def main() -> None:
        api = connect_async(ScriptedProvider(), key=f"command:cat {tmp_path}/nothing")
        with pytest.raises(KeyMissing, match="ended with exit code 1"):
            await api.call("things.get", **GET)
        await api.aclose()

    asyncio.run(main())


def test_a_refused_key_ends_its_lease(tmp_path: Path) -> None:
    """A long lease does not keep a dead key alive: the program runs again, in a thread, and the call succeeds."""
    file = tmp_path / "key"
    file.write_text(KEY)
    dead: set[str] = set()

    def reply(request: Request) -> Response:
        shown = dict(request.headers)["authorization"].removeprefix("Bearer ")
        return make_error_response(401, "DEAD") if shown in dead else OK

    async def main() -> None:
        world = ScriptedProvider(reply)
        api = connect_async(world, key=f"command[lease=3600]:cat {file}")
        await api.call("things.get", **GET)
        file.write_text(OTHER)
        dead.add(KEY)
        assert await api.call("things.get", **GET) == {"id": "1"}
        await api.aclose()
        assert world.keys == [KEY, KEY, OTHER]

    asyncio.run(main())

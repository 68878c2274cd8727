# SPDX-License-Identifier: Apache-2.0
"""Keys change under load, in virtual time: one call tries the new key, and no other call waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from callwell.core.rules.profile import QuotaRule
from tests.client.acme import KEYS, acme
from tests.client.many_callers import get, make_client
from tests.client.virtual import run_in_virtual_time
from tests.client.world import OK, count_held, make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import Request, Response

AMPLE_QUOTA = {"wide": QuotaRule(limit=1000, window_s=1)}
OLD = "acme_old"
NEW = "acme_new"


REFUSALS = {
    "403": make_response(403),
    "404": make_response(404),
    "a redirect": make_response(302, location="/v1/login"),
    "429": make_response(429, retry_after="60"),
    "none": None,
}


@pytest.mark.parametrize("canary", [None, "things.list"])
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_many_callers_do_not_notice_a_new_key(tmp_path: Path, canary: str | None, refusal: Response | None) -> None:
    """Two hundred calls run, twenty at once. Every reply takes 0.3 s, and none of the calls fails."""
    file = tmp_path / "key"
    file.write_text(OLD)
    sent_keys = list[str]()

    def reply(request: Request) -> Response:
        key = dict(request.headers)["authorization"].removeprefix("Bearer ")
        sent_keys.append(key)
        return OK if refusal is None or key == OLD else refusal

    async def work() -> None:
        provider = acme(AMPLE_QUOTA, key=replace(KEYS, canary=canary))
        client, _ = make_client(reply, provider=provider, key=f"file:{file}", took=0.3)
        await get(client, "0")
        file.write_text(NEW)
        await asyncio.sleep(1.5)

        async def caller(number: int) -> None:
            for turn in range(10):
                assert await get(client, f"{number}-{turn}") == {"id": "1"}

        await asyncio.gather(*(caller(number) for number in range(20)))
        assert count_held(client) == 0

    run_in_virtual_time(work)
    if refusal is None:
        assert set(sent_keys[-100:]) == {NEW}
    else:
        assert sent_keys.count(NEW) == 1


@pytest.mark.parametrize("canary", [None, "things.list"])
@pytest.mark.parametrize("new_key_tried", [False, True], ids=["not tried yet", "set aside"])
def test_many_callers_do_not_notice_that_the_old_key_dies(
    tmp_path: Path, canary: str | None, *, new_key_tried: bool
) -> None:
    """The old key is refused without a code of the profile while twenty calls run; they continue with the new key."""
    file = tmp_path / "key"
    file.write_text(OLD)
    alive = {OLD}

    def reply(request: Request) -> Response:
        key = dict(request.headers)["authorization"].removeprefix("Bearer ")
        return OK if key in alive else make_response(401, b"no", content_type="text/plain")

    async def work() -> None:
        provider = acme(AMPLE_QUOTA, key=replace(KEYS, canary=canary))
        client, _ = make_client(reply, provider=provider, key=f"file:{file}", took=0.3)
        await get(client, "0")
        file.write_text(NEW)
        if new_key_tried:
            for turn in range(10):
                await get(client, str(turn))

        async def caller(number: int) -> None:
            for turn in range(10):
                if (number, turn) == (0, 5):
                    alive.symmetric_difference_update({OLD, NEW})
                assert await get(client, f"{number}-{turn}") == {"id": "1"}

        await asyncio.gather(*(caller(number) for number in range(20)))
        assert count_held(client) == 0

    run_in_virtual_time(work)

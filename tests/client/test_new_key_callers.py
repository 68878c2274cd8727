# SPDX-License-Identifier: Apache-2.0
"""Many calls at once while a new key is tried, in virtual time: one of them tries it, and none waits for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from callwell.core.rules.profile import QuotaRule
from tests.client.acme import KEYS, acme
from tests.client.many_callers import get, make
from tests.client.virtual import leap
from tests.client.world import OK, answer, held

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import Request, Response

WIDE = {"wide": QuotaRule(limit=1000, window_s=1)}
OLD = "acme_old"
NEW = "acme_new"


REFUSALS = {
    "403": answer(403),
    "404": answer(404),
    "a redirect": answer(302, location="/v1/login"),
    "429": answer(429, retry_after="60"),
    "none": None,
}


@pytest.mark.parametrize("canary", [None, "things.list"])
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_many_callers_do_not_notice_a_new_key(tmp_path: Path, canary: str | None, refusal: Response | None) -> None:
    """Two hundred calls, twenty at once; the provider answers what it refuses later than the rest."""
    file = tmp_path / "key"
    file.write_text(OLD)
    shown = list[str]()

    def reply(request: Request) -> Response:
        key = dict(request.headers)["authorization"].removeprefix("Bearer ")
        shown.append(key)
        return OK if refusal is None or key == OLD else refusal

    async def work() -> None:
        provider = acme(WIDE, key=replace(KEYS, canary=canary))
        client, _ = make(reply, provider=provider, key=f"file:{file}", took=0.3)
        await get(client, "0")
        file.write_text(NEW)
        await asyncio.sleep(1.5)

        async def caller(number: int) -> None:
            for turn in range(10):
                assert await get(client, f"{number}-{turn}") == {"id": "1"}

        await asyncio.gather(*(caller(number) for number in range(20)))
        assert held(client) == 0

    leap(work)
    if refusal is None:
        assert set(shown[-100:]) == {NEW}
    else:
        assert shown.count(NEW) == 1


@pytest.mark.parametrize("canary", [None, "things.list"])
@pytest.mark.parametrize("seen", [False, True], ids=["not tried yet", "set aside"])
def test_many_callers_do_not_notice_that_the_old_key_dies(tmp_path: Path, canary: str | None, *, seen: bool) -> None:
    """It dies in a way that the profile does not describe, while twenty calls are under way: the new one follows."""
    file = tmp_path / "key"
    file.write_text(OLD)
    alive = {OLD}

    def reply(request: Request) -> Response:
        key = dict(request.headers)["authorization"].removeprefix("Bearer ")
        return OK if key in alive else answer(401, b"no", content_type="text/plain")

    async def work() -> None:
        provider = acme(WIDE, key=replace(KEYS, canary=canary))
        client, _ = make(reply, provider=provider, key=f"file:{file}", took=0.3)
        await get(client, "0")
        file.write_text(NEW)
        if seen:
            for turn in range(10):
                await get(client, str(turn))

        async def caller(number: int) -> None:
            for turn in range(10):
                if (number, turn) == (0, 5):
                    alive.symmetric_difference_update({OLD, NEW})
                assert await get(client, f"{number}-{turn}") == {"id": "1"}

        await asyncio.gather(*(caller(number) for number in range(20)))
        assert held(client) == 0

    leap(work)

# SPDX-License-Identifier: Apache-2.0
"""What a web page may do: read any response of the API, send no credentials, and get nothing from storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.harness import fetch
from tests.emulator.sample_requests import resource_of

if TYPE_CHECKING:
    from tests.emulator.harness import Emulated

PAGE = {"Origin": "https://example.test"}
ASKING = PAGE | {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}


@pytest.mark.parametrize("path", ["/public/me", "/public/workspace/x/links/y", "/public/nothing"])
def test_preflights(emulated: Emulated, path: str) -> None:
    """204 without a key and without a look at the quota, whatever is requested."""
    emulated.control("/reset", {"per_minute": 1})
    answers = [fetch(emulated.base + path, "OPTIONS", headers=headers) for headers in (ASKING, PAGE, {})]
    for answer in answers:
        assert (answer.status, answer.body) == (204, b"")
        allowed = {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}
        assert allowed == {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
            "access-control-allow-headers": "Authorization, Content-Type",
        }
    assert emulated.call("/public/me").status == 200


def test_every_answer_of_the_api_can_be_read(emulated: Emulated) -> None:
    """Successes, and errors of every kind: refused keys, unknown routes, spent quotas, faults, redirects."""
    emulated.control("/reset", {"per_minute": 5})
    emulated.faults(
        {"operation": "me.get", "fault": "error_before", "nth": 2, "status": 500},
        {"operation": "me.get", "fault": "throttle", "nth": 3},
        {"operation": "me.get", "fault": "lying_header", "nth": 4},
        {"operation": "me.get", "fault": "redirect", "nth": 5},
    )
    answers = [emulated.call("/public/me") for _ in range(6)]
    answers += [emulated.call("/public/me", key=None), emulated.call("/public/nothing")]
    assert [each.status for each in answers] == [200, 500, 429, 429, 302, 429, 401, 404]
    assert {each.headers["access-control-allow-origin"] for each in answers} == {"*"}
    assert all("access-control-allow-credentials" not in each.headers for each in answers)


def test_storage_has_none(emulated: Emulated) -> None:
    """Nothing is documented for storage: it answers pages as any other client, and refuses their preflights."""
    url = resource_of(emulated)["url"]
    answer = fetch(url, headers=PAGE)
    preflight = fetch(url, "OPTIONS", headers=ASKING)
    assert (answer.status, preflight.status) == (200, 403)
    assert b"<Code>AccessForbidden</Code>" in preflight.body
    for each in (answer, preflight):
        assert not any(name.startswith("access-control-") for name in each.headers)

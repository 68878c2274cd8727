# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_redirects.py by tools/unasync.py; do not edit
"""Redirects: the key stays with the environment's own origin."""

from __future__ import annotations

from functools import partial

import pytest

from callwell import errors
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE
from tests.client.running import run
from tests.client.world import OK, ScriptedProvider, make_response


@pytest.mark.parametrize(
    ("location", "goes_to"),
    [
        ("/v1/elsewhere?a=b#c", f"{BASE}/elsewhere?a=b"),
        ("other", f"{BASE}/things/other"),
        ("//api.acme.test/x", "https://api.acme.test/x"),
        ("HTTPS://API.acme.test:443/x", "https://api.acme.test/x"),
        ("https://evil.test\\@api.acme.test/x", "https://api.acme.test/x"),
        ("https://me:pw@api.acme.test/x", "https://api.acme.test/x"),
        ("https://evil.test/x", None),
        ("//evil.test/x", None),
        ("http://api.acme.test/x", None),
        ("https://api.acme.test:8443/x", None),
        ("https://api.acme.test.evil.test/x", None),
        ("https://api.acme.test\\@evil.test/x", None),
        ("https://[::1/x", None),
        ("https://api.acme.test:99999/x", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_redirects_keep_to_the_origin(location: str, goes_to: str | None) -> None:
    """A redirect is followed, with a permit of its own, only where the key may go, letter by letter."""
    world = ScriptedProvider(make_response(307, location=location), OK)
    api = connect(world)
    if goes_to is None:
        with pytest.raises(errors.UnexpectedAnswer, match="a redirect that is not followed"):
            run(lambda: api.call("things.get", thing_id="1"))
        assert len(world.sent) == 1
    else:
        assert run(lambda: api.call("things.get", thing_id="1")) == {"id": "1"}
        assert world.urls[1] == goes_to
        assert api.spent() == {"minute": (2, 100)}


def test_redirects_end_and_writes_are_not_redirected() -> None:
    """Five hops for a read, none for a write."""
    world = ScriptedProvider(make_response(302, location="/v1/again"))
    with pytest.raises(errors.UnexpectedAnswer):
        run(partial(connect(world).call, "things.get", thing_id="1"))
    assert len(world.sent) == 6
    world = ScriptedProvider(make_response(307, location="/v1/again"))
    with pytest.raises(errors.UnexpectedAnswer):
        run(partial(connect(world).call, "things.make", name="n"))
    assert len(world.sent) == 1

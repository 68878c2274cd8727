# SPDX-License-Identifier: Apache-2.0
"""A provider that trades keys for tokens, each of them good for a while, and those for renewal once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from tests.client.acme import KEY, KEYS, TOKENS, acme
from tests.client.world import DEAD, OK, REFUSED, make_error_response, make_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.clock import Clock
    from callwell.transport.base import NoReply, Request, Response

LASTS_S: Final = 600.0
PROVIDER: Final = acme(key=replace(KEYS, scheme="basic", token=TOKENS))


class Mint:
    """The provider's side.

    Args:
        keys: that it knows.
        lasts_s: for how long a token is good.

    Attributes:
        clock: measures the seconds; to be set before the first request.
        asked: what was asked, by the end of the path, in order.
        instead: replies that come instead of the usual ones, by the end of the path.
    """

    def __init__(self, *keys: str, lasts_s: float = LASTS_S) -> None:
        self.keys = set(keys or (KEY,))
        self.lasts_s = lasts_s
        self.clock: Clock | None = None
        self.asked: list[str] = []
        self.shown: list[str] = []
        self.instead: dict[str, Callable[[], Response | NoReply | None]] = {}
        self._good: dict[str, tuple[str, float]] = {}
        self._renewals: dict[str, str] = {}
        self.used: list[str] = []

    @property
    def texts(self) -> set[str]:
        """All tokens there ever were."""
        return {*self._good, *self._renewals, *self.used}

    def __call__(self, request: Request) -> Response | NoReply:
        """The reply to a request."""
        what = urlsplit(request.url).path.rpartition("/")[2]
        self.asked.append(what)
        shown = dict(request.headers).get("authorization", "")
        self.shown.append(shown)
        instead = self.instead.get(what)
        reply = instead() if instead else None
        if what in ("key", "renew"):
            assert shown == ""
            if reply is REFUSED:
                return reply
            usual = self._trade(what, json.loads(request.body if isinstance(request.body, bytes) else b""))
            return reply or usual
        return reply or self._thing(shown)

    def _trade(self, what: str, body: dict[str, str]) -> Response:
        if what == "key":
            key = body["key"]
            return self._new(key) if key in self.keys else make_error_response(400, "NO_SUCH_KEY")
        by = body["by"]
        assert by not in self.used, "a token for renewal was used twice"
        self.used.append(by)
        key = self._renewals.pop(by, "")
        return self._new(key) if key in self.keys else make_error_response(400, "NO_SUCH_TOKEN")

    def _new(self, key: str) -> Response:
        assert self.clock
        number = len(self._good) + 1
        access = f"access-{number}"
        renewal = f"renewal-{number}"
        self._good[access] = key, self.clock.now() + self.lasts_s
        self._renewals[renewal] = key
        return make_response(200, {"access": access, "renewal": renewal, "seconds": self.lasts_s})

    def _thing(self, shown: str) -> Response:
        assert self.clock
        scheme, _, text = shown.partition(" ")
        if scheme != "Bearer":
            return DEAD
        key, until = self._good.get(text, ("", 0.0))
        return OK if key in self.keys and self.clock.now() < until else make_error_response(401, "TOKEN_DEAD")

    def end(self) -> None:
        """All access tokens end now."""
        self._good = dict.fromkeys(self._good, ("", 0.0))


def options(mint: Mint, world: Any, **more: Any) -> dict[str, Any]:
    """What a client of it is made with."""
    mint.clock = world.clock
    return {"provider": PROVIDER, "auth": "token", **more}

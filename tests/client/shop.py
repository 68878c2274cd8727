# SPDX-License-Identifier: Apache-2.0
"""A made-up provider that remembers what was created, loses responses and requests, and commits late."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from callwell.client.exactly_once.holder import LIVE_HOLDERS, new_holder
from callwell.core.rules.operations import MarkerRule, OperationRule, PagingRule
from callwell.description.model import Api, Parameter
from tests.client.acme import STRING_SCHEMA, acme, operation, parameter
from tests.client.world import LOST, REFUSED, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.client import Client
    from callwell.description.provider import Provider
    from callwell.state import MemoryState
    from callwell.transport.base import NoReply, Request, Response

NAME: Final = "made-by"
BOUND_S: Final = 90.0
"""How long after the end of its connection a request may still commit."""

FATES: Final = ("ok", "lost", "gone", "late", "error", "failed", "throttled", "refused", "broken")
"""Of a request that creates: carried out; the response lost; the request lost; carried out when the caller has left;
an error after it was carried out, and before; not now; no connection; carried out, with half a response."""

SIGHTS: Final = ("ok", "ok", "lost", "error", "throttled", "missing")
"""Of a request that lists."""

PAIR: Final = {"type": "object", "properties": {"key": STRING_SCHEMA, "value": STRING_SCHEMA}}


def provider(**changes: Any) -> Provider:
    """Acme, with things that can be marked, and found by their mark."""
    result = acme(
        operations={
            "goods.make": OperationRule(
                marker=MarkerRule(parameter="labels", name=NAME, probe="goods.list", filter="labels")
            ),
            "goods.list": OperationRule(paging=PagingRule(items="data.items", key="id", total="data.total")),
        },
        **changes,
    )
    labels = parameter("labels", "body", {"type": "array", "items": PAIR}, wire="tags")
    filters = Parameter(
        name="labels",
        wire_name="labels",
        location="query",
        required=False,
        schema={"type": "object"},
        style="deepObject",
    )
    more = (
        operation("goods.make", "POST", "/goods", parameter("title", "body", STRING_SCHEMA, required=True), labels),
        operation("goods.list", "GET", "/goods", filters, parameter("page", "query", {"type": "integer"})),
        operation(
            "goods.mint",
            "POST",
            "/mint",
            parameter("title", "body", STRING_SCHEMA),
            parameter("api_key", "body", STRING_SCHEMA),
        ),
    )
    operations = {**result.api.operations, **{item.name: item for item in more}}
    return replace(result, api=Api(title="Acme", version="1", operations=operations))


class Shop(ScriptedProvider):
    """The provider, in a world.

    Args:
        fates: of the requests that create, one after the other; then all is well.
        sights: of the requests that list.
        took: seconds from a request to its reply.
        late_s: how long after the end of its connection a late one commits.
        deaf: the list takes no notice of the filter.
    """

    def __init__(
        self,
        fates: tuple[str, ...] = (),
        sights: tuple[str, ...] = (),
        *,
        took: float = 1.0,
        late_s: float = BOUND_S - 1.0,
        deaf: bool = False,
    ) -> None:
        super().__init__(self.answered, took=took)
        self.fates = list(fates)
        self.sights = list(sights)
        self.late_s = late_s
        self.deaf = deaf
        self.creations = 0
        self._goods: list[tuple[float, dict[str, Any]]] = []

    @property
    def goods(self) -> list[dict[str, Any]]:
        """What there is now."""
        return [thing for at, thing in self._goods if at <= self.clock.now()]

    @property
    def ever(self) -> list[dict[str, Any]]:
        """What there will be when everything under way has arrived."""
        return [thing for _, thing in self._goods]

    def empty(self) -> None:
        """Somebody takes everything away."""
        self._goods = []

    def answered(self, request: Request) -> Response | NoReply:
        """What comes back."""
        if request.method == "GET":
            return self._listed(request, self.sights.pop(0) if self.sights else "ok")
        self.creations += 1
        return self._created(request, self.fates.pop(0) if self.fates else "ok")

    def stray(self, request: Request, after_s: float) -> None:
        """An abandoned request is carried out later."""
        self.creations += 1
        thing = {"id": f"g{self.creations}", "tags": [], **self._arguments(request)}
        self._goods.append((self.clock.now() + after_s, thing))

    def _arguments(self, request: Request) -> Any:
        assert isinstance(request.body, bytes | None)
        return json.loads(request.body or b"{}")

    def _created(self, request: Request, fate: str) -> Response | NoReply:
        arguments = self._arguments(request)
        thing = {"id": f"g{self.creations}", "tags": [], **arguments}
        if fate in ("ok", "lost", "error", "broken"):
            self._goods.append((self.clock.now(), thing))
        if fate == "late":
            self._goods.append((self.clock.now() + self.took + self.late_s, thing))
        replies: dict[str, Response | NoReply] = {
            "ok": make_response(201, {"data": thing}),
            "broken": make_response(201, b'{"data', whole=False),
            "error": make_error_response(500, "X"),
            "failed": make_error_response(500, "X"),
            "throttled": make_error_response(429, "X", retry_after="3"),
            "refused": REFUSED,
            "bad": make_error_response(400, "BAD"),
        }
        return replies.get(fate, LOST)

    def _listed(self, request: Request, sight: str) -> Response | NoReply:
        wanted = parse_qs(urlsplit(request.url).query).get(f"labels[{NAME}]", [""])[0]
        fit = [good for good in self.goods if self.deaf or {"key": NAME, "value": wanted} in good["tags"]]
        replies: dict[str, Response | NoReply] = {
            "ok": make_response(200, {"data": {"items": fit, "total": len(fit)}}),
            "error": make_error_response(502, "X"),
            "throttled": make_error_response(429, "X"),
            "missing": make_error_response(404, "X"),
        }
        return replies.get(sight, LOST)


class Killed(BaseException):
    """The process is dead: it says nothing any more, and notes nothing."""


class DyingState:
    """The state of a process that is killed at one of its steps.

    Args:
        state: what survives.
        last: the step at which it is killed, from 0.
        before: before the step is on disk, not after it.
    """

    shared = True
    call_locks = None

    def __init__(self, state: Any, last: int, *, before: bool) -> None:
        self._state = state
        self._left = last
        self._before = before
        self.dead = False

    @property
    def address(self) -> str:
        """Its own: another process uses the same records."""
        return f"{self._state.address} of {id(self):x}"

    def clone(self) -> Any:
        """What outlives the process: permits come from there."""
        return self._state.clone()

    def update(self, cell: Any, change: Any) -> Any:
        """One step, perhaps the last. What a thread of its own says about keys is none."""
        if cell.key.startswith("key-processes:"):
            return self._state.update(cell, change)
        if self.dead or (self._left == 0 and self._before):
            self._die()
        answered = self._state.update(cell, change)
        if self._left == 0:
            self._die()
        self._left -= 1
        return answered

    def notify(self, topic: str) -> None:
        """As it does."""
        self._state.notify(topic)

    def listen(self, callback: Any) -> Any:
        """As it does."""
        return self._state.listen(callback)

    def remove(self, prefix: str) -> None:
        """One step, perhaps the last."""
        self.update_nothing()
        self._state.remove(prefix)

    def update_nothing(self) -> None:
        """A step that is not counted: dead is dead."""
        if self.dead:
            raise Killed

    def read(self, cell: Any) -> Any:
        """As it is."""
        if not cell.key.startswith(("key-", "revoked-")):
            self.update_nothing()
        return self._state.read(cell)

    def keys(self, prefix: str) -> Any:
        """As they are."""
        return self._state.keys(prefix)

    def close(self) -> None:
        """It stays."""

    def _die(self) -> None:
        self.dead = True
        raise Killed


@cache
def dead_process() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def bury(state: MemoryState) -> None:
    """Whoever holds a call in this state is dead."""
    machine = new_holder().partition("|")[0]
    for key in state.keys("once:"):
        state._records[key] = state._records[key]._replace(holder=f"{machine}|{dead_process()}|x")


@contextmanager
def at_work(state: MemoryState) -> Iterator[None]:
    """Whoever holds a call in this state is at work on it, in another thread."""
    holders = {state._records[key].holder for key in state.keys("once:")}
    LIVE_HOLDERS.update(holders)
    try:
        yield
    finally:
        LIVE_HOLDERS.difference_update(holders)


def unsettled(client: Client | Any) -> int:
    """How many calls in the ledger have an unknown outcome."""
    return len(client.ledger.entries())

# SPDX-License-Identifier: Apache-2.0
"""A made-up provider that takes films in pieces and can mark what it makes; and processes that die at any moment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from callwell.core.rules.operations import MarkerRule, OperationRule, PagingRule
from callwell.description.model import Api, Operation, Parameter
from tests.client.acme import parameter
from tests.client.shop import PAIR
from tests.client.vault import TITLE, Vault, vault
from tests.client.world import make_response

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from callwell.description.provider import Provider
    from callwell.state.base import Cell, State
    from callwell.transport.base import NoReply, Request, Response

    T = TypeVar("T")
    R = TypeVar("R")

NAME: Final = "made-by"


def studio() -> Provider:
    """The provider of `vault`, with films that can be marked and found by their mark."""
    result = vault(limit=100_000)
    labels = parameter("labels", "body", {"type": "array", "items": PAIR})
    filters = Parameter(
        name="labels",
        wire_name="labels",
        location="query",
        required=False,
        schema={"type": "object"},
        style="deepObject",
    )
    page = parameter("page", "query", {"type": "integer"})
    more = (_operation("films.make", "POST", TITLE, labels), _operation("films.list", "GET", filters, page))
    operations = {**result.api.operations, **{item.name: item for item in more}}
    rules = {
        **result.profile.operations,
        "films.make": OperationRule(
            marker=MarkerRule(parameter="labels", name=NAME, probe="films.list", filter="labels")
        ),
        "films.list": OperationRule(paging=PagingRule(items="items", key="filmId", total="total")),
    }
    profile = replace(result.profile, operations=rules)
    return replace(result, profile=profile, api=Api(title="Studio", version="1", operations=operations))


def _operation(name: str, method: str, *parameters: Any) -> Operation:
    return Operation(
        name=name,
        method=method,
        path="/films",
        parameters=parameters,
        summary="",
        response_schema={},
        keyless=False,
    )


class Studio(Vault):
    """Keeps films, with their marks."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, Any] = {}

    def __call__(self, request: Request) -> Response | NoReply:
        """What comes back."""
        parts = urlsplit(request.url)
        if request.method == "GET" and parts.path.endswith("/films"):
            self.asked.append("list")
            wanted = {"key": NAME, "value": parse_qs(parts.query)[f"labels[{NAME}]"][0]}
            fit = [{"filmId": film, "labels": marks} for film, marks in self.labels.items() if wanted in marks]
            return make_response(200, {"items": fit, "total": len(fit)})
        return super().__call__(request)

    def _make(self, request: Request, path: str) -> Response:
        result = super()._make(request, path)
        assert isinstance(request.body, bytes)
        self.labels[json.loads(result.body)["filmId"]] = json.loads(request.body).get("labels", [])
        return result


class Killed(BaseException):
    """The process is dead: it does nothing any more."""


class Mortal:
    """The state of a process that dies before or right after one of its writes, and writes nothing from then on.

    Args:
        state: what outlives the process.
        at: which write.
        after: it is the last one; else it is not done.
    """

    def __init__(self, state: State, at: int, *, after: bool) -> None:
        self.shared = state.shared
        self.server_wall = state.server_wall
        self.call_locks = state.call_locks
        self.writes = 0
        self.dead = False
        self._state = state
        self._at = at
        self._after = after

    @property
    def address(self) -> str:
        """Its own: another process uses the same records."""
        return f"{self._state.address} of {id(self):x}"

    def clone(self) -> State:
        """What outlives the process: permits come from there."""
        return self._state.clone()

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record."""
        self._begin()
        result = self._state.update(cell, change)
        self._end()
        return result

    def read(self, cell: Cell[T]) -> T:
        """Read a record."""
        self._live()
        return self._state.read(cell)

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        self._live()
        return self._state.keys(prefix)

    def remove(self, prefix: str) -> None:
        """Forget records."""
        self._begin()
        self._state.remove(prefix)
        self._end()

    def notify(self, topic: str) -> None:
        """Call those who listen."""
        self._state.notify(topic)

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Listen."""
        return self._state.listen(callback)

    def close(self) -> None:
        """The state outlives it."""

    def _live(self) -> None:
        if self.dead:
            raise Killed

    def _begin(self) -> None:
        self._live()
        self.writes += 1
        if self.writes == self._at and not self._after:
            self.dead = True
            raise Killed

    def _end(self) -> None:
        if self.writes == self._at:
            self.dead = True
            raise Killed

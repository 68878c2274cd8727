# SPDX-License-Identifier: Apache-2.0
"""A scripted provider for a client under test: a clock that leaps over waits, replies in order, and a record."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.client.keys.usage import KeyUseLog
from callwell.client.quota.leases.keeper import KEEPERS
from callwell.clock import SystemClock
from callwell.core.types import Outcome
from callwell.errors import KeyMissing
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import ManualClock
from callwell.transport.base import NoReply, Request, Response
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from callwell.observe.notices import Notice

PIECE = 65_536
"""Bytes of a piece of a streamed body."""

LOST = NoReply(Outcome.UNKNOWN, "the response broke off")
REFUSED = NoReply(Outcome.REFUSED, "no connection: refused")


def make_response(status: int = 200, body: object = None, *, whole: bool = True, **headers: Any) -> Response:
    """A response with a JSON body, or with the bytes given; `_` in a header's name stands for `-`."""
    data = body if isinstance(body, bytes) else b""
    if body is not None and not isinstance(body, bytes):
        data = json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, data, whole)


def make_error_response(status: int, name: str, **headers: Any) -> Response:
    """An error response with a code."""
    return make_response(status, {"code": name, "message": "because"}, **headers)


OK = make_response(200, {"data": {"id": "1"}})
DEAD = make_error_response(401, "DEAD")


class LeapingClock(ManualClock):
    """Time for one caller at a time: who asks how long a wait really takes has waited when it next asks the time.

    It has not if it sends a request instead: then it read the request's time limit, see `sent`. Where permits are
    leased, it first lets the keeper do what it has to do, and leaps no further than to the keeper's next exchange if a
    caller waits for that.
    """

    def __init__(self) -> None:
        super().__init__(now=1000.0)
        self._leap = 0.0
        self._exchanges: list[tuple[int, float]] = []

    def now(self) -> float:
        """Monotonic seconds."""
        self.land()
        return super().now()

    def wall(self) -> float:
        """Seconds since the epoch."""
        self.land()
        return super().wall()

    def real_s(self, seconds: float) -> float:
        """No real time at all."""
        if _is_keeper():
            return PATIENCE_S
        self._leap = self._let_keepers_work(max(0.0, seconds))
        return 0.0

    def _let_keepers_work(self, seconds: float) -> float:
        """How far to leap."""
        keepers = [keeper for keeper in tuple(KEEPERS) if keeper.clock is self]
        for keeper in keepers:
            assert keeper.wait_until_idle(PATIENCE_S)
        accounts = [account for keeper in keepers for account in keeper.accounts]
        if not any(account.callers.count() for account in accounts):
            return seconds
        exchanges = [(account._holding.seq, account._failed_at) for account in accounts]
        if exchanges != self._exchanges:
            self._exchanges = exchanges
            return 0.0
        return min([seconds, *[max(0.0, account.due_at() - ManualClock.now(self)) for account in accounts]])

    def land(self) -> None:
        """The wait is over."""
        if _is_keeper():
            return
        leap = self._leap
        self._leap = 0.0
        self.advance(leap)

    def sent(self) -> None:
        """It was not a wait."""
        self._leap = 0.0


def _is_keeper() -> bool:
    """Whether this is a keeper's thread, for which time passes without its doing."""
    return threading.current_thread().name == "callwell-keeper"


class Sent(NamedTuple):
    """One arrival."""

    at: float
    request: Request
    reply: Response | NoReply


class ScriptedProvider:
    """A provider that replies by a script, and records all requests; with a clock of its own.

    Args:
        script: the replies in order, the last of them for ever; or a function from the request to its reply.
        took: seconds from a request to its reply.
    """

    def __init__(
        self, *script: Response | NoReply | Callable[[Request], Response | NoReply], took: float = 0.0
    ) -> None:
        self.clock = LeapingClock()
        self.sent: list[Sent] = []
        self.notices: list[Notice] = []
        self.took = took
        self._script = script or (OK,)

    def reply(self, request: Request) -> Response | NoReply:
        """The next reply."""
        if 0.0 in (request.timeout_s, request.total_timeout_s):
            self.clock.sent()
        following = self._script[min(len(self.sent), len(self._script) - 1)]
        reply = following(request) if callable(following) else following
        self.sent.append(Sent(self.clock.now(), request, reply))
        self.clock.advance(self.took)
        return reply

    @property
    def times(self) -> list[float]:
        """When requests arrived, since the beginning."""
        return [sent.at - 1000.0 for sent in self.sent]

    @property
    def urls(self) -> list[str]:
        """What was requested."""
        return [sent.request.url for sent in self.sent]

    @property
    def keys(self) -> list[str]:
        """The keys that were shown."""
        shown = [dict(sent.request.headers).get("authorization", "") for sent in self.sent]
        return [text.removeprefix("Bearer ") for text in shown]


class ListSource:
    """A key source that changes: what each reading gives, the last of them for ever.

    Args:
        readings: keys; an empty one is missing.
    """

    location = "list:keys"
    lease_s: float | None = None
    file = None

    def __init__(self, readings: Iterable[str], *, can_change: bool = True, marked: bool = False) -> None:
        self.readings = list(readings)
        self.can_change = can_change
        self.marked = marked
        self.read_times = 0

    def read(self) -> Key:
        """The next reading."""
        text = self.readings[min(self.read_times, len(self.readings) - 1)]
        self.read_times += 1
        if not text:
            raise KeyMissing("no key: the list is empty")
        return Key(text)

    def revision(self) -> object:
        """Different each time, if it says so at all."""
        return object() if self.marked else None


def count_held(client: Any) -> int:
    """Permits and keys that somebody has in hand, and callers in line."""
    engine = client._engine
    engine.account.spent()  # brings the record up to date
    account = getattr(engine.account, "_account", engine.account)
    record = account._holding.record if hasattr(account, "_holding") else account._state.read(account._cell)
    permits = sum(count for bucket in record.buckets.values() for _, count in bucket.held)
    lent = sum(key.uses for key in engine.keys._ring.keys) + engine.keys._shared_uses
    return int(permits + lent + sum(len(line.waiters) for line in engine.queues.values()))


def query(url: str) -> Mapping[str, str]:
    """The query of an address, as written."""
    return dict(pair.partition("=")[::2] for pair in url.partition("?")[2].split("&") if pair)


def tried(key: str) -> KeyUseLog:
    """A record in which a key was accepted before, so that its rotation is waited for."""
    uses = KeyUseLog("acme", MemoryState(), SystemClock())
    uses.record_accepted(Key(key).fingerprint, "given in code")
    return uses

# SPDX-License-Identifier: Apache-2.0
"""One sync client in many threads: the quota is kept, no update is lost, and no caller is forgotten in the queue."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client import Client
from callwell.client._sync.concurrency.primitives import BackgroundTask
from callwell.clock import scaled_clock
from callwell.core.rules.profile import QuotaRule, RetryRule
from callwell.keys import Key
from callwell.observe.notices import CallEnded, KeyChanged
from callwell.testing import ScriptedTransport
from tests.client.acme import KEY, acme
from tests.client.world import DEAD, OK, ListSource, count_held, make_error_response, tried
from tests.processes.scaled_clock import scale

if TYPE_CHECKING:
    from callwell.transport.base import Request, Response

THREADS = 16

PATIENT = RetryRule(rekey_wait_s=3000.0)
"""A machine that is busy with other things must not fail a test."""


def together(work: Any, count: int = THREADS) -> list[Any]:
    """What many threads give that begin at the same moment."""
    gate = threading.Barrier(count)

    def begin(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


@pytest.mark.parametrize("limit", [1, 5, 20])
def test_threads_keep_the_quota(limit: int) -> None:
    """However many threads share a client, no window holds more arrivals than the quota, and all calls are made."""
    clock = scaled_clock(scale(100.0))
    arrivals: list[float] = []
    ended: list[object] = []

    def reply(_: Request) -> Response:
        arrivals.append(clock.now())
        return make_error_response(500, "X") if len(arrivals) % 10 == 0 else OK

    client = Client(
        acme({"two": QuotaRule(limit=limit, window_s=2)}),
        key=Key(KEY),
        clock=clock,
        transport=ScriptedTransport(reply),
        priority="batch",
        on_notice=ended.append,
    )
    calls = 4 if limit > 1 else 1
    results = together(lambda n: [client.call("things.get", thing_id=str(n)) for _ in range(calls)])
    assert results == [[{"id": "1"}] * calls] * THREADS
    assert sum(isinstance(notice, CallEnded) for notice in ended) == THREADS * calls
    arrivals.sort()
    assert all(later - at >= 2.0 for at, later in zip(arrivals, arrivals[limit:], strict=False))
    assert count_held(client) == 0


def test_threads_read_a_dead_key_once() -> None:
    """One thread reads the source, all others wait for it, and each call is sent again once."""
    clock = scaled_clock(scale(100.0))

    def reply(request: Request) -> Response:
        return OK if "acme_second" in dict(request.headers)["authorization"] else DEAD

    for _ in range(10):
        notices: list[object] = []
        transport = ScriptedTransport(reply)
        client = Client(acme({}, retry=PATIENT), key=Key(KEY), clock=clock, transport=transport, deadline_s=None)
        keys = client._engine.keys
        source = ListSource([KEY, "", "acme_second"])
        client._engine.keys = type(keys)(
            "acme", client.provider.profile.key, source=source, clock=clock, uses=tried(KEY), notify=notices.append
        )
        result = client
        assert together(lambda _: result.call("things.get", thing_id="1")) == [{"id": "1"}] * THREADS  # noqa: B023 - called here
        assert len(notices) == sum(isinstance(notice, KeyChanged) for notice in notices) == 2
        assert source.read_times == 3
        assert len(transport.requests) <= 2 * THREADS
        assert count_held(client) == 0


def test_nobody_waits_for_a_permit_that_came_back() -> None:
    """A permit that is released just as somebody joins the queue is not slept over, not even for a poll."""
    client = Client(
        acme({"ten": QuotaRule(limit=1, window_s=0.0001)}),
        key=Key(KEY),
        transport=ScriptedTransport(lambda _: OK),
        priority="batch",
    )
    assert len(together(lambda _: [client.call("things.get", thing_id="1") for _ in range(20)], 4)) == 4
    assert count_held(client) == 0


def test_what_was_begun_ahead_may_be_dropped_at_any_time() -> None:
    """Dropping a result while it arrives disturbs neither thread: an error in a thread would fail the test."""
    for _ in range(200):
        BackgroundTask(lambda: 1).cancel()
    begun = threading.Event()
    go_on = threading.Event()

    def wait() -> bool:
        begun.set()
        return go_on.wait()

    dropped = BackgroundTask(wait)
    begun.wait()
    dropped.cancel()
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "callwell-ahead":
            thread.join()
    kept = BackgroundTask(lambda: 1)
    assert kept.result() == 1
    kept.cancel()
    failing = BackgroundTask(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        failing.result()


def test_an_interrupt_keeps_nothing() -> None:
    """Control-C in the middle of a request releases its permit as lost."""

    def interrupt(_: Request) -> Response:
        raise KeyboardInterrupt

    client = Client(acme(), key=Key(KEY), transport=ScriptedTransport(interrupt))
    with pytest.raises(KeyboardInterrupt):
        client.call("things.get", thing_id="1")
    assert count_held(client) == 0
    assert client.spent() == {"minute": (1, 100)}

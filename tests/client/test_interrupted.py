# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at any line of a synchronous call: no permit is lost, and none is lent twice."""

from __future__ import annotations

import gc
import sys
from bisect import bisect_left
from contextlib import suppress
from contextvars import copy_context
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import callwell
from callwell import errors
from callwell.core.quota import permits
from callwell.core.rules.profile import QuotaRule
from callwell.state import MemoryState, open_state
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme
from tests.client.world import LOST, OK, REFUSED, ScriptedProvider, make_error_response

if TYPE_CHECKING:
    from types import FrameType

    from callwell.transport.base import NoReply, Response

SOURCE = str(Path(callwell.__file__).parent)
FEW = {"minute": QuotaRule(limit=3, window_s=60), "day": QuotaRule(limit=50, window_s=86_400)}
MANY = {"minute": QuotaRule(limit=20_000, window_s=60)}
FREELY = {"minute": QuotaRule(limit=3, window_s=60), "other": QuotaRule(adaptive=True)}
LONG_S = 600.0
"""By then every permit of a minute is back: attempt, P, W and D."""

SCRIPTS: dict[str, list[Response | NoReply]] = {
    "done": [OK],
    "failed": [make_error_response(503, "X"), OK],
    "throttled": [make_error_response(429, "X", retry_after="1"), OK],
    "refused": [make_error_response(404, "X")],
    "lost": [LOST, OK],
    "no connection": [REFUSED, OK],
}


@pytest.fixture(autouse=True, scope="module")
def _nothing_to_collect() -> None:
    """What other tests have left to the garbage collector has no lines that are run amid a call."""
    gc.collect()


STEP = dict.fromkeys(SCRIPTS, 7) | {"done": 1}
"""A call that goes well is interrupted at each line; the others at some, after they were sent: all begin alike."""


@cache
def with_lines(file: str) -> frozenset[int] | None:
    """The lines of one of Callwell's files at which `with` blocks begin; None for all other files."""
    if not file.startswith(SOURCE) or "testing" in file:
        return None
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return frozenset(number for number, line in enumerate(lines, 1) if line.lstrip().startswith("with "))


class Interrupt:
    """Raises KeyboardInterrupt at one line of Callwell.

    Not where a `with` block is left: Python comes back to its line to do so, but handles no signal before it is done.

    Args:
        at: which line, counted from the beginning.
    """

    def __init__(self, at: int) -> None:
        self.left = at
        self._entered: set[tuple[int, int]] = set()

    def __call__(self, frame: FrameType, _event: str, _arg: object) -> Any:
        """Python calls it for each function; what it returns is called for each line."""
        return None if with_lines(frame.f_code.co_filename) is None else self._trace

    def _trace(self, frame: FrameType, event: str, _arg: object) -> Any:
        if event == "line" and not self._leaves_block(frame):
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
        return self._trace

    def _leaves_block(self, frame: FrameType) -> bool:
        if frame.f_lineno not in (with_lines(frame.f_code.co_filename) or ()):
            return False
        place = (id(frame), frame.f_lineno)
        again = place in self._entered
        self._entered ^= {place}
        return again


def interrupted(call: Any, at: int) -> bool:
    """Whether a call was interrupted at its n-th line; else it has fewer. Context variables stay as they are."""
    before = sys.gettrace()
    interrupt = Interrupt(at)
    context = copy_context()
    sys.settrace(interrupt)
    try:
        context.run(call)
    except (KeyboardInterrupt, errors.CallwellError):
        pass
    finally:
        sys.settrace(before)
    return interrupt.left <= 0


def get(client: Any) -> Any:
    """A call that waits for nothing longer than a few seconds."""
    return client.with_options(deadline_s=5).call("things.get", thing_id="1")


def check_sums(client: Any) -> None:
    """Each permit of a quota is in one place, and none is in anybody's hand for ever."""
    account = client._engine.account
    account.spent()
    account = getattr(account, "_account", account)
    record = account._holding.record if hasattr(account, "_holding") else account._state.read(account._cell)
    for name, quota in account.own.documented.items():
        bucket = record.buckets.get(account.own.keys[name], permits.full_bucket(quota))
        assert permits.is_consistent(quota, bucket), (name, bucket)
        assert not [at for at, _ in bucket.held if at >= permits.NEVER], (name, bucket)


@cache
def lines_before_send() -> int:
    """How many lines of a call lie before its request is sent: `done` is interrupted at each of them."""

    def is_sent(at: int) -> bool:
        world = ScriptedProvider(OK)
        client = connect(world, provider=acme(FEW))
        interrupted(lambda: get(client), at)
        return bool(world.sent)

    return bisect_left(range(1, 10_000), True, key=is_sent)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_permit_is_lost_or_lent_twice(script: str) -> None:
    """Wherever a call is interrupted, the next ones find what is left of the quota, and no more than that."""
    at = list(SCRIPTS).index(script) + 1 - STEP[script]
    if script != "done":
        at += lines_before_send()
    while True:
        at += STEP[script]
        world = ScriptedProvider(*SCRIPTS[script])
        client = connect(world, provider=acme(FEW))
        if not interrupted(lambda: get(client), at):  # noqa: B023 - called at once
            break
        check_sums(client)
        for _ in range(4):
            with suppress(errors.CallwellError):
                get(client)
        assert most_in_a_minute(world) <= 3, at
        world.clock.advance(LONG_S)
        assert client.spent()["minute"] == (0, 3), at
        client.close()
    assert at > 100


def most_in_a_minute(world: ScriptedProvider) -> int:
    """The most arrivals in any minute."""
    times = [sent.at for sent in world.sent if sent.reply is not REFUSED]
    return max((sum(1 for other in times if begin <= other < begin + 60.0) for begin in times), default=0)


def test_batches_of_permits_add_up() -> None:
    """Where permits come in batches, an interrupt amid that leaves neither too few nor too many."""
    at = 0
    while True:
        at += 23
        world = ScriptedProvider(OK)
        client = connect(world, provider=acme(MANY))
        for _ in range(40):
            get(client)

        def calls() -> None:
            for _ in range(5):
                get(client)  # noqa: B023 - called at once

        if not interrupted(calls, at):
            break
        check_sums(client)
        sent = len(world.sent)
        spent = client.spent()["minute"][0]
        assert sent <= spent + 1, at  # the one more was never sent, or its response cools
        assert sent - 1 <= spent, at
        world.clock.advance(LONG_S)
        assert client.spent()["minute"] == (0, 20_000), at
    assert at > 200


@pytest.mark.parametrize("shared", [False, True])
def test_a_permit_that_others_may_see_comes_back_by_itself(tmp_path: Path, shared: bool) -> None:  # noqa: FBT001 - drawn
    """With a state of several clients, or an undocumented quota, an interrupted call's permit is back in time."""
    quotas = FEW if shared else FREELY
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}") if shared else MemoryState()
    at = 0
    while True:
        at += 13
        world = ScriptedProvider(OK)
        state.remove("fleet:")
        client = connect(world, provider=acme(quotas), state=state)
        if not interrupted(lambda: get(client), at):  # noqa: B023 - called at once
            break
        check_sums(client)
        for _ in range(4):
            with suppress(errors.CallwellError):
                get(client)
        assert most_in_a_minute(world) <= 3, at
        world.clock.advance(LONG_S)
        assert client.spent()["minute"] == (0, 3), at
        # Its keeper would go on, and by a clock that is ten minutes ahead of the next client's.
        client.close()
    assert at > 100
    client.close()
    state.close()

# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_odd_answers.py by tools/unasync.py; do not edit
"""Ten thousand odd responses in CI, else three: no error but ours, no window above the quota, no outcome too much."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

import pytest
from hypothesis import settings

from callwell import errors
from callwell.core.rules.profile import QuotaHeaderRule, QuotaRule
from callwell.observe.logs import LOGGER
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme
from tests.client.oddities import Odd, OddError, OddHook, may_be_done, surely_done
from tests.client.running import run
from tests.client.world import ScriptedProvider, count_held

ANSWERS = 10 * settings().max_examples
"""Of each kind of provider, on each side: as many dice as properties play, CI more than a developer."""

LIMIT = 7
WINDOW_S = 60

OWN = QuotaHeaderRule(remaining="x-left", reset="x-reset")
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"quotas": {"minute": QuotaRule(limit=LIMIT, window_s=WINDOW_S)}},
    "two": {
        "quotas": {
            "minute": QuotaRule(limit=LIMIT, window_s=WINDOW_S),
            "hour": QuotaRule(limit=LIMIT * 30, window_s=3600),
        }
    },
    "own headers": {"quotas": {"minute": QuotaRule(limit=LIMIT, window_s=WINDOW_S)}, "quota_headers": OWN},
    "paced": {"quotas": {"minute": QuotaRule(limit=LIMIT, window_s=WINDOW_S, shape="gcra")}},
    "unknown": {"quotas": {"minute": QuotaRule(adaptive=True)}},
}
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("things.get", {"thing_id": "1"}),
    ("things.put", {"thing_id": "1", "name": "n"}),
    ("things.make", {"name": "n"}),
    ("things.remove", {"thing_id": "1"}),
)


def raising(_record: logging.LogRecord) -> bool:
    """A filter of a program that fails."""
    raise OddError


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_is_too_odd(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes back, and whatever hooks and logging do: one of our errors, or a response that was one."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    monkeypatch.setattr(logging.getLogger(LOGGER.name), "filters", [raising])
    dice = Random(kind)
    odd = Odd(dice)
    world = ScriptedProvider(odd.reply, took=0.2)
    odd.clock = world.clock
    api = connect(world, provider=acme(**KINDS[kind]), hooks=[OddHook(dice)], deadline_s=None, on_notice=None)

    def work() -> None:
        with api:
            while len(odd.replies) < ANSWERS:
                before = len(odd.replies)
                operation, arguments = dice.choice(CALLS)
                try:
                    api.call(operation, **arguments)
                except errors.CallwellError as error:
                    judged(operation, error, odd.replies[before:])
                else:
                    assert surely_done(odd.replies[-1]) or operation == "things.remove"

    run(work)
    assert count_held(api) == 0
    if kind != "unknown":
        times = odd.arrivals
        assert min(after - before for before, after in zip(times, times[LIMIT:], strict=False)) >= WINDOW_S


def judged(operation: str, error: errors.CallwellError, replies: list[Any]) -> None:
    """An error says no more than the replies do."""
    outcome = getattr(error, "outcome", "refused" if operation == "things.make" else "")
    statuses = [getattr(reply, "status", reply) for reply in replies]
    if operation == "things.get":
        return
    if outcome == "refused":
        assert not any(map(may_be_done, replies)), (error, statuses)
    if outcome == "done":
        assert any(map(surely_done, replies)), (error, statuses)
    if operation == "things.make":
        assert not any(map(may_be_done, replies[:-1])), statuses

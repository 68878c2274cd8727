# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_large_forms.py by tools/unasync.py; do not edit
"""A large form may take longer than other requests: its permit and its call are not taken over meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from callwell.client.calls.request_files import MIN_BYTES_PER_S
from callwell.core.quota.lease_records import FleetRecord
from callwell.core.rules.profile import QuotaRule
from callwell.description.model import Api
from callwell.state import open_state
from callwell.state.base import Cell
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme, operation, parameter
from tests.client.arguments import MULTIPART
from tests.client.running import run
from tests.client.world import ScriptedProvider, make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.state.base import State
    from callwell.transport.base import Request, Response

BYTES = b"x" * (40 * MIN_BYTES_PER_S)
LONGER_S = 40.0
WINDOW_S = 60.0
LONGEST_S = 60.0 + LONGER_S
PAUSE_S = 30.0
D_S = 60.0


def provider() -> Any:
    """Acme, with an operation that takes a file."""
    result = acme({"minute": QuotaRule(limit=10, window_s=WINDOW_S), "any": QuotaRule(adaptive=True)})
    content = parameter("content", "body", {"type": "string", "format": "binary"}, required=True)
    send = replace(operation("things.send", "POST", "/send", content), bodies=(MULTIPART,))
    return replace(result, api=Api(title="Acme", version="1", operations={**result.api.operations, send.name: send}))


class Looking:
    """What the state says while the request is under way."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.record = FleetRecord()
        self.entry: Any = None
        self.world = ScriptedProvider(self.answered)
        self.sent_at = 0.0

    def answered(self, request: Request) -> Response:
        """The reply."""
        self.sent_at = self.world.clock.now()
        (key,) = self.state.keys("fleet:")
        self.record = self.state.read(Cell(key, FleetRecord, FleetRecord()))
        if self.state.keys("once:"):
            self.entry = self.one.ledger.entries()[0]
        return make_response(200, {"data": {"id": "1"}})

    def send(self, **options: Any) -> None:
        """Send the file."""
        self.one = connect(self.world, provider=provider(), state=self.state, **options)

        def work() -> None:
            with self.one:
                self.one.call("things.send", content=BYTES)

        run(work)

    def back_s(self) -> float:
        """In how many seconds the permit comes back by itself, if nothing is heard of its process again."""
        ((at, _),) = next(iter(self.record.account.buckets.values())).held
        (rule,) = self.record.account.rules.values()
        return at * rule.quota.width_s - self.sent_in_store_time

    @property
    def sent_in_store_time(self) -> float:
        """When the request was sent, by the clock of the record."""
        return self.record.time.at + self.sent_at - self.record.time.monotonic


def test_its_permit_is_held_longer_on_a_shared_record(tmp_path: Path) -> None:
    """Another process has it back no sooner than the request can have ended, and W + D after that."""
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    look = Looking(state)
    look.send()
    assert look.back_s() >= LONGEST_S + PAUSE_S + WINDOW_S + D_S
    ((second, _),) = look.record.account.adaptives["any"].held
    assert second >= look.sent_in_store_time + LONGEST_S + PAUSE_S
    state.close()


def test_so_is_that_of_a_call_that_is_made_exactly_once(tmp_path: Path) -> None:
    """Nor does another process take the call over while the request may be under way, whatever its deadline is."""
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    look = Looking(state)
    look.send(exactly_once=True, deadline_s=400.0)
    assert look.back_s() >= LONGEST_S + PAUSE_S + WINDOW_S + D_S
    assert look.entry.call.rule.attempt_s >= LONGEST_S
    assert look.entry.held_until_wall >= look.world.clock.wall() + LONGEST_S
    state.close()

# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_key_in_time.py by tools/unasync.py; do not edit
"""A caller that is about to read a key's source uses the key that another caller has read a moment before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client._sync.keys.manager import KeyManager
from callwell.core import keyring
from callwell.testing import ManualClock
from tests.client.acme import KEY, KEYS
from tests.client.running import run
from tests.client.world import ListSource, tried

if TYPE_CHECKING:
    from collections.abc import Callable

UNTIL = 1_000.0


class HookedClock(ManualClock):
    """A clock that calls a function each time it is read, and goes on by a second."""

    def __init__(self) -> None:
        super().__init__()
        self.at_reading: Callable[[], object] = lambda: None

    def now(self) -> float:
        """Monotonic seconds."""
        self.at_reading()
        self.advance(1.0)
        return super().now()


def test_a_key_that_came_between_two_looks_is_used() -> None:
    """The source is not read again, and no call waits for a key that is there."""
    clock = HookedClock()
    source = ListSource([KEY, "acme_second"])
    keys = KeyManager("acme", KEYS, source=source, clock=clock, uses=tried(KEY), notify=lambda _: None)
    use = keys.begin_use()
    assert use is not None

    def read_elsewhere() -> None:
        if keyring.current(keys._ring) is None:  # the old key is rejected, and no new one is there yet
            clock.at_reading = lambda: None
            keys.reread()

    clock.at_reading = read_elsewhere
    assert run(lambda: keys.renew(use[0], UNTIL)) == use[0] + 1
    assert source.read_times == 2

# SPDX-License-Identifier: Apache-2.0
"""The time of day in records that several machines read: the server's, where a server holds them.

What one machine claims, another takes over at a time in the record. Clocks of machines differ, some by
minutes. So what is written there is the time of the server, and each machine compares it with that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.state.base import State


def ahead_s(state: State, clock: Clock) -> float | None:
    """By how many seconds the server of a state is ahead of a clock's time of day; None if the state has no server.

    Only a change that runs may ask. A clock with another pace than real time has no other to be compared with: 0.

    Args:
        state: the state.
        clock: the clock.
    """
    server_wall = getattr(state, "server_wall", None)  # states that others have written may be older than this
    if server_wall is None:
        return None
    return server_wall - clock.wall() if clock.real_s(1.0) == 1.0 else 0.0

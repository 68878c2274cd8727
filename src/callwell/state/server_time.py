# SPDX-License-Identifier: Apache-2.0
"""The time of day in records that several machines read: the server's, if a server stores them.

A claim by one machine can be taken over by another at a time in the record. Machine clocks differ, some by minutes. So
the record contains the server's time, and each machine compares it with the server's clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.state.base import State


def ahead_s(state: State, clock: Clock) -> float | None:
    """How many seconds the server of a state is ahead of a clock's time of day; None if the state has no server.

    Use only inside a change. A scaled clock cannot be compared with a server's: returns 0.

    Args:
        state: the state.
        clock: the clock.
    """
    server_wall = getattr(state, "server_wall", None)  # third-party states may predate this attribute
    if server_wall is None:
        return None
    return server_wall - clock.wall() if clock.real_s(1.0) == 1.0 else 0.0

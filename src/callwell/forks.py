# SPDX-License-Identifier: Apache-2.0
"""What a forked child must not keep of its parent: locks that other threads hold, and their places in line.

Only the thread that forks lives on in the child. Whatever counts on another one is told so before the child goes on.
"""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """What counts on threads."""

    def after_fork(self) -> None:
        """This is a child's copy: all other threads are gone."""
        ...


_KNOWN: Final = WeakSet[Forkable]()


def reset_after_fork(thing: Forkable) -> None:
    """Tell it in every child that is forked from now on.

    Args:
        thing: it is not kept alive for this.
    """
    _KNOWN.add(thing)


def _tell() -> None:
    for thing in tuple(_KNOWN):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tell)

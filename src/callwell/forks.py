# SPDX-License-Identifier: Apache-2.0
"""Resets after a fork what depends on other threads: locks that they hold, and their places in queues.

Only the thread that forks lives on in the child. Objects that count on others forget them before the child goes on.
"""

from __future__ import annotations

import os
import threading
from typing import Final, Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """An object that counts on threads."""

    def after_fork(self) -> None:
        """Forget all other threads: this is a child process, which has none of them."""
        ...


_CHILD: Final = threading.Event()

_KNOWN: Final = WeakSet[Forkable]()


def reset_after_fork(item: Forkable) -> None:
    """Call `after_fork` in every child process from now on.

    Args:
        item: the object; it is not kept alive by this.
    """
    _KNOWN.add(item)


def is_child() -> bool:
    """Whether this process is a child of a fork."""
    return _CHILD.is_set()


def _reset_all() -> None:
    _CHILD.set()
    for item in tuple(_KNOWN):
        item.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)

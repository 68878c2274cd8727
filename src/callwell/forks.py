# SPDX-License-Identifier: Apache-2.0
"""Resets state that depends on other threads after a fork: locks that they hold, and their places in queues.

Only the forking thread survives in the child. Objects that depend on other threads forget them before the child
continues.
"""

from __future__ import annotations

import os
import threading
from itertools import count
from typing import Final, Protocol
from weakref import WeakValueDictionary


class Forkable(Protocol):
    """An object that depends on threads."""

    def after_fork(self) -> None:
        """Forget all other threads, since a forked child has none of them."""
        ...


_CHILD: Final = threading.Event()

_NUMBERS: Final = count()

_KNOWN: Final = WeakValueDictionary[int, Forkable]()
"""All registered objects, in order: an object may depend on those that it was created from."""


def reset_after_fork(item: Forkable) -> None:
    """Call `after_fork` in every forked child from now on, after that of all objects registered before.

    Args:
        item: the object, which is not kept alive.
    """
    _KNOWN[next(_NUMBERS)] = item


def is_child() -> bool:
    """Whether this process is a child of a fork."""
    return _CHILD.is_set()


def _reset_all() -> None:
    _CHILD.set()
    for item in tuple(_KNOWN.values()):
        item.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)

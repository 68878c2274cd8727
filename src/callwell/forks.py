# SPDX-License-Identifier: Apache-2.0
"""Resets after a fork what depends on other threads: locks that they hold, and their places in queues.

Only the thread that forks lives on in the child. Objects that count on others forget them before the child goes on.
"""

from __future__ import annotations

import os
import threading
from itertools import count
from typing import Final, Protocol
from weakref import WeakValueDictionary


class Forkable(Protocol):
    """An object that counts on threads."""

    def after_fork(self) -> None:
        """Forget all other threads: this is a child process, which has none of them."""
        ...


_CHILD: Final = threading.Event()

_NUMBERS: Final = count()

_KNOWN: Final = WeakValueDictionary[int, Forkable]()
"""All, in the order in which they came: an object may count on those that it was made of."""


def reset_after_fork(item: Forkable) -> None:
    """Call `after_fork` in every child process from now on, after that of all objects that came before.

    Args:
        item: the object; it is not kept alive by this.
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

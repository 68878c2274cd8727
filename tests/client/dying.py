# SPDX-License-Identifier: Apache-2.0
"""A process that is killed at a chosen call to the operating system, without being one: nothing happens any more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = frozenset({"dup", "fdopen", "fstat", "fsync", "fwalk", "listdir", "mkdir", "open", "replace", "stat", "unlink"})
"""What is counted. Closing is not: a killed process closes everything."""


class Killed(BaseException):
    """The process is gone."""


class DyingOs:
    """The module `os` for a process that is killed, or meets an error once.

    Args:
        after: so many calls are made.
        error: what the next one raises; the process is killed unless given.
    """

    def __init__(self, after: int, error: OSError | None = None) -> None:
        self.left = after
        self.error = error

    @property
    def died(self) -> bool:
        """Whether it was killed, or has met the error."""
        return self.left < 0

    def __getattr__(self, name: str) -> Any:
        """A function of `os` that counts, or anything else of it."""
        return self._counted(getattr(os, name)) if name in CALLS else getattr(os, name)

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == -1 and self.error is not None:
                raise self.error
            if self.died and self.error is None:
                raise Killed
            return call(*args, **options)

        return made

# SPDX-License-Identifier: Apache-2.0
"""Makes pyreqwest commit memory when it is needed, and not in advance.

pyreqwest has an allocator of its own, mimalloc, which commits memory in advance: on Linux in pages of 2 MiB, five of
them before the first response, which needs a fifth of that. mimalloc reads its options from the environment, once, when
the library is loaded. With the option below, a process that uploads four pieces in parallel holds 10 MiB less for the
same CPU time (`python -m bench upload`).

A value that the user has set stays. The option is removed again after loading, so programs that this one starts do not
inherit it. Where other code has loaded pyreqwest before, nothing changes.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT_AHEAD: Final = "MIMALLOC_ARENA_EAGER_COMMIT"


@contextmanager
def commit_on_demand() -> Iterator[None]:
    """Import pyreqwest inside this context."""
    if COMMIT_AHEAD in os.environ:
        yield
        return
    os.environ[COMMIT_AHEAD] = "0"
    try:
        yield
    finally:
        os.environ.pop(COMMIT_AHEAD, None)

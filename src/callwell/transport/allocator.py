# SPDX-License-Identifier: Apache-2.0
"""Memory that the HTTP library takes as it needs it.

pyreqwest brings an allocator of its own, mimalloc, which commits its memory in advance: on Linux in pages of 2 MiB,
five of them before the first answer, for which it needs a fifth. It reads its options from the environment, and at the
moment when the library is loaded only. With the one that is set here a process that uploads four pieces at once holds
10 MiB less, for the same CPU time (`python -m bench upload`).

Nothing is set where the user has set it, nothing stays set for the programs that this one starts, and nothing happens
where somebody else has loaded the library before.
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
    """Load the library in here."""
    if COMMIT_AHEAD in os.environ:
        yield
        return
    os.environ[COMMIT_AHEAD] = "0"
    try:
        yield
    finally:
        os.environ.pop(COMMIT_AHEAD, None)

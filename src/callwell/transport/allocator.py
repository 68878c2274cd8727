# SPDX-License-Identifier: Apache-2.0
"""Loads pyreqwest so that its allocator commits memory on demand, and outlives the thread that loads it.

pyreqwest has its own allocator, mimalloc, which commits memory in advance: on Linux in pages of 2 MiB, five of them
before the first response, which needs a fifth of that. mimalloc reads its options from the environment, once, when the
library is loaded. With the option below, a process that uploads four pieces in parallel uses 10 MiB less for the same
CPU time (`python -m bench upload`).

A value set by the user is kept. The option is removed again after loading, so that child processes do not inherit it.
If other code has already loaded pyreqwest, nothing changes.

mimalloc ties its first heap to the thread that loads the library. After that thread has ended, the next thread that
sends crashes the process (SIGSEGV at the second request of a server with one thread per request). So it is loaded in
the main thread, or in a thread that never ends.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT_AHEAD: Final = "MIMALLOC_ARENA_EAGER_COMMIT"

LIBRARY: Final = "pyreqwest"


@contextmanager
def commit_on_demand() -> Iterator[None]:
    """Import pyreqwest inside this context."""
    if COMMIT_AHEAD in os.environ:
        _load_for_good()
        yield
        return
    # Not in `os.environ`: another thread that copies it meanwhile, to start a program, would end with a KeyError.
    os.putenv(COMMIT_AHEAD, "0")
    try:
        _load_for_good()
        yield
    finally:
        os.unsetenv(COMMIT_AHEAD)


def _load_for_good() -> None:
    """Load the library in a thread that never ends, unless this is the main thread, which loads it itself."""
    if LIBRARY in sys.modules or threading.current_thread() is threading.main_thread():
        return
    is_over = threading.Event()
    keeper = threading.Thread(target=_keep_loaded, args=(is_over,), name="callwell-allocator", daemon=True)
    with suppress(RuntimeError):  # no thread can be started while the interpreter shuts down
        keeper.start()
        is_over.wait()


def _keep_loaded(is_over: threading.Event) -> None:
    try:
        importlib.import_module(LIBRARY)
    except ImportError:
        return  # the waiting thread's import fails too, with the reason
    finally:
        is_over.set()
    threading.Event().wait()

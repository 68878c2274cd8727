# SPDX-License-Identifier: Apache-2.0
"""What all tests share: how they run, and where the papers beside the project are."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Key files of tests are private, as those of users must be: Callwell refuses others.
os.umask(0o077)

SLOW_MACHINES = [HealthCheck.too_slow]

# No deadlines: a busy machine is not a failing property. CI plays the same hundred dice every time. A developer plays
# thirty, new ones in each run: that takes a minute of processor time less, and four runs see more than CI does.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100, suppress_health_check=SLOW_MACHINES)
settings.register_profile("dev", deadline=None, max_examples=30, suppress_health_check=SLOW_MACHINES)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control lets what it runs in the background ignore Ctrl-C, and all that are started by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


HANG_S: Final = 300
"""A test that takes so long, or up to `REARM_S` longer, is believed to hang: the stacks of all threads are printed."""

REARM_S: Final = 60
"""How often the alarm is set again. pytest sets its own for each test, and starts and joins a thread each time: on a
busy machine that takes twenty milliseconds, three minutes in all. `-o faulthandler_timeout=900` replaces this."""


class Alarm:
    """Prints the stacks of all threads when no test begins for long."""

    def __init__(self) -> None:
        self.until_s = 0.0
        self.stderr: IO[str] | None = None

    def set(self) -> None:
        """Begin to wait again, unless that was done a moment ago."""
        now = time.monotonic()
        if self.stderr is not None and now > self.until_s:
            self.until_s = now + REARM_S
            faulthandler.dump_traceback_later(HANG_S + REARM_S, file=self.stderr)

    def clear(self) -> None:
        """Wait no longer."""
        self.until_s = 0.0
        faulthandler.cancel_dump_traceback_later()


ALARM: Final = Alarm()

FIRST: Final = (
    *("integration/test_killed.py", "integration/test_once.py", "integration/test_fleet.py", "cli/test_ends.py"),
    *("integration/test_once_left.py", "integration/test_learning.py", "export/test_faults.py", "cli/test_ledger.py"),
    *("integration/test_tokens.py", "docs/test_samples.py", "typing/test_types.py", "docs/test_tutorial.py"),
)
"""What must not be begun last: tests that mostly wait, for quotas and for what killed processes held, and then those
that keep one processor busy for long. Each process of a run begins with a part of the tests as they are collected: one
waits while the others need the processors, and at the end nobody is left alone with a long one."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the real standard error for the alarm: while tests run, pytest captures what is called so.

    The process that hands out tests to others starts what forks the programs for all of them.
    """
    if not config.getini("faulthandler_timeout"):
        ALARM.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8")
    if config.getoption("numprocesses", None):
        from tests.processes.shared_forks import shared_forks  # a copy of some tests has no such room

        stack = ExitStack()
        stack.enter_context(shared_forks())
        config.add_cleanup(stack.close)


def pytest_unconfigure() -> None:
    """Close it."""
    ALARM.clear()
    if ALARM.stderr is not None:
        ALARM.stderr.close()
        ALARM.stderr = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(nextitem: pytest.Item | None) -> Iterator[Any]:
    """Watch over a test; not over the pause after the last one, while other workers go on."""
    ALARM.set()
    try:
        return (yield)
    finally:
        if nextitem is None:
            ALARM.clear()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Let the garbage collector leave the tests themselves alone: ten thousand of them stay until the end anyway.

    To search them while they are made takes a second of each worker; and with them a `gc.collect()` takes a quarter of
    a second, and dozens of tests collect to see what is left open.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first."""
    places = {f"tests/{name}": place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL database that all processes of this run of the tests share."""
    from tests.processes.postgres import PostgresMissing, shared_server  # a copy of some tests has no such room

    with ExitStack() as stack:
        try:
            url = stack.enter_context(shared_server(os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}"))
        except PostgresMissing as missing:
            pytest.skip(str(missing))
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A state in PostgreSQL that no other test uses."""
    from tests.processes.postgres import with_schema  # as above

    return with_schema(postgres_server)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared(root: Path) -> Path:
    """The folder of papers beside the project: seeds, providers' documents. Not part of it, so it may be absent."""
    folder = root.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared beside the project")
    return folder

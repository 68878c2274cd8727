# SPDX-License-Identifier: Apache-2.0
"""What all tests share: how property tests run, and where the papers beside the project are."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Key files of tests are private, as those of users must be: Callwell refuses others.
os.umask(0o077)

SLOW_MACHINES = [HealthCheck.too_slow]

# No deadlines: a busy machine is not a failing property. CI plays the same dice every time, a developer new ones.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100, suppress_health_check=SLOW_MACHINES)
settings.register_profile("dev", deadline=None, max_examples=100, suppress_health_check=SLOW_MACHINES)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control lets what it runs in the background ignore Ctrl-C, and all that are started by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave the tests themselves alone: seven thousand of them stay until the end anyway.

    With them a `gc.collect()` takes a quarter of a second, and dozens of tests collect to see what is left open.
    """
    gc.collect()
    gc.freeze()


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

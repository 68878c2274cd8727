# SPDX-License-Identifier: Apache-2.0
"""A first client loads what it needs, and its first call the rest: each module would cost every program its time."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

FIRST_CLIENT = """
import sys
from callwell import Client, Key
with Client("userplane", key=Key("uspl_" + "a" * 40)) as client:
    made = set(sys.modules)
    client._engine.ensure_open("me.get")
    print(*made)
    print(*set(sys.modules) - made)
"""

ROOMS = {
    *("addresses", "client", "concurrency.primitives", "config", "group"),
    *("calls.abandoned_calls", "calls.binding", "calls.caller", "calls.context", "calls.engine", "calls.jitter"),
    *(
        "calls.json_body",
        "calls.key_trials",
        "calls.nested",
        "calls.operations",
        "calls.options",
        "calls.parameter_styles",
    ),
    *("calls.responses", "calls.retry_scope", "calls.validation", "calls.wire_values"),
    *("keys.base_manager", "keys.canary", "keys.manager", "keys.usage"),
    *("quota.account", "quota.permit_batch", "quota.queue", "uploads.piece_reader"),
}
"""The modules below `client` that a first client loads. One more is a matter of 0.5 ms for everyone: first ask whether
the function that needs it could import it."""

MOST_MODULES = 100
"""Modules of Callwell altogether, the rooms themselves included."""

NOT_NEEDED = {
    *("asyncio", "dataclasses", "http", "importlib.metadata", "importlib.resources", "json", "logging", "random"),
    *("pyreqwest", "shutil", "socket", "sqlite3", "ssl", "tempfile", "tomllib", "traceback", "unicodedata", "zipfile"),
}
"""Modules of Python's own and of others that take long to load."""


@cache
def loaded() -> tuple[set[str], set[str]]:
    """What a first client loads, and what is loaded besides before its first request."""
    done = subprocess.run([sys.executable, "-c", FIRST_CLIENT], capture_output=True, text=True, check=True)
    made, called = done.stdout.splitlines()
    return set(made.split()), set(called.split())


def test_a_first_client_loads_nothing_for_later() -> None:
    """Neither pages, files, tokens, tables of failures, the log, nor the HTTP library."""
    made, _ = loaded()
    paths = {name.replace("._sync", "").removeprefix("callwell.client.") for name in made if "callwell.client." in name}
    rooms = {path.partition(".")[0] for path in paths if "." in path}
    assert paths - rooms - {"callwell.client"} == ROOMS
    assert sum(name.partition(".")[0] == "callwell" for name in made) <= MOST_MODULES
    assert made & NOT_NEEDED == set()


def test_the_first_call_loads_what_sends_and_what_reads_headers() -> None:
    """The rest of what a call needs comes before its first request, so that no time-out begins too early."""
    _, called = loaded()
    assert {"callwell.transport.pyreqwest", "callwell.core.headers", "callwell.client.quota.learner"} <= called
    assert called & NOT_NEEDED - {"json", "pyreqwest"} == set()  # pyreqwest imports `json`


def test_types_of_a_description_are_no_texts() -> None:
    """A string would be compiled when the first description is loaded: see `core.rules`."""
    from callwell.core.rules.operations import OperationRule
    from callwell.core.rules.profile import Profile
    from callwell.description.model import Operation

    for record in (OperationRule, Profile, Operation):
        assert [name for name, kind in record.__annotations__.items() if isinstance(kind, str)] == []

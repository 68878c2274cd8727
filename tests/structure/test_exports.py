# SPDX-License-Identifier: Apache-2.0
"""The root of the package is the API: its names are listed here, and importing it costs little."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

PUBLIC = [
    "Answer",
    "ApiError",
    "Asset",
    "AssetUnavailable",
    "AsyncAsset",
    "AsyncClient",
    "AsyncPager",
    "CallOptions",
    "CallwellError",
    "Client",
    "ClientOptions",
    "End",
    "Entry",
    "Gone",
    "Key",
    "KeyProblem",
    "Missing",
    "NOT_GIVEN",
    "NameTaken",
    "NoAnswer",
    "NotFound",
    "OutcomeUnknown",
    "Pager",
    "RateLimited",
    "Verdict",
    "WouldExceedDeadline",
    "errors",
    "outer_retries",
]
"""What `from callwell import …` offers, sorted. A change here is a change of the API: say so in changelog.d."""

HEAVY = {"typer", "rich", "starlette", "uvicorn", "av", "pyreqwest", "pydantic", "keyring", "numpy", "soxr"}


def test_the_public_names_are_these() -> None:
    """`callwell.__all__` is the list kept here."""
    assert sorted(importlib.import_module("callwell").__all__) == PUBLIC


def test_every_public_name_is_there() -> None:
    """Each name of `__all__` is an attribute, even if loaded on first use, and `dir` shows it."""
    callwell = importlib.import_module("callwell")
    assert [name for name in callwell.__all__ if getattr(callwell, name, None) is None] == []
    assert set(callwell.__all__) <= set(dir(callwell))


def test_importing_is_cheap() -> None:
    """`import callwell` loads neither the command line nor the emulator nor the transport."""
    code = "import callwell, json, sys; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(answer.stdout)) == set()


def test_a_providers_client_is_a_client() -> None:
    """What a type checker knows about the public classes holds at run time, wherever they are imported from."""
    callwell = importlib.import_module("callwell")
    typed = importlib.import_module("callwell.providers.typed")
    for public in (callwell.Client, typed.Client, typed.DynamicClient):
        with public("userplane", key=callwell.Key("uspl_" + "a" * 40)) as made:
            assert type(made).__name__ == "Userplane"
            assert isinstance(made, public)
            assert made.provider.name == "userplane"
    assert issubclass(typed.AsyncDynamicClient, callwell.AsyncClient)

# SPDX-License-Identifier: Apache-2.0
"""Callwell: calling other people's HTTP APIs well."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

if sys.platform == "emscripten":
    from callwell.errors import InBrowser

    raise InBrowser(
        "callwell does not run in a browser, which shows its keys to everybody who opens the page: "
        "let a back end make the calls, and the page ask the back end"
    )

if TYPE_CHECKING:
    from callwell import errors
    from callwell.client import (
        NOT_GIVEN,
        Answer,
        Asset,
        AsyncAsset,
        AsyncPager,
        CallOptions,
        ClientOptions,
        Entry,
        Pager,
    )
    from callwell.client.nested import outer_retries
    from callwell.core.verdict import End, Verdict
    from callwell.errors import (
        ApiError,
        AssetUnavailable,
        CallwellError,
        Gone,
        KeyProblem,
        Missing,
        NameTaken,
        NoAnswer,
        NotFound,
        OutcomeUnknown,
        RateLimited,
        WouldExceedDeadline,
    )
    from callwell.keys import Key
    from callwell.providers.typed import AsyncClient, Client

__all__ = [
    "NOT_GIVEN",
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

_HOMES: Final = {
    "AsyncClient": "callwell.providers.typed",
    "Client": "callwell.providers.typed",
    "End": "callwell.core.paging",
    "Key": "callwell.keys",
    "Verdict": "callwell.core.paging",
    "NOT_GIVEN": "callwell.client",
    "Answer": "callwell.client",
    "Asset": "callwell.client",
    "AsyncAsset": "callwell.client",
    "AsyncPager": "callwell.client",
    "CallOptions": "callwell.client",
    "ClientOptions": "callwell.client",
    "Entry": "callwell.client",
    "Pager": "callwell.client",
    "outer_retries": "callwell.client.nested",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package costs next to nothing."""
    if name == "errors":
        return importlib.import_module("callwell.errors")
    if name not in __all__:
        raise AttributeError(f"module 'callwell' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "callwell.errors")), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted([*globals(), *__all__])

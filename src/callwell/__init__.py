# SPDX-License-Identifier: Apache-2.0
"""Callwell: calling other people's HTTP APIs well."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from callwell.lazy_exports import export_lazily

if sys.platform == "emscripten":
    from callwell.errors import InBrowser

    raise InBrowser(
        "callwell does not run in a browser, where anyone who opens the page could read the key: "
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
    from callwell.client.calls.nested import outer_retries
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

if not TYPE_CHECKING:
    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            "callwell.client": (
                *("NOT_GIVEN", "Answer", "Asset", "AsyncAsset", "AsyncClient", "AsyncPager", "CallOptions", "Client"),
                *("ClientOptions", "Entry", "Pager"),
            ),
            "callwell.client.calls.nested": ("outer_retries",),
            "callwell.core.verdict": ("End", "Verdict"),
            "callwell.errors": (
                *(
                    "errors",
                    "ApiError",
                    "AssetUnavailable",
                    "CallwellError",
                    "Gone",
                    "KeyProblem",
                    "Missing",
                    "NameTaken",
                ),
                *("NoAnswer", "NotFound", "OutcomeUnknown", "RateLimited", "WouldExceedDeadline"),
            ),
            "callwell.keys": ("Key",),
        },
    )

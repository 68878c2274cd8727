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
    from callwell import errors as errors
    from callwell.client import NOT_GIVEN as NOT_GIVEN
    from callwell.client import Answer as Answer
    from callwell.client import Asset as Asset
    from callwell.client import AsyncAsset as AsyncAsset
    from callwell.client import AsyncPager as AsyncPager
    from callwell.client import CallOptions as CallOptions
    from callwell.client import ClientOptions as ClientOptions
    from callwell.client import Entry as Entry
    from callwell.client import Pager as Pager
    from callwell.client.calls.nested import outer_retries as outer_retries
    from callwell.core.verdict import End as End
    from callwell.core.verdict import Verdict as Verdict
    from callwell.errors import ApiError as ApiError
    from callwell.errors import AssetUnavailable as AssetUnavailable
    from callwell.errors import CallwellError as CallwellError
    from callwell.errors import Gone as Gone
    from callwell.errors import KeyProblem as KeyProblem
    from callwell.errors import Missing as Missing
    from callwell.errors import NameTaken as NameTaken
    from callwell.errors import NoAnswer as NoAnswer
    from callwell.errors import NotFound as NotFound
    from callwell.errors import OutcomeUnknown as OutcomeUnknown
    from callwell.errors import RateLimited as RateLimited
    from callwell.errors import WouldExceedDeadline as WouldExceedDeadline
    from callwell.keys import Key as Key
    from callwell.providers.typed import AsyncClient as AsyncClient
    from callwell.providers.typed import Client as Client
else:
    # The same names at run time; tests/structure/test_exports.py keeps both lists equal.
    _MODULES = {
        "callwell.client": (
            "Answer",
            "Asset",
            "AsyncAsset",
            "AsyncClient",
            "AsyncPager",
            "CallOptions",
            "Client",
            "ClientOptions",
            "Entry",
            "NOT_GIVEN",
            "Pager",
        ),
        "callwell.client.calls.nested": ("outer_retries",),
        "callwell.core.verdict": (
            "End",
            "Verdict",
        ),
        "callwell.errors": (
            "ApiError",
            "AssetUnavailable",
            "CallwellError",
            "Gone",
            "KeyProblem",
            "Missing",
            "NameTaken",
            "NoAnswer",
            "NotFound",
            "OutcomeUnknown",
            "RateLimited",
            "WouldExceedDeadline",
            "errors",
        ),
        "callwell.keys": ("Key",),
    }
    __all__ = [name for names in _MODULES.values() for name in names]
    __getattr__, __dir__ = export_lazily(__name__, _MODULES)

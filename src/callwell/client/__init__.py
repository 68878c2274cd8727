# SPDX-License-Identifier: Apache-2.0
"""Clients: the asynchronous side is written by hand, the synchronous one is generated from it.

A program uses one side and does not load the other: each name is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.lazy_exports import export_lazily

if TYPE_CHECKING:
    from callwell.client._sync.calls.stream import Stream as Stream
    from callwell.client._sync.client import Client as Client
    from callwell.client._sync.downloads.asset import Asset as Asset
    from callwell.client._sync.group import Group as Group
    from callwell.client._sync.pages.pager import Pager as Pager
    from callwell.client.calls.multipart import FileContent as FileContent
    from callwell.client.calls.options import NOT_GIVEN as NOT_GIVEN
    from callwell.client.calls.options import CallOptions as CallOptions
    from callwell.client.calls.options import ClientOptions as ClientOptions
    from callwell.client.calls.options import NotGiven as NotGiven
    from callwell.client.calls.responses import Answer as Answer
    from callwell.client.calls.stream import AsyncStream as AsyncStream
    from callwell.client.client import AsyncClient as AsyncClient
    from callwell.client.downloads.asset import AsyncAsset as AsyncAsset
    from callwell.client.downloads.partial_file import Saved as Saved
    from callwell.client.exactly_once.entry import Entry as Entry
    from callwell.client.group import AsyncGroup as AsyncGroup
    from callwell.client.pages.pager import AsyncPager as AsyncPager
    from callwell.client.uploads.options import AsyncFileSource as AsyncFileSource
    from callwell.client.uploads.options import FileSource as FileSource
    from callwell.client.uploads.options import SandboxWarning as SandboxWarning
    from callwell.client.uploads.options import Uploaded as Uploaded
    from callwell.client.uploads.options import UploadOptions as UploadOptions
    from callwell.core.event_stream import ServerSentEvent as ServerSentEvent
else:
    # The same names at run time; tests/structure/test_exports.py keeps both lists equal.
    _MODULES = {
        "callwell.client._sync.calls.stream": ("Stream",),
        "callwell.client._sync.client": ("Client",),
        "callwell.client._sync.downloads.asset": ("Asset",),
        "callwell.client._sync.group": ("Group",),
        "callwell.client._sync.pages.pager": ("Pager",),
        "callwell.client.calls.multipart": ("FileContent",),
        "callwell.client.calls.options": (
            "CallOptions",
            "ClientOptions",
            "NOT_GIVEN",
            "NotGiven",
        ),
        "callwell.client.calls.responses": ("Answer",),
        "callwell.client.calls.stream": ("AsyncStream",),
        "callwell.client.client": ("AsyncClient",),
        "callwell.client.downloads.asset": ("AsyncAsset",),
        "callwell.client.downloads.partial_file": ("Saved",),
        "callwell.client.exactly_once.entry": ("Entry",),
        "callwell.client.group": ("AsyncGroup",),
        "callwell.client.pages.pager": ("AsyncPager",),
        "callwell.client.uploads.options": (
            "AsyncFileSource",
            "FileSource",
            "SandboxWarning",
            "UploadOptions",
            "Uploaded",
        ),
        "callwell.core.event_stream": ("ServerSentEvent",),
    }
    __all__ = [name for names in _MODULES.values() for name in names]
    __getattr__, __dir__ = export_lazily(__name__, _MODULES)

# SPDX-License-Identifier: Apache-2.0
"""Clients: the asynchronous side is written by hand, the synchronous one is generated from it.

A program uses one of the sides, and loads no other: each name is looked up when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.lazy_exports import export_lazily

if TYPE_CHECKING:
    from callwell.client._sync.client import Client
    from callwell.client._sync.downloads.asset import Asset
    from callwell.client._sync.group import Group
    from callwell.client._sync.pages.pager import Pager
    from callwell.client.calls.multipart import FileContent
    from callwell.client.calls.options import NOT_GIVEN, CallOptions, ClientOptions, NotGiven
    from callwell.client.calls.responses import Answer
    from callwell.client.client import AsyncClient
    from callwell.client.downloads.asset import AsyncAsset
    from callwell.client.downloads.partial_file import Saved
    from callwell.client.exactly_once.entry import Entry
    from callwell.client.group import AsyncGroup
    from callwell.client.pages.pager import AsyncPager
    from callwell.client.uploads.options import AsyncFileSource, FileSource, SandboxWarning, Uploaded, UploadOptions

__all__ = [
    "NOT_GIVEN",
    "Answer",
    "Asset",
    "AsyncAsset",
    "AsyncClient",
    "AsyncFileSource",
    "AsyncGroup",
    "AsyncPager",
    "CallOptions",
    "Client",
    "ClientOptions",
    "Entry",
    "FileContent",
    "FileSource",
    "Group",
    "NotGiven",
    "Pager",
    "SandboxWarning",
    "Saved",
    "UploadOptions",
    "Uploaded",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            "callwell.client.downloads.asset": ("AsyncAsset",),
            "callwell.client.client": ("AsyncClient",),
            "callwell.client.group": ("AsyncGroup",),
            "callwell.client.pages.pager": ("AsyncPager",),
            "callwell.client._sync.downloads.asset": ("Asset",),
            "callwell.client._sync.client": ("Client",),
            "callwell.client._sync.group": ("Group",),
            "callwell.client._sync.pages.pager": ("Pager",),
            "callwell.client.calls.responses": ("Answer",),
            "callwell.client.exactly_once.entry": ("Entry",),
            "callwell.client.calls.multipart": ("FileContent",),
            "callwell.client.calls.options": ("NOT_GIVEN", "CallOptions", "ClientOptions", "NotGiven"),
            "callwell.client.downloads.partial_file": ("Saved",),
            "callwell.client.uploads.options": (
                "AsyncFileSource",
                "FileSource",
                "SandboxWarning",
                "UploadOptions",
                "Uploaded",
            ),
        },
    )

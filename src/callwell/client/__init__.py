# SPDX-License-Identifier: Apache-2.0
"""Clients: the asynchronous side is written by hand, the synchronous one is generated from it.

A program uses one of the sides, and loads no other: each name is looked up when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.late import late

if TYPE_CHECKING:
    from callwell.client._async.asset import AsyncAsset
    from callwell.client._async.client import AsyncClient
    from callwell.client._async.group import AsyncGroup
    from callwell.client._async.pager import AsyncPager
    from callwell.client._sync.asset import Asset
    from callwell.client._sync.client import Client
    from callwell.client._sync.group import Group
    from callwell.client._sync.pager import Pager
    from callwell.client.answers import Answer
    from callwell.client.entry import Entry
    from callwell.client.form import FileContent
    from callwell.client.options import NOT_GIVEN, CallOptions, ClientOptions, NotGiven
    from callwell.client.saving import Saved
    from callwell.client.uploads import AsyncFileSource, FileSource, SandboxWarning, Uploaded, UploadOptions

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
    __getattr__, __dir__ = late(
        __name__,
        {
            "callwell.client._async.asset": ("AsyncAsset",),
            "callwell.client._async.client": ("AsyncClient",),
            "callwell.client._async.group": ("AsyncGroup",),
            "callwell.client._async.pager": ("AsyncPager",),
            "callwell.client._sync.asset": ("Asset",),
            "callwell.client._sync.client": ("Client",),
            "callwell.client._sync.group": ("Group",),
            "callwell.client._sync.pager": ("Pager",),
            "callwell.client.answers": ("Answer",),
            "callwell.client.entry": ("Entry",),
            "callwell.client.form": ("FileContent",),
            "callwell.client.options": ("NOT_GIVEN", "CallOptions", "ClientOptions", "NotGiven"),
            "callwell.client.saving": ("Saved",),
            "callwell.client.uploads": (
                "AsyncFileSource",
                "FileSource",
                "SandboxWarning",
                "UploadOptions",
                "Uploaded",
            ),
        },
    )

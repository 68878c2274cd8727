# SPDX-License-Identifier: Apache-2.0
"""How far an export is, as a value that is shown after every change."""

from __future__ import annotations

from typing import NamedTuple


class Progress(NamedTuple):
    """How far an export is.

    Attributes:
        scopes: workspaces (or what the provider calls them) walked.
        scopes_total: how many there are, 0 while that is not known.
        pages: pages read now, by all walks.
        listed: entries on them.
        items: items that are done: fetched now, there already, or gone.
        items_total: how many there are so far, those that failed among them.
        assets: files fetched now.
        bytes: their bytes.
        gone: items that are gone since the last run.
        failed: items that could not be fetched.
    """

    scopes: int = 0
    scopes_total: int = 0
    pages: int = 0
    listed: int = 0
    items: int = 0
    items_total: int = 0
    assets: int = 0
    bytes: int = 0
    gone: int = 0
    failed: int = 0

# SPDX-License-Identifier: Apache-2.0
"""The figures of an export, while it runs and at its end."""

from __future__ import annotations

from typing import NamedTuple


class ExportReport(NamedTuple):
    """The result of an export.

    Attributes:
        verdict: `complete`, `drifted` or `truncated`, the worst of all scopes; `failed` if an item failed.
        items: records in the folder.
        files: assets in the folder.
        bytes: the size of these files.
        fetched: items that this run fetched or completed.
        gone: items in `gone.jsonl`.
        failed: what could not be fetched, and why.
        reasons: why a walk was not `complete`, by scope, or by the operation that lists the scopes.
    """

    verdict: str
    items: int
    files: int
    bytes: int
    fetched: int
    gone: int
    failed: dict[str, str]
    reasons: dict[str, str]


class ExportProgress(NamedTuple):
    """The progress of an export. All counts are of this run, unless stated otherwise.

    Attributes:
        scopes: scopes (such as workspaces) whose lists were read.
        scopes_total: the number of scopes; 0 while unknown.
        pages: pages read by all walks.
        listed: entries on these pages.
        items: finished items: fetched in this run, present before, or gone.
        items_total: items known so far, including failed ones.
        assets: files fetched.
        bytes: the size of these files.
        gone: items that were deleted since the last run.
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

# SPDX-License-Identifier: Apache-2.0
"""What an export was worth."""

from __future__ import annotations

from typing import NamedTuple


class ExportReport(NamedTuple):
    """What an export was worth.

    Attributes:
        verdict: `complete`, `drifted` or `truncated`, the worst of all scopes; `failed` if an item could not be had.
        items: records in the tree.
        files: assets in the tree.
        bytes: their bytes.
        fetched: items that this run has fetched or completed.
        gone: items in `gone.jsonl`.
        failed: what could not be fetched, with the reason.
        reasons: why a walk was not `complete`, by scope, or by the name of the list of scopes.
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

# SPDX-License-Identifier: Apache-2.0
"""What an export was worth."""

from __future__ import annotations

from typing import NamedTuple


class Report(NamedTuple):
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

# SPDX-License-Identifier: Apache-2.0
"""How large the pieces of a file should be."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callwell.core.rules.operations import UploadRule

MIB: Final = 1 << 20

DEFAULT_PIECE_BYTES: Final = 16 * MIB
"""Large enough for the request overhead to be negligible, small enough that a lost piece costs little."""

QUOTA_SHARE: Final = 2
"""A file uses at most this fraction of a window's permits (one in two), if the largest piece allows it, since others
upload too."""


def choose_piece_size(rule: UploadRule, size: int | None, limit: int | None) -> int:
    """Bytes of a piece, in whole mebibytes.

    Args:
        rule: what the provider accepts.
        size: bytes of the file; None for a stream, which may become as large as the provider accepts.
        limit: requests that a window of the scarcest quota allows; None for no quota.
    """
    max_size = rule.max_bytes if size is None else size
    wanted = max(DEFAULT_PIECE_BYTES, rule.min_piece, ceil(max_size / rule.max_pieces))
    if size is not None and limit is not None:
        wanted = max(wanted, ceil(size / max(1, limit // QUOTA_SHARE)))
    return min(rule.max_piece, ceil(wanted / MIB) * MIB)

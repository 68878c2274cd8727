# SPDX-License-Identifier: Apache-2.0
"""URLs of states as people may see them."""

from __future__ import annotations

from callwell.core.addresses import mask_address


def mask_state_url(url: str) -> str:
    """A state's URL without a password, however badly it is written; that of a file as it is."""
    return url if url.startswith(("memory", "sqlite:")) else mask_address(url)

# SPDX-License-Identifier: Apache-2.0
"""State URLs for display."""

from __future__ import annotations

from callwell.core.addresses import mask_address


def mask_state_url(url: str) -> str:
    """A state's URL without a password, even if it is malformed; a file's URL is unchanged."""
    return url if url.startswith(("memory", "sqlite:")) else mask_address(url)

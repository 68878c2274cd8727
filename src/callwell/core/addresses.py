# SPDX-License-Identifier: Apache-2.0
"""Addresses as messages may show them, and those of this machine."""

from __future__ import annotations

from typing import Final

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""This machine: the only host that receives a key without TLS."""


def mask_address(address: str) -> str:
    """An address without user, password, query and fragment, even if it is malformed.

    Everything before the last `@` is hidden, because a password may hold any character.
    """
    before, at, shown = address.rpartition("@")
    if at:
        scheme, mark, _ = before.partition("://")
        shown = f"{scheme}://…@{shown}" if mark else f"…@{shown}"
    for sign in "?#":
        kept, found, _ = shown.partition(sign)
        shown = f"{kept}{found}…" if found else kept
    return shown

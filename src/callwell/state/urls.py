# SPDX-License-Identifier: Apache-2.0
"""URLs of states as people may see them."""

from __future__ import annotations

from typing import Final

HIDDEN: Final = "***"


def hide_password(url: str) -> str:
    """A URL without what may be its password: all between the `:` behind the user and the last `@`, typos included."""
    before, at, address = url.rpartition("@")
    scheme, colon, rest = before.partition(":")
    user, has_password, _ = rest.lstrip("/").partition(":")
    if not at or not has_password:
        return url
    slashes = "/" * (len(rest) - len(rest.lstrip("/")))
    return f"{scheme}{colon}{slashes}{user}:{HIDDEN}@{address}"

# SPDX-License-Identifier: Apache-2.0
"""Turns a provider's keys into file names that every file system accepts and keeps distinct."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH: Final = 180
"""The most bytes of a name. Most file systems accept 255, and a file's temporary name is longer than its final one."""

RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
)
"""Device names on Windows, with any extension (Microsoft, "Naming Files, Paths, and Namespaces")."""


def safe_name(key: str) -> str:
    """A key as a file or folder name: the same on every system, and never a path."""
    quoted = quote(key, safe="", errors="surrogatepass")
    if quoted.startswith(".") or quoted.partition(".")[0].upper() in RESERVED:
        quoted = f"%{ord(quoted[0]):02X}{quoted[1:]}"
    if quoted.endswith("."):  # Windows drops a trailing dot
        quoted = f"{quoted[:-1]}%2E"
    return shorten(quoted, key) or "%"


def shorten(name: str, key: str) -> str:
    """Cut a name to `MAX_LENGTH`.

    Args:
        name: the name.
        key: the key it stands for; its checksum distinguishes names with the same beginning.
    """
    if len(name) <= MAX_LENGTH:
        return name
    return f"{name[: MAX_LENGTH - 17]}-{_digest(key)[:16]}"


def distinct_names(keys: Iterable[str]) -> dict[str, str]:
    """Names for keys that differ only by case from another key, since some file systems would not distinguish them."""
    by_folded = dict[str, list[str]]()
    for key in keys:
        by_folded.setdefault(safe_name(key).casefold(), []).append(key)
    clashing = itertools.chain.from_iterable(group for group in by_folded.values() if len(group) > 1)
    return {key: f"{safe_name(key)[: MAX_LENGTH - 9]}~{_digest(key)[:8]}" for key in clashing}


def scope_prefix(scope: str) -> str:
    """The beginning of the paths of a scope's files; empty for a provider without scopes."""
    return f"{safe_name(scope)}/" if scope else ""


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

# SPDX-License-Identifier: Apache-2.0
"""Turns a provider's keys into names of files that every file system accepts and keeps apart."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH: Final = 180
"""Bytes of a name. Most file systems accept 255, and the temporary name of a file is longer than its own."""

RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
)
"""Names of devices on Windows, whatever follows after a dot (Microsoft, "Naming Files, Paths, and Namespaces")."""


def safe_name(key: str) -> str:
    """A key as the name of a file or folder: the same on every system, and never a path."""
    quoted = quote(key, safe="", errors="surrogatepass")
    if quoted.startswith(".") or quoted.partition(".")[0].upper() in RESERVED:
        quoted = f"%{ord(quoted[0]):02X}{quoted[1:]}"
    if quoted.endswith("."):  # Windows drops a dot at the end
        quoted = f"{quoted[:-1]}%2E"
    return shorten(quoted, key) or "%"


def shorten(name: str, key: str) -> str:
    """Cut a name to `MAX_LENGTH`.

    Args:
        name: the name.
        key: the key it stands for; its checksum keeps apart names with the same beginning.
    """
    if len(name) <= MAX_LENGTH:
        return name
    return f"{name[: MAX_LENGTH - 17]}-{_digest(key)[:16]}"


def distinct_names(keys: Iterable[str]) -> dict[str, str]:
    """Names for those keys that differ from another one only by case: some file systems would not keep them apart."""
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

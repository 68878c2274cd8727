# SPDX-License-Identifier: Apache-2.0
"""Complaints about names that do not exist propose those that nearly are the same."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from callwell.description.error import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.description.error import KeyPath
    from callwell.description.model import Api


def unknown(path: KeyPath, name: str, api: Api) -> DescriptionError:
    """The complaint about an operation that OpenAPI does not have."""
    return DescriptionError(
        path, f"expected the name of an operation, perhaps {near(name, api.operations)}", found=name
    )


def near(name: str, known: Iterable[str]) -> str:
    """The names that are nearest; all of them where none is near."""
    known = sorted(known)
    return " or ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known) or "nothing: there is none"

# SPDX-License-Identifier: Apache-2.0
"""Reads the documents of a provider into one record, and checks them against each other.

openapi.json ── openapi.read ────> Api ──────────┬─ apply_profile ──> Provider.api
                                    │            │
profile.toml ── profile.load ──> Profile ── checks ┘ ─────────────────> Provider.profile
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.description import derived_operations, openapi, profile
from callwell.description.documents.reading import find_document
from callwell.description.provider import Provider

if TYPE_CHECKING:
    from pathlib import Path


def load_provider(folder: Path) -> Provider:
    """Read the provider that `openapi.json`, or `openapi.yaml`, and `profile.toml` in a folder describe.

    Raises:
        ProfileError: one of them cannot be used.
    """
    api = openapi.read(find_document(folder))
    rules = profile.load(folder / "profile.toml", api)
    return Provider(name=rules.name, profile=rules, api=derived_operations.apply_profile(api, rules))

# SPDX-License-Identifier: Apache-2.0
"""Reads the documents of a provider into one record, and checks them against each other.

openapi.json ── openapi.read ────> Api ──────────┬─ apply_profile ──> Provider.api
                                    │            │
profile.toml ── profile.load ──> Profile ── checks ┘ ─────────────────> Provider.profile
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.description import derived_operations, openapi, profile
from callwell.description.documents.external import FILES, read_with_files
from callwell.description.documents.reading import find_document
from callwell.description.provider import Provider

if TYPE_CHECKING:
    from pathlib import Path


class Loaded(NamedTuple):
    """A provider, and the files that it was made from.

    Attributes:
        provider: the provider.
        files: the files that the document refers to, relative to its folder.
    """

    provider: Provider
    files: tuple[str, ...]


def load_provider(folder: Path) -> Provider:
    """Read a provider from `openapi.json` or `openapi.yaml`, and `profile.toml`, in a folder.

    Raises:
        ProfileError: one of them cannot be used.
    """
    return load_with_files(folder).provider


def load_with_files(folder: Path) -> Loaded:
    """The same as `load_provider`, with the names of the files that the document refers to.

    Raises:
        ProfileError: one of them cannot be used.
    """
    file = find_document(folder)
    document = read_with_files(file)
    api = openapi.read(document, file=str(file))
    rules, ignored = profile.load(folder / "profile.toml", api)
    api = derived_operations.apply_profile(api, rules)
    provider = Provider(name=rules.name, profile=rules, api=api, ignored=ignored)
    return Loaded(provider, tuple(document.content.get(FILES, ())))

# SPDX-License-Identifier: Apache-2.0
"""The providers that come with Callwell: their descriptions as data, and the typed clients generated from them."""

from __future__ import annotations

from callwell.description.catalog import FOLDER, load
from callwell.description.catalog import bundled_names as names

__all__ = ["FOLDER", "load", "names"]

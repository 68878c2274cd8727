# SPDX-License-Identifier: Apache-2.0
"""Keys, and the places where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.keys.key import Key
from callwell.keys.source import parse_source
from callwell.lazy_exports import export_lazily

if TYPE_CHECKING:
    from callwell.keys.spec import KeySource as KeySource
    from callwell.keys.spec import SourceSpec as SourceSpec

__all__ = ["Key", "KeySource", "SourceSpec", "parse_source"]

__getattr__, __dir__ = export_lazily(__name__, {"callwell.keys.spec": ["KeySource", "SourceSpec"]})

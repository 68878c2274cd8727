# SPDX-License-Identifier: Apache-2.0
"""Keys, and the places where they are kept."""

from callwell.keys.key import Key
from callwell.keys.source import KeySource, parse_source

__all__ = ["Key", "KeySource", "parse_source"]

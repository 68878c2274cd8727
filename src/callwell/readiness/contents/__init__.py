# SPDX-License-Identifier: Apache-2.0
"""Reads files of any size and kind in chunks, with the members of archives and the sources of source maps."""

from callwell.readiness.contents.part import ContentPart, UnreadablePart
from callwell.readiness.contents.parts import read_parts, read_stream

__all__ = ["ContentPart", "UnreadablePart", "read_parts", "read_stream"]

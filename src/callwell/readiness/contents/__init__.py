# SPDX-License-Identifier: Apache-2.0
"""The content of files of any size and kind, in pieces: as it is, and what archives in it hold."""

from callwell.readiness.contents.part import ContentPart, UnreadablePart
from callwell.readiness.contents.parts import read_parts, read_stream

__all__ = ["ContentPart", "UnreadablePart", "read_parts", "read_stream"]

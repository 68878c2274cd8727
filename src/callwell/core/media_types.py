# SPDX-License-Identifier: Apache-2.0
"""Media types, as headers and documents spell them (RFC 9110, section 8.3.1)."""

from __future__ import annotations

import re
from typing import Final

_JSON: Final = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?json")
"""Those that are JSON (RFC 6839, section 3.1), and the older name `text/json`."""


def base_type(text: str) -> str:
    """A media type in lower case and without parameters; empty if the text names none."""
    return text.partition(";")[0].strip().lower()


def is_json(name: str) -> bool:
    """Whether a media type, as `base_type` returns it, is JSON."""
    return _JSON.fullmatch(name) is not None

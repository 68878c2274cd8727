# SPDX-License-Identifier: Apache-2.0
"""Media types, as headers and documents spell them (RFC 9110, section 8.3.1)."""

from __future__ import annotations

import re
from typing import Final

JSON: Final = "application/json"
OCTET_STREAM: Final = "application/octet-stream"

_JSON: Final = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?json")
"""Those that are JSON (RFC 6839, section 3.1), and the older name `text/json`."""

_TEXT: Final = re.compile(
    r"text/.*|[^;]*\+(?:xml|ya?ml)"
    r"|application/(?:x-)?(?:xml|ya?ml|toml|csv|sql|graphql|sdp|javascript|ecmascript|sh|subrip|www-form-urlencoded)"
)
"""Those that are text (RFC 7303 for XML, RFC 9512 for YAML). Many were in use with `x-` before they were registered."""

_JSON_LINES: Final = re.compile(
    r"application/(?:(?:x-)?(?:ndjson|jsonl|json-?lines)|stream\+json)|application/json;stream=.*"
)
"""The names of JSON lines: none is registered. Kubernetes calls them `application/json;stream=watch`."""


def base_type(text: str) -> str:
    """A media type in lower case and without parameters; empty if the text names none."""
    return text.partition(";")[0].strip().lower()


def is_json(name: str) -> bool:
    """Whether a media type, as `base_type` returns it, is JSON."""
    return _JSON.fullmatch(name) is not None


def is_text(name: str) -> bool:
    """Whether a media type, as `base_type` returns it, is text. Ask for JSON first; a picture in SVG is text."""
    return _TEXT.fullmatch(name) is not None


def is_json_lines(name: str) -> bool:
    """Whether a media type is a JSON value on each line.

    Args:
        name: as `base_type` returns it, or with its parameters after it.
    """
    return _JSON_LINES.fullmatch(name) is not None

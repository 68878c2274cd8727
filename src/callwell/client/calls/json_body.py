# SPDX-License-Identifier: Apache-2.0
"""Decodes the body of a response that should be JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


def decode_json(body: bytes, headers: Mapping[str, str]) -> tuple[Any, bool]:
    """The value of a body, and whether it is JSON.

    Args:
        body: the body.
        headers: the response's.
    """
    if not body:
        return None, False
    try:
        return msgspec.json.decode(body), True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    from callwell.client.calls.json_repair import repair_json  # rarely needed

    try:
        return msgspec.json.decode(repair_json(body, headers.get("content-type", ""))), True
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, False

# SPDX-License-Identifier: Apache-2.0
"""Removes secrets from strings that are logged or shown."""

from __future__ import annotations

import re
from typing import Final

REDACTED: Final = "[hidden]"

PATTERNS: Final = (
    re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}"),
    re.compile(
        r"(?i)([?&](?:x-amz-(?:signature|credential|security-token)|signature|sig|token|api_?key|key)=)[^&\s\"']+"
    ),
    re.compile(r"(?i)((?:authorization|x-api-key|api-key)[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?)[^\s\"',}]+"),
    re.compile(r"(?i)(://)[^/@\s:]+:[^/@\s]+(?=@)"),
)
"""Patterns of secrets: credentials of the `Authorization` schemes, query parameters of signed URLs and keys, headers
that carry keys, and a user with a password in an address. Group 1 is kept, the rest is hidden."""


def redact(text: str, *secrets: str) -> str:
    """A string without keys, signatures and passwords.

    Args:
        text: any string.
        secrets: strings to hide in addition to everything that looks like a secret.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, REDACTED)
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text

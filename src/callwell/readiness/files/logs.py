# SPDX-License-Identifier: Apache-2.0
"""Files that record what a program has sent and received: logs, and the HTTP cassettes of tests."""

from __future__ import annotations

import re
from typing import Final

LOG: Final = re.compile(
    r"(?:.*/)?(?:logs?/.+|[^/]*\.log(?:[.-][^/]*)?|[^/]*\.har|nohup\.out"
    r"|(?:[^/]*[_-])?cassettes?(?:__)?/.+|__recordings__/.+|[^/]*\.(?:jtl|pcapng?|cassette\.(?:json|ya?ml)))",
    re.IGNORECASE,
)
"""Log files and folders; HTTP archives; cassettes of VCR.py, pytest-recording, VCR for Ruby, Polly.js; captures."""

SOURCE: Final = re.compile(r".*\.(?:py|pyi|js|mjs|cjs|ts|tsx|jsx|go|rs|java|kt|rb|php|cs|c|h|cpp)")
"""Code, which may be in a folder of that name."""


def is_log(name: str) -> bool:
    """Whether a file is a log or a cassette, by its name.

    Args:
        name: the file's name relative to the project's root.
    """
    return LOG.fullmatch(name) is not None and SOURCE.fullmatch(name) is None

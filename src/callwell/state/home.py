# SPDX-License-Identifier: Apache-2.0
"""Where a user's state is kept by default."""

from __future__ import annotations

import os
from pathlib import Path


def default_folder() -> Path:
    """Callwell's folder in the XDG state directory, which may not exist yet.

    `XDG_STATE_HOME` must be absolute (XDG Base Directory Specification); otherwise it is ignored.
    """
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else Path("~/.local/state").expanduser()) / "callwell"

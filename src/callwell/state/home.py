# SPDX-License-Identifier: Apache-2.0
"""Where this user's own state is kept when nobody says where."""

from __future__ import annotations

import os
from pathlib import Path


def default_folder() -> Path:
    """Callwell's folder in the XDG state folder, whether it is there or not."""
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else Path("~/.local/state").expanduser()) / "callwell"

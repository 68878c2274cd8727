# SPDX-License-Identifier: Apache-2.0
"""Where a setting was set, as a place in a report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from callwell.readiness.check import Place

if TYPE_CHECKING:
    from callwell.readiness.project import EffectiveSetting


def place_of(setting: EffectiveSetting, root: Path) -> Place | None:
    """Where a setting was set; None if the user has not set it.

    Args:
        setting: the setting, with an origin such as `callwell.toml:3`, `env:NAME` or `--state`.
        root: the project's folder, to which paths are relative.
    """
    if not setting.is_set:
        return None
    path, _, line = setting.origin.rpartition(":")
    if not path or not line.isdecimal():
        return Place(setting.origin)
    return Place(name_in(Path(path), root), int(line))


def name_in(path: Path, root: Path) -> str:
    """The name of a file in reports: relative to the project's folder if it is there.

    Args:
        path: the file.
        root: the project's folder.
    """
    file = Path(os.path.realpath(path))  # unlike `resolve`, it follows a loop of links to some end
    base = root.resolve()
    return file.relative_to(base).as_posix() if file.is_relative_to(base) else str(path)

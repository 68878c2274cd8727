# SPDX-License-Identifier: Apache-2.0
"""How much of a project is held in memory while secrets are looked up in its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.readiness.files import ProjectFile
from callwell.readiness.shapes.scan_both import fit_in_memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("limit", "fits"), [(9, False), (10, True)])
def test_files_are_held_up_to_a_limit(tmp_path: Path, limit: int, *, fits: bool) -> None:
    """Their sizes count together, and a file that is gone counts nothing."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"12345")
    files = [ProjectFile(path=tmp_path / name, name=name) for name in ("a", "gone", "b")]
    assert fit_in_memory(files, limit) is fits

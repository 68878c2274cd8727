# SPDX-License-Identifier: Apache-2.0
"""A history is written while kingfisher starts, and a run that has read too early does not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.readiness.check import CannotCheck
from callwell.readiness.history.walk import find_histories
from callwell.readiness.shapes.kingfisher import Kingfisher
from callwell.readiness.shapes.rules import make_rules
from callwell.readiness.shapes.scan_history import scan_history
from tests.readiness.made_history import fake_key, make_history

if TYPE_CHECKING:
    from pathlib import Path

KEY = fake_key(5, prefix="")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history with a key in its second commit, which the third takes out."""
    before = [b"line %d" % number for number in range(50)]
    contents = [before, [*before[:30], f"token = '{KEY}'".encode(), *before[30:]], before]
    commits = [(f"commit {number}", {"app.py": b"\n".join(lines)}) for number, lines in enumerate(contents)]
    return make_history(tmp_path_factory.mktemp("history") / "app", commits)


@pytest.mark.parametrize("max_written", [1 << 20, 0])
def test_the_place_of_a_secret(repository: Path, max_written: int) -> None:
    """It is that of the content, if kingfisher reads excerpts or the repository itself."""
    with Kingfisher(make_rules(()), with_builtin_rules=False) as kingfisher:
        result = scan_history(kingfisher, find_histories(repository, None), max_written=max_written)
        assert kingfisher.reading.is_set()
    (one,) = result.located
    assert (one.place.path, one.place.line) == ("app.py", 31)
    assert one.place.commit
    assert result.unchecked == ()


def test_it_has_read_too_early(repository: Path, tmp_path: Path) -> None:
    """A run that has not found the witness is repeated, and then nothing passes."""
    program = tmp_path / "kingfisher"
    report = '{"findings": [], "audit": {"summary": {}}}'
    program.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\necho '{report}'\n")
    program.chmod(0o700)
    kingfisher = Kingfisher([], program=str(program))
    with pytest.raises(CannotCheck, match="did not read what was written"):
        scan_history(kingfisher, find_histories(repository, None), max_written=1 << 20)
    assert (tmp_path / "runs").read_text() == "run\nrun\n"

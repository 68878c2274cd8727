# SPDX-License-Identifier: Apache-2.0
"""An export that is killed at any call to the operating system: the next one goes on, and ends as it would have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell import folders
from callwell.state import MemoryState
from tests.client.dying import DyingOs, Killed
from tests.export.playing import contents
from tests.export.test_names import found, named

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MOST = 400


def test_it_goes_on_from_wherever_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first call, before there is a marker, to the last one of the manifest."""
    service = named("a", "b")
    service.export(tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    for after in range(MOST):
        tree = tmp_path / str(after)
        state = MemoryState()
        dying = DyingOs(after)
        with monkeypatch.context() as patch:
            patch.setattr(folders, "os", dying)
            try:
                service.export(tree, state)
            except Killed:
                assert dying.died
            else:
                break
        assert service.export(tree, state).verdict == "complete"
        assert contents(tree) == expected
        assert found(tree) == {"a", "b"}
    assert 50 < after < MOST

# SPDX-License-Identifier: Apache-2.0
"""An export that is killed at any call to the operating system: the next one goes on, and ends as it would have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell import errors, folders
from callwell.state import MemoryState
from tests.client.dying import DyingOs, Killed
from tests.export.emulated import contents
from tests.export.test_names import found, named

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize(("number", "kind"), [(28, errors.DiskFull), (5, errors.FileProblem)])
def test_an_error_of_the_system_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[errors.LocalError]
) -> None:
    """A full or a broken disk at any call: an error of ours or none, no manifest without a file, and it goes on."""
    service = named("a")
    service.export(tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    met = set[type]()
    for after in range(MOST):
        tree = tmp_path / str(after)
        state = MemoryState()
        dying = DyingOs(after, OSError(number, "no luck"))
        with monkeypatch.context() as patch:
            patch.setattr(folders, "os", dying)
            try:
                service.export(tree, state)
            except errors.LocalError as error:
                met.add(type(error))
                assert dying.died
            else:
                assert contents(tree) == expected
        assert service.export(tree, state).verdict == "complete"
        assert contents(tree) == expected
        if not dying.died:
            break
    assert kind in met
    assert after < MOST

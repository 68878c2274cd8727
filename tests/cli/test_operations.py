# SPDX-License-Identifier: Apache-2.0
"""`callwell operations` lists what can be called, and says why the rest cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from callwell.cli.main import main
from tests.description.tiny import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A description with two operations and a third one that cannot be called."""
    folder = write(tmp_path / "tiny")
    document = json.loads((folder / "openapi.json").read_text())
    document["paths"]["/things"]["post"]["requestBody"] = {"content": {"text/plain": {}}}
    (folder / "openapi.json").write_text(json.dumps(document))
    return folder


def test_it_lists_and_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The operations are the result, their number is said beside it."""
    assert main(["operations", str(folder)]) == 0
    printed = capsys.readouterr()
    assert "things.list" in printed.out
    assert "things.import" not in printed.out
    assert "tiny: 2 of 3 operations can be called, 1 are left out" in printed.err


def test_reasons(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--left-out lists the others with their requests and reasons."""
    assert main(["operations", str(folder), "--left-out"]) == 0
    printed = capsys.readouterr().out
    assert "things.import" in printed
    assert "POST /things" in printed
    assert "things.list" not in printed


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints the numbers and the reasons in one object."""
    assert main(["operations", str(folder), "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    [left_out] = reported.pop("left_out")
    assert reported == {"provider": "tiny", "operations": 3, "callable": 2}
    assert left_out["operation"] == "things.import"
    assert "text/plain" in left_out["reason"]


def test_nothing_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A bundled provider can be called whole, and `providers` says so too."""
    assert main(["operations", "userplane", "--left-out"]) == 0
    assert "nothing is left out" in capsys.readouterr().err
    assert main(["providers", "--json"]) == 0
    assert {one["left_out"] for one in json.loads(capsys.readouterr().out)} == {0}

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
    document["paths"]["/things"]["post"]["requestBody"] = {"content": {"multipart/mixed": {}}}
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
    assert "multipart/mixed" in left_out["reason"]


def test_nothing_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A bundled provider can be called whole, and `providers` says so too."""
    assert main(["operations", "userplane", "--left-out"]) == 0
    assert "nothing is left out" in capsys.readouterr().err
    assert main(["providers", "--json"]) == 0
    assert {load["left_out"] for load in json.loads(capsys.readouterr().out)} == {0}


def test_one_is_explained(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments, result, paging, quotas, and what happens when a call fails; it fits 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["operations", "userplane", "recordings.list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("GET https://api.userplane.io/")
    assert any(line.split()[:2] == ["workspace_id", "path"] for line in lines)
    labelled = {line[:10].strip(): line[11:] for line in lines if line[:1].isalpha()}
    assert labelled["paging"].startswith("by page, in page")
    assert labelled["quotas"] == "minute (120 in 60 s), day (10000 in 86400 s)"
    assert labelled["repeat"] == "safe: a GET may be sent twice"
    assert labelled["command"] == "callwell list userplane recordings.list workspace_id=…"
    assert max(map(len, lines)) <= 80


def test_an_unsafe_one(capsys: pytest.CaptureFixture[str]) -> None:
    """--json has the same; the document's own name is accepted, and an unknown one is not."""
    assert main(["operations", "apivideo", "videos.create", "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["repeat"] == "not safe: a POST may do it twice"
    assert explained["no_answer"].startswith(
        "OutcomeUnknown: it may be done, and is not sent again; exactly_once searches"
    )
    assert {"argument": "title", "in": "body", "required": True}.items() <= explained["arguments"][0].items()
    assert main(["operations", "userplane", "recordings.lst"]) == 2
    assert "recordings.list" in capsys.readouterr().err

# SPDX-License-Identifier: Apache-2.0
"""Tables fit their paper and break no name; every encoding and every reader that leaves is coped with."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.cli import formats, main, output, tables
from tests.cli.emulated import COMMAND, PROVIDER, started
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.cli.emulated import Shell

WIDTHS = (40, 60, 80, 120, 200)
COLUMNS = ("recordingId", "name", "what it is")
ROWS = [
    ("rec_0123456789abcdef0123456789", "A day at the sea", "The first recording of all, made by hand."),
    ("rec_2", "", "–"),
    ("rec_3", "北京的一天 在海边", "Short."),
]

words = st.text(alphabet="ab_-é北", min_size=1, max_size=tables.WIDEST // 2)
texts = st.lists(words, max_size=8).map(" ".join)


def lines(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[str]:
    """A table."""
    return list(tables.lines(columns, cells, width))


@pytest.mark.parametrize("width", WIDTHS)
def test_names_stay_whole(width: int) -> None:
    """Whatever the width: every word of every cell stands unbroken on a line, and lines fit."""
    found = lines(COLUMNS, ROWS, width)
    assert max(tables._display_width(line) for line in found) <= width
    for text in (*COLUMNS, *(cell for row in ROWS for cell in row)):
        for word in text.split():
            assert any(word in line.split() for line in found), (word, found)


@given(cells=st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=5), width=st.integers(40, 200))
def test_any_table_fits(cells: list[tuple[str, str, str]], width: int) -> None:
    """No line is longer than the paper, and nothing of any cell is lost."""
    found = lines(("one", "two", "three"), cells, width)
    assert max(tables._display_width(line) for line in found) <= max(width, tables.WIDEST + 2)
    shown = sorted("".join(found).replace(" ", "").replace("─", ""))
    names = "onetwothree"
    whole = "".join("".join(row) for row in cells).replace(" ", "")
    stacked = "─" not in "".join(found)
    assert shown == sorted(names * (len(cells) if stacked else 1) + whole)


def test_what_is_too_long_for_any_table_is_folded() -> None:
    """A string of a thousand characters without a space takes lines of its own column, and none of it is lost."""
    found = lines(("id", "address"), [("a", "x" * 1000)], 80)
    assert max(map(len, found)) <= 80
    assert sum(line.count("x") for line in found) == 1000


def paper(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    """What is written to a standard output of an encoding."""
    under = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(under, encoding=encoding, write_through=True))
    output.prepare_streams()
    return under


ITEMS: list[dict[str, Any]] = [{"id": "a", "name": "Zoë — 北京 😀 …"}, {"id": "b", "name": "\ud83d", "n": None}]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "table"])
def test_every_encoding_takes_every_item(monkeypatch: pytest.MonkeyPatch, encoding: str, form: str) -> None:
    """JSON stays JSON and holds the same; CSV and tables show what the encoding lacks by its number."""
    under = paper(monkeypatch, encoding)
    out = formats.open_writer(form, first_column="id")
    for item in ITEMS:
        out.add(item)
    out.close()
    text = under.getvalue().decode(encoding)
    if form == "jsonl":
        assert [json.loads(line) for line in text.splitlines()] == ITEMS
    elif form == "json":
        assert json.loads(text) == ITEMS
    elif form == "csv":
        assert [row["id"] for row in csv.DictReader(io.StringIO(text))] == ["a", "b"]
    else:
        assert "Zoë" in text or "Zo\\u00eb" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_stands_for_our_own_signs(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Dashes and dots are written plainly where there are no others."""
    under = paper(monkeypatch, encoding)
    output.emit("a – b → c …")
    assert under.getvalue() == b"a - b -> c ...\n"


def test_columns_stay_straight_in_a_plain_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What replaces a sign may be wider: three dots for one sign."""
    under = paper(monkeypatch, "ascii")
    output.emit_table(("a", "b"), [("x=… y=…", "one"), ("z", "two")], empty="")
    heading, _, *rows = under.getvalue().decode().splitlines()
    assert [row.index(word) for row, word in zip(rows, ("one", "two"), strict=True)] == [heading.index("b")] * 2


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_result_is_json_in_any_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Also halves of characters, which some answers hold."""
    under = paper(monkeypatch, encoding)
    output.emit_json(ITEMS)
    assert json.loads(under.getvalue()) == ITEMS


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, so that a program that reads sees nothing."""
    output.emit_table(("a",), [], empty="nothing is there")
    assert capsys.readouterr() == ("", "nothing is there\n")


def test_operations_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    """Without an operation, `call` lists all of them and `list` those with pages; no key is needed."""
    monkeypatch.chdir(tmp_path)
    assert main.main(["call", PROVIDER]) == 0
    called = capsys.readouterr().out
    assert "recordings.get " in called
    assert "workspace_id=… recording_id=…" in called
    assert main.main(["list", PROVIDER]) == 0
    listed = capsys.readouterr().out
    assert "recordings.list " in listed
    assert "recordings.get " not in listed


@pytest.mark.parametrize("command", ["call", "list"])
def test_a_folder_that_is_not_there_is_reported(command: str, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    """A path is not a misspelt name of a provider; a file is not a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for name, why in (
        ("./nope", "there is no such folder"),
        ("~/nope", "no such folder"),
        ("./file", "that is a file"),
    ):
        assert main.main([command, name, "x.y"]) == 2
        assert why in capsys.readouterr().err
    assert main.main([command, "userplan", "x.y"]) == 2
    assert "did you mean userplane?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("call", PROVIDER), ("providers",), ("config",), ("--help",)])
@pytest.mark.parametrize("lines", [1, 0])
def test_a_reader_that_leaves_is_no_error(cli: Shell, arguments: tuple[str, ...], lines: int) -> None:
    """`| head -1` ends every command without a word; so does a reader that reads nothing."""
    with started(cli, *arguments) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        for _ in range(lines):
            assert command.stdout.readline()
        command.stdout.close()
        assert command.stderr.read() == ""
        assert command.wait(PATIENCE_S) in (0, main.CLOSED_PIPE)


def test_a_list_in_ascii(cli: Shell, place: dict[str, str]) -> None:
    """A whole command under an old locale."""
    plain = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "COLUMNS": "40"}
    arguments = ("recordings.list", place["workspace"], "--limit", "2", "--format", "table")
    ended = subprocess.run(
        [*COMMAND, "list", PROVIDER, *arguments],
        cwd=cli.folder,
        env={**cli.variables, **plain},
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert ended.stdout.isascii()
    assert len(ended.stdout.splitlines()) == 4
    assert ended.stderr.endswith(b"; stopped at --limit 2\n")

# SPDX-License-Identifier: Apache-2.0
"""`callwell assess` against an emulator: what it prints, what it leaves behind, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.assess.emulated import tone
from tests.cli.emulated import shell
from tests.processes.program import renewed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.emulated import Shell

PROVIDER = "language_confidence"
NAME = "language-confidence"
MANIFEST = "file,expected_text,user\na.wav,Hello there.,ann\nb.wav,Good morning.,bob\ngone.wav,Hello.,ann\nc.wav,,bob\n"
COMMAND = ("assess", NAME, "--manifest", "class.csv", "--accent", "us", "--out", "out")


@pytest.fixture
def cli(tmp_path: Path) -> Shell:
    """A shell in a folder with a manifest and three recordings, with the address and key of an emulator."""
    for number, name in enumerate("abc"):
        tone(tmp_path / f"{name}.wav", hertz=200 + 50 * number)
    (tmp_path / "class.csv").write_text(MANIFEST)
    return shell(tmp_path, renewed(EmulatorOptions(provider=(PROVIDER,))), PROVIDER)


def test_an_assessment(cli: Shell) -> None:
    """Two rows fail by name and line, the exit code says so, and the second run does only those."""
    first = cli.run(*COMMAND)
    assert (first.code, first.out.partition(";")[0]) == (1, "2 assessed, 0 already known, 2 failed, of 4")
    assert first.err.splitlines() == [
        "class.csv:4: gone.wav: there is no such file",
        "class.csv:5: c.wav: expected_text cannot be None: expected the text that is read aloud, for assess.scripted",
    ]
    assert "<h1>Language Confidence: assessment of 4 recordings</h1>" in (cli.folder / "out/report.html").read_text()
    tone(cli.folder / "gone.wav", hertz=400)
    (cli.folder / "class.csv").write_text(MANIFEST.replace("c.wav,,", "c.wav,Good night.,"))
    second = cli.run(*COMMAND, "--json")
    reported = second.json
    assert (second.code, second.err, reported["assessed"], reported["remembered"], reported["failed"]) == (
        0,
        "",
        2,
        2,
        [],
    )
    lines = (cli.folder / "out/results.jsonl").read_text().splitlines()
    assert [json.loads(line)["user"] for line in lines] == ["ann", "bob", "ann", "bob"]
    assert cli.run("users", NAME, "--json").json["months"][0]["users"] == 2
    assert cli.run(*COMMAND, "--force", "--json").json["assessed"] == 4


def test_folders_and_files(cli: Shell) -> None:
    """Without a manifest: all files of a folder for free speech, or single ones; what is none fails alone."""
    ended = cli.run("assess", NAME, ".", "--operation", "unscripted", "--accent", "uk", "--json")
    assert (ended.code, ended.json["assessed"], ended.json["failed"][0]["kind"]) == (1, 3, "AudioRefused")
    ended = cli.run("assess", NAME, "a.wav", "b.wav", "--operation", "assess.unscripted", "--accent", "uk", "--json")
    assert (ended.code, ended.json["remembered"]) == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--manifest", "none.csv"), 7, "none.csv: cannot be read: No such file"),
        (("--manifest", "a.wav"), 2, "a.wav:1: expected text in UTF-8"),
        ((), 2, "there is no file to assess"),
        (("a.wav", "--operation", "sung"), 2, "operation cannot be 'sung'"),
        (("a.wav", "--accent", "gb"), 2, "accent cannot be 'gb': expected one of us, uk"),
        (("a.wav", "--operation", "unscripted", "--accent", "us", "--out", "."), 7, "has no Callwell assessment"),
    ],
)
def test_wrong_use(cli: Shell, arguments: tuple[str, ...], code: int, words: str) -> None:
    """One line, and nothing is sent or written."""
    ended = cli.run("assess", NAME, *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert words in ended.err

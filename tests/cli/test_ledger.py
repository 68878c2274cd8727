# SPDX-License-Identifier: Apache-2.0
"""`callwell ledger`, `--exactly-once` and `--call-id`: what may have been done is seen, settled and resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.cli.emulated import Shell, shell
from tests.processes.program import renewed
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.process import Running

CREATE = ("call", "apivideo", "videos.create", "title=t")


@pytest.fixture
def emulator() -> Running:
    """Both providers, on a fast clock: an outcome is waited for."""
    return renewed(EmulatorOptions(clock=clock(25)))


@pytest.fixture
def cli(emulator: Running, tmp_path: Path) -> Shell:
    """The command line, with a state of its own."""
    point = emulator.endpoint("apivideo", "production")
    result = shell(tmp_path, emulator)
    more = {"APIVIDEO_API_KEY": point.key, "APIVIDEO_BASE_URL": point.base_url}
    return Shell(result.folder, {**result.variables, **more}, result.key, result.control)


def struck(cli: Shell, operation: str, fault: str) -> None:
    """The next request of an operation suffers a fault."""
    cli.steer("/faults", [{"provider": "apivideo/production", "operation": operation, "fault": fault, "nth": 1}])


def test_an_empty_ledger(cli: Shell) -> None:
    """Nothing is in it, and nothing is wrong with that."""
    assert cli.run("ledger", "list", "--json").json == []
    assert cli.run("ledger", "list").code == 0
    assert "unknown entry 'x'" in cli.fails(2, "ledger", "show", "apivideo", "x")


def test_a_lost_reply_is_no_trouble(cli: Shell) -> None:
    """With `--exactly-once` a video is found, and printed as if its answer had come."""
    struck(cli, "videos.create", "lost_reply")
    result = cli.run(*CREATE, "--exactly-once").json
    assert result["videoId"]
    assert [line["videoId"] for line in cli.run("list", "apivideo", "videos.list").lines] == [result["videoId"]]
    assert cli.run("ledger", "list", "--all", "--json").json == []


def test_the_same_command_again_makes_nothing_new(cli: Shell) -> None:
    """Under a name of the caller's, the video is the same; other arguments are refused."""
    first = cli.run(*CREATE, "--call-id", "order 1").json
    assert cli.run(*CREATE, "--call-id", "order 1").json["videoId"] == first["videoId"]
    assert "is the name of another request" in cli.fails(2, *CREATE, "public=false", "--call-id", "order 1")
    [row] = cli.run("ledger", "list", "apivideo", "--all", "--json").json
    assert (row["name"], row["status"], row["object_key"]) == ("order 1", "done", first["videoId"])
    assert "settled" in cli.fails(2, "ledger", "resume", "apivideo", "order 1")


def test_what_is_unknown_is_listed_and_resumed(cli: Shell) -> None:
    """The error names the command, and the command settles it."""
    struck(cli, "videos.create", "reset")
    line = cli.fails(6, *CREATE, "--exactly-once", "--deadline", "60")
    name = line.partition("callwell ledger resume apivideo ")[2].partition("`")[0]
    [row] = cli.run("ledger", "list", "--json").json
    assert (row["name"], row["status"], row["operation"], row["sent"]) == (
        name,
        "unknown",
        "videos.create",
        "POST /videos",
    )
    assert name in cli.run("ledger", "list").out
    assert cli.run("ledger", "show", "apivideo", name).json["how"] == f"callwell ledger resume apivideo {name!r}"
    assert cli.run("ledger", "resume", "apivideo", name).json["title"] == "t"
    assert cli.run("ledger", "list", "--json").json == []


def test_what_carries_no_mark_is_settled_by_hand(cli: Shell) -> None:
    """By a setting of `callwell.toml` as well; it is shown what was sent."""
    (cli.folder / "callwell.toml").write_text("exactly_once = true\n")
    struck(cli, "players.create", "lost_reply")
    line = cli.fails(6, "call", "apivideo", "players.create", "name=mine")
    assert "callwell ledger settle apivideo" in line
    [row] = cli.run("ledger", "list", "apivideo", "--json").json
    assert row["arguments"]["name"] == "mine"
    assert "check with the provider whether POST" in cli.run("ledger", "show", "apivideo", row["name"]).json["how"]
    assert "creates objects with a marker" in cli.fails(2, "ledger", "resume", "apivideo", row["name"])
    assert "--done or --not-done" in cli.fails(2, "ledger", "settle", "apivideo", row["name"])
    assert cli.run("ledger", "settle", "apivideo", row["name"], "--done").json["status"] == "done"
    assert cli.run("ledger", "list", "--json").json == []


def test_the_setting_takes_yes_and_no(cli: Shell) -> None:
    """Something else is refused, wherever it stands."""
    assert "expected 1 or 0" in cli.fails(2, "providers", CALLWELL_EXACTLY_ONCE="perhaps")
    (cli.folder / "callwell.toml").write_text("exactly_once = 1\n")
    assert "expected true or false" in cli.fails(2, "providers")

# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong ends as one line on standard error and the exit code of its kind, without traceback or key."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from callwell.cli.main import main
from tests.cli.emulated import ADDRESS_VARIABLE, COMMAND, KEY_VARIABLE, PROVIDER
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.cli.emulated import Shell

ME = ("call", PROVIDER, "me.get")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cal", PROVIDER, "me.get"), "unknown command 'cal': did you mean call?"),
        (("call", "userplan", "me.get"), "unknown provider 'userplan': did you mean userplane?"),
        (("call", PROVIDER, "recordings.lst"), "did you mean recordings.list"),
        (
            ("list", PROVIDER, "workspaces.list", "pag=1"),
            "unknown parameter 'pag' of workspaces.list: did you mean page",
        ),
        (("list", PROVIDER, "workspaces.list", "page=one"), "page cannot be 'one': expected a whole number"),
        (
            ("list", PROVIDER, "workspaces.list", "per_page=21"),
            "per_page cannot be 21: expected a whole number from 1 to",
        ),
        (("list", PROVIDER, "workspaces.list", "page=1", "page=2"), "it was given twice"),
        (("list", PROVIDER, "workspaces.list", "include_workspace_membership=maybe"), "expected true or false"),
        (("list", PROVIDER, "workspaces.list", "page:={"), "expected JSON after `:=`"),
        (("list", PROVIDER, "workspaces.list", "page"), "expected name=value or name:=JSON"),
        (("list", PROVIDER, "recordings.list"), "recordings.list needs workspace_id=…"),
        (("list", PROVIDER, "me.get"), "expected a list (workspaces.list, "),
        (
            ("list", PROVIDER, "workspaces.list", "--format", "xml"),
            "'xml' is not one of 'table', 'jsonl', 'csv', 'json'",
        ),
        (("list", PROVIDER, "workspaces.list", "--limit", "0"), "try callwell list --help"),
        ((*ME, "--out", "x"), "expected one that leads to a file"),
        ((*ME, "--out", "."), "expected a file, not a folder"),
        ((*ME, "--out", "x", "--raw"), "use one of them"),
        ((*ME, "--nonsense"), "No such option: --nonsense"),
        ((*ME, "--deadline", "0"), "expected seconds above zero"),
        ((*ME, "--deadline", "soon"), "Invalid value for '--deadline'"),
        ((*ME, "--environment", "staging"), "unknown environment 'staging' of userplane: known: production"),
        ((*ME, "--base-url", "ftp://x"), "expected an address"),
        ((*ME, "--base-url", "http://example.com/v1"), "an https address"),
        ((*ME, "--state", "redis://x"), "expected `memory:`, `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`"),
        ((*ME, "--ca-file", "none.pem"), "expected a readable file of PEM certificates"),
        ((*ME, "--key", "secret-text-of-a-key"), "expected env:NAME, file:PATH"),
        (("keys",), "Missing command; try callwell keys --help"),
        (("keys", "where", "userplan"), "did you mean userplane?"),
        (("emulate", "--port", "70000"), "Invalid value for '--port'"),
        (("emulate", "--scale", "0"), "clock cannot be '0'"),
        (("emulate", "--recordings", "-1"), "recordings"),
        (("emulate", "--rate-headers", "some"), "'some' is not one of 'off', 'delta', 'epoch', 'draft'"),
        (("emulate", "--deprecated", "me.gte"), "'me.gte' is not one of"),
        (("emulate", "--deprecated", "me.get=soon"), "expected an operation, or OPERATION=SECONDS"),
        (("emulate", "--set", "link_limit=3"), "unknown --set 'link_limit': did you mean links_limit"),
        (("emulate", "--set", "links_limit"), "--set links_limit cannot be '': expected a whole number"),
        (("emulate", "--set", "links_limit=-1"), "option: Expected `int` >= 0"),
        (("emulate", "--set", "old_meta_name=maybe"), "expected true or false"),
    ],
)
def test_wrong_use(cli: Shell, arguments: tuple[str, ...], words: str) -> None:
    """A command that must be changed ends with 2 and says what was expected."""
    line = cli.fails(2, *arguments)
    assert words in line
    assert "secret-text-of-a-key" not in line


def test_a_clock_that_is_none(cli: Shell) -> None:
    """CALLWELL_CLOCK must describe a clock."""
    assert "clock cannot be 'fast'" in cli.fails(2, *ME, CALLWELL_CLOCK="fast")


def test_a_key_in_the_wrong_place_is_hidden(cli: Shell) -> None:
    """A key that was put where a name belongs is not repeated."""
    assert "[hidden]" in cli.fails(2, "call", cli.key, "me.get")


def test_no_key(cli: Shell) -> None:
    """Without a key, the line says where it was looked for."""
    assert f"{KEY_VARIABLE} is not set" in cli.fails(3, *ME, **{KEY_VARIABLE: None})


@pytest.mark.parametrize("command", ["call", "list"])
def test_an_unknown_operation_without_a_key(cli: Shell, command: str) -> None:
    """An operation that does not exist is reported, although there is no key either."""
    line = cli.fails(2, command, PROVIDER, "recordings.lst", **{KEY_VARIABLE: None})
    assert "unknown operation 'recordings.lst'" in line
    assert "recordings.list" in line


def test_a_malformed_key(cli: Shell) -> None:
    """A string that cannot be a key of the provider is not sent."""
    line = cli.fails(3, *ME, **{KEY_VARIABLE: "another-providers-key"})
    assert "expected a string that begins with" in line


def test_a_dead_key(cli: Shell) -> None:
    """A key that the provider refuses is reported by its place and the provider's code."""
    line = cli.fails(3, *ME, **{KEY_VARIABLE: "uspl_of_nobody_at_all"})
    assert "API_KEY_INVALID" in line
    assert f"env:{KEY_VARIABLE}" in line


@pytest.mark.parametrize(
    ("name", "why"), [("folder", "Is a directory"), ("none", "No such file"), ("empty", "is empty")]
)
def test_a_key_file_that_is_none(cli: Shell, name: str, why: str) -> None:
    """A folder, a file that is not there and an empty one are not key files."""
    (cli.folder / "folder").mkdir()
    (cli.folder / "empty").touch()
    assert why in cli.fails(3, *ME, "--key", f"file:{name}")


def test_what_the_provider_says(cli: Shell) -> None:
    """An error answer is reported by status and code."""
    line = cli.fails(4, "call", PROVIDER, "workspaces.get", "workspace_id=none")
    assert "404 WORKSPACE_NOT_FOUND" in line


def test_no_network(cli: Shell) -> None:
    """A port without a listener gives no connection."""
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{plug.getsockname()[1]}"
    assert "no connection" in cli.fails(5, *ME, **{ADDRESS_VARIABLE: closed, "CALLWELL_CLOCK": "50"})


def test_a_state_of_another_program(cli: Shell) -> None:
    """A database of another program and a file that is none are left alone."""
    with sqlite3.connect(cli.folder / "other.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    (cli.folder / "text.db").write_text("no database at all\n" * 100)
    assert "of another program" in cli.fails(7, *ME, "--state", "sqlite:///other.db")
    assert "not a database" in cli.fails(7, *ME, "--state", "sqlite:///text.db")


def test_no_such_folder_for_a_file(cli: Shell, place: dict[str, str]) -> None:
    """A file that cannot be written is this machine's problem."""
    where = (place["workspace"], place["recording"], "--out", "none/x.webp")
    assert "cannot be written" in cli.fails(7, "call", PROVIDER, "recordings.thumbnail", *where)


def test_a_port_in_use(cli: Shell) -> None:
    """The emulator names the port that another process has."""
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        plug.listen()
        port = str(plug.getsockname()[1])
        assert f"port {port} of 127.0.0.1 is in use" in cli.fails(7, "emulate", "--control-port", port)


def test_a_mistake_of_ours_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """An unforeseen error is one line; CALLWELL_DEBUG=1 shows where it was."""
    monkeypatch.setattr("callwell.cli.commands.load", lambda _: 1 // 0)
    monkeypatch.setenv("CALLWELL_DEBUG", "")
    assert main(["call"]) == 70
    expected = "callwell: internal error: ZeroDivisionError: integer division or modulo by zero "
    assert capsys.readouterr().err == f"{expected}(CALLWELL_DEBUG=1 prints the traceback)\n"
    monkeypatch.setenv("CALLWELL_DEBUG", "1")
    assert main(["call"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_nobody_reads(cli: Shell) -> None:
    """A reader that has gone is not an error worth a line."""
    with subprocess.Popen(
        [*COMMAND, "providers"], env=cli.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_S) == 141


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_no_room_for_the_result(cli: Shell) -> None:
    """A result that cannot be written is an error of this machine."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*COMMAND, "providers"], env=cli.variables, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 7
    assert done.stderr.splitlines() == [b"callwell: No space left on device"]

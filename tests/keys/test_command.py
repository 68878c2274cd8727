# SPDX-License-Identifier: Apache-2.0
"""Keys that a program prints: limits, failures, and what is said of them."""

from __future__ import annotations

import os
import shlex
import threading
from typing import TYPE_CHECKING

import pytest

from callwell.errors import KeyMissing
from callwell.keys import Key, parse_source
from callwell.keys.command import CommandSource, last_line
from callwell.keys.kinds import open_source
from callwell.keys.leased import LeasedSource

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "acme_very_secret"


def shell(script: str, options: str = "") -> CommandSource:
    """A source that runs a script of the shell."""
    source = open_source(f"command{options}:sh -c {shlex.quote(script)}", "", accept_exposed=False)
    assert isinstance(source, LeasedSource)
    assert isinstance(source._inner, CommandSource)
    return source._inner


def test_what_it_prints_is_the_key() -> None:
    """Without white space and quotes; standard error is not part of it."""
    assert shell(f"echo note >&2; echo ' \"{SECRET}\" '").read() == Key(SECRET)


def test_no_shell_runs() -> None:
    """The line is split into words, and nothing in them is expanded."""
    source = parse_source("command:echo '$HOME;' \"a b\"", "")
    assert (source.read().reveal(), source.location) == ("$HOME; a b", "command:echo …")


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo first >&2; echo not signed in >&2; exit 3", "ended with exit code 3: not signed in"),
        ("exit 1", "ended with exit code 1; run it by hand to see why"),
        ("kill -9 $$", "was ended by signal 9; run it by hand to see why"),
        ("true", "printed nothing; run it by hand to see why"),
        ("yes key", "prints more than 16 kB; let it print the key, and nothing else"),
    ],
)
def test_a_program_that_fails(script: str, problem: str) -> None:
    """How it ended, and the last line that it said."""
    with pytest.raises(KeyMissing) as caught:
        shell(script).read()
    assert str(caught.value) == f"no key: command:sh … {problem}"


@pytest.mark.parametrize("script", ["yes error >&2", "sleep 60"])
def test_a_program_that_takes_too_long(script: str) -> None:
    """It is ended, whatever it prints until then."""
    with pytest.raises(KeyMissing, match=r"command:sh … did not end within 0\.2 s \(option: timeout\)"):
        shell(script, "[timeout=0.2]").read()


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """No program, or one that may not run."""
    with pytest.raises(KeyMissing, match="there is no such program on PATH"):
        parse_source("command:no-such-program-here x", "").read()
    (tmp_path / "script").write_text("echo x")
    with pytest.raises(KeyMissing, match="cannot be started: Permission denied"):
        parse_source(f"command:{tmp_path / 'script'}", "").read()


@pytest.mark.parametrize("message", [SECRET, f"key={SECRET}!", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"])
def test_an_error_shows_no_key(message: str) -> None:
    """What it prints as a key, and what looks like one, is left out of the error."""
    with pytest.raises(KeyMissing) as caught:
        shell(f"echo {SECRET}; echo {shlex.quote('bad ' + message)} >&2; exit 1").read()
    assert "bad" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "4eC39" not in str(caught.value)


def test_the_last_line_is_one_line() -> None:
    """Colours and other control characters are not part of a message, and a long line is cut."""
    assert last_line("a\n\x1b[31mred\x1b[0m\r\n\n", Key("")) == " [31mred [0m"
    assert len(last_line("word " * 100, Key(""))) == 200
    assert (
        last_line("op://Private/acme/credential is not an item", Key(""))
        == "op://Private/acme/credential is not an item"
    )


def test_an_agent_that_stays_does_not_hold_the_key_back() -> None:
    """A program may start one, which keeps its outputs open."""
    source = shell(f"sleep 5 & echo {SECRET}")
    assert source.read() == Key(SECRET)


def test_children_end_with_a_program_that_takes_too_long(tmp_path: Path) -> None:
    """What it has started is ended too: the pipe that only the child holds is closed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(KeyMissing, match="did not end"):
        shell(f"sleep 60 > {pipe} & wait", "[timeout=0.3]").read()
    os.set_blocking(reading, True)
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_clients_share_what_was_read(tmp_path: Path) -> None:
    """A program runs once for all sources of the same place, also if several threads ask at once."""
    count = tmp_path / "count"
    place = f"command:sh -c 'echo x >> {count}; echo {SECRET}'"
    threads = [threading.Thread(target=lambda: parse_source(place, "").read()) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    source = parse_source(place, "")
    assert isinstance(source, LeasedSource)
    assert (source.read(), count.read_text()) == (Key(SECRET), "x\n")
    assert source.refresh(Key("another").fingerprint) == Key(SECRET)
    assert count.read_text() == "x\n"
    source.refresh(Key(SECRET).fingerprint)
    assert count.read_text() == "x\nx\n"


def renew(source: LeasedSource) -> object:
    """Look at a source whose lease ends soon, wait for the thread that reads it, and return the revision."""
    source._kept.renew_at = 0.0
    source.revision()
    for thread in threading.enumerate():
        if thread.name == "callwell-key-source":
            thread.join()
    return source._kept.number


def test_a_lease_is_renewed_in_a_thread_before_it_ends(tmp_path: Path) -> None:
    """Looking at the revision never waits, and shows the new key once a thread has read it."""
    path = tmp_path / "key"
    path.write_text("acme_first")
    source = parse_source(f"command[lease=3600]:cat {path}", "")
    assert isinstance(source, LeasedSource)
    assert source.read() == Key("acme_first")
    assert 600.0 < source._kept.fresh_until - source._kept.renew_at < 900.0
    before = source.revision()
    path.write_text("acme_second")
    assert (source.revision(), source.read()) == (before, Key("acme_first"))
    assert renew(source) != before
    assert source.read() == Key("acme_second")


def test_a_source_that_is_away_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A lease that cannot be renewed leaves the key in use, with one warning; who wants another key gets the error."""
    path = tmp_path / "key"
    path.write_text(SECRET)
    source = parse_source(f"command[lease=3600]:cat {path}", "")
    assert isinstance(source, LeasedSource)
    assert source.read() == Key(SECRET)
    path.unlink()
    assert renew(source) == renew(source) == 1
    assert source.read() == Key(SECRET)
    [warning] = caplog.messages
    assert warning.startswith(
        "command:cat …: calls continue with the key, which cannot be read again: no key: command:cat"
    )
    with pytest.raises(KeyMissing, match=r"exit code 1: cat: .+ No such file"):
        source.refresh(Key(SECRET).fingerprint)
    path.write_text("acme_second")
    assert renew(source) == 2

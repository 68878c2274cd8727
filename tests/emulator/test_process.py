# SPDX-License-Identifier: Apache-2.0
"""The emulator as a process: starts, says where it is, ends quietly, and never outlives its parent."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from callwell.clock import parse_clock
from callwell.emulator.__main__ import main
from callwell.emulator.errors import AddressInUse, EmulatorError, InvalidPort, PortNotPermitted
from callwell.emulator.options import EmulatorOptions, Endpoints
from callwell.emulator.process import start, to_arguments
from callwell.emulator.server import _bind
from tests.emulator.harness import fetch
from tests.patience import PATIENCE_S
from tests.processes import program

SOURCE = Path(__file__).parents[2] / "src"
COMMAND = [sys.executable, "-m", "callwell.emulator", "--json"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}


def test_start_and_close() -> None:
    """A `with` starts and stops it; options take effect; the announced clock can be shared."""
    with start(EmulatorOptions(seed=5, recordings=7, clock="25", window="sliding", retry_after=True)) as running:
        endpoint = running.endpoint("userplane")
        answer = fetch(f"{endpoint.base_url}/public/me", headers={"Authorization": f"Bearer {endpoint.key}"})
        assert answer.data["stats"]["recordings"] == 7
        options = fetch(f"{running.control}/health").json["options"]["userplane"]
        assert (options["seed"], options["window"], options["retry_after"]) == (5, "sliding", True)
        row = fetch(f"{running.control}/ledger/requests").json[0]
        assert abs(parse_clock(running.endpoints.clock).now() - row["arrived_s"]) < 25 * 5
    assert running.process.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        fetch(running.control)


def test_every_option_can_be_given_at_start() -> None:
    """What a reset can change, a start can too, over the process's own flags."""
    given: dict[str, Any] = {
        "links_limit": 3, "old_meta_name": True, "rate_headers": "epoch", "skew_s": -30, "per_minute": 7, "per_day": 9,
        "url_life_s": 60, "deprecated": {"me.get": 60, "links.list": None},
    }  # fmt: skip
    with program.start(EmulatorOptions(**given)) as running:
        options = fetch(f"{running.control}/health").json["options"]["userplane"]
        assert options.items() >= given.items()
        assert options.keys() <= {field.name for field in fields(EmulatorOptions)}


def test_the_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """One flag for each option."""
    with pytest.raises(SystemExit):
        main(["--help"])
    reported = capsys.readouterr().out
    assert all("--" + field.name.replace("_", "-") in reported for field in fields(EmulatorOptions))


@pytest.mark.parametrize(("number", "expected"), [(errno.EACCES, PortNotPermitted), (errno.EADDRINUSE, AddressInUse)])
def test_each_refusal_of_a_port_has_its_sentence(
    monkeypatch: pytest.MonkeyPatch, number: int, expected: type[EmulatorError]
) -> None:
    """The message says why the port cannot be used, and what to do."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("callwell.emulator.server.socket.socket.bind", refuse)
    with pytest.raises(expected, match=r"^port 80 of 127\.0\.0\.1 is .*: name "):
        _bind(80)
    number = errno.EADDRNOTAVAIL
    with pytest.raises(EmulatorError, match=r"^port 80 of 127\.0\.0\.1 cannot be used: "):
        _bind(80)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_no_port(port: int) -> None:
    """The sentence says which there are."""
    with pytest.raises(InvalidPort, match=rf"^port {port} does not exist: name one from 1 to 65535"):
        _bind(port)


def test_a_port_in_use_is_one_clear_sentence() -> None:
    """Started here or as a process, it names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError) as raised:
            start(EmulatorOptions(control_port=port))
    assert str(raised.value) == str(AddressInUse(port))


@pytest.mark.parametrize(
    "options", [EmulatorOptions(clock="fast"), EmulatorOptions(recordings=-1), EmulatorOptions(port=99_999)]
)
def test_options_that_make_no_sense(options: EmulatorOptions) -> None:
    """One line, not a traceback."""
    done = program.run(["-m", "callwell.emulator", "--json", *to_arguments(options)], timeout=PATIENCE_S)
    assert done.returncode
    assert re.fullmatch(r"(clock|option|port 99999).*\n", done.stderr), done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_and_a_quiet_end(number: signal.Signals) -> None:
    """`--json` prints exactly one line; a signal ends it with exit code 0 and no word."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        reported = msgspec.json.decode(process.stdout.readline())
        assert reported.keys() == {"control", "providers", "clock"}
        assert reported["clock"] is None
        assert reported["providers"]["userplane"]["production"].keys() == {"base_url", "key"}
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE_S) == (b"", b"")
    assert process.returncode == 0


def test_it_ends_with_its_parent() -> None:
    """A parent that is killed takes the emulator with it."""
    code = (
        "import sys, time, msgspec\n"
        "from callwell.emulator.options import EmulatorOptions\n"
        "from callwell.emulator.process import start\n"
        "running = start(EmulatorOptions())\n"
        "print(msgspec.json.encode(running.endpoints).decode(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as parent:
        assert parent.stdout is not None
        endpoints = msgspec.json.decode(parent.stdout.readline(), type=Endpoints)
        port = int(endpoints.control.rpartition(":")[2])
        watch = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        parent.kill()
    with watch:
        assert watch.recv(1) == b""

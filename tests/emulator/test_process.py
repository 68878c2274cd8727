# SPDX-License-Identifier: Apache-2.0
"""The emulator as a process: starts, says where it is, ends quietly, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from callwell.clock import parse_clock
from callwell.emulator.errors import EmulatorError, PortInUse
from callwell.emulator.options import EmulatorOptions, Endpoints
from callwell.emulator.process import start
from tests.emulator.playing import ask

SOURCE = Path(__file__).parents[2] / "src"
COMMAND = [sys.executable, "-m", "callwell.emulator", "--json"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}


def test_start_and_close() -> None:
    """A `with` around it is all; options reach it; the clock it tells can be shared."""
    with start(EmulatorOptions(seed=5, recordings=7, clock="25", window="sliding", retry_after=True)) as running:
        endpoint = running.endpoint("userplane")
        answer = ask(f"{endpoint.base_url}/public/me", headers={"Authorization": f"Bearer {endpoint.key}"})
        assert answer.data["stats"]["recordings"] == 7
        options = ask(f"{running.control}/health").json["options"]["userplane"]
        assert (options["seed"], options["window"], options["retry_after"]) == (5, "sliding", True)
        row = ask(f"{running.control}/ledger/requests").json[0]
        assert abs(parse_clock(running.endpoints.clock).now() - row["arrived_s"]) < 25 * 5
    assert running.process.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        ask(running.control)


def test_a_port_in_use_is_one_clear_sentence() -> None:
    """Started here or as a process, it names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError) as raised:
            start(EmulatorOptions(control_port=port))
    assert str(raised.value) == str(PortInUse(port))


@pytest.mark.parametrize(
    "options", [EmulatorOptions(clock="fast"), EmulatorOptions(recordings=-1), EmulatorOptions(port=99_999)]
)
def test_options_that_make_no_sense(options: EmulatorOptions) -> None:
    """One line, not a traceback."""
    with pytest.raises(EmulatorError, match=r"^clock|^option|^port 99999"):
        start(options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_and_a_quiet_end(number: signal.Signals) -> None:
    """`--json` prints exactly one line; a signal ends it with exit code 0 and no word."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        told = msgspec.json.decode(process.stdout.readline())
        assert told.keys() == {"control", "providers", "clock"}
        assert told["clock"] is None
        assert told["providers"]["userplane"]["production"].keys() == {"base_url", "key"}
        process.send_signal(number)
        assert process.communicate(timeout=10) == (b"", b"")
    assert process.returncode == 0


def test_it_ends_with_its_parent() -> None:
    """A parent that is killed takes the emulator with it."""
    program = (
        "import sys, time, msgspec\n"
        "from callwell.emulator.options import EmulatorOptions\n"
        "from callwell.emulator.process import start\n"
        "running = start(EmulatorOptions())\n"
        "print(msgspec.json.encode(running.endpoints).decode(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as parent:
        assert parent.stdout is not None
        endpoints = msgspec.json.decode(parent.stdout.readline(), type=Endpoints)
        port = int(endpoints.control.rpartition(":")[2])
        watch = socket.create_connection(("127.0.0.1", port), timeout=10)
        parent.kill()
    with watch:
        assert watch.recv(1) == b""

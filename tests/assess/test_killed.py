# SPDX-License-Identifier: Apache-2.0
"""An assessment that is killed in the middle, again and again: what was answered is never sent or billed again."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.options import EmulatorOptions
from tests.assess.emulated import NAME, TEXT, tone
from tests.emulator.harness import fetch
from tests.processes.program import Program, popen, start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.process import Running

FILES: Final = 48
KILLS: Final = 2
CAPACITY: Final = 4
PATIENCE_S: Final = 600.0


def assessing(folder: Path, running: Running) -> Program[str]:
    """The command as a user starts it."""
    point = running.endpoint(NAME)
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CALLWELL_CLOCK": str(running.endpoints.clock),
        "LANGUAGE_CONFIDENCE_API_KEY": point.key,
        "LANGUAGE_CONFIDENCE_BASE_URL": point.base_url,
    }
    command = [
        "-m",
        "callwell",
        "assess",
        NAME,
        "--manifest",
        "class.csv",
        "--out",
        "out",
        "--workers",
        str(CAPACITY),
        "--json",
        "-q",
    ]
    return popen(command, folder=folder, variables=variables)


def billed(running: Running) -> int:
    """Assessments that the service has billed."""
    answer = fetch(f"{running.endpoints.control}/ledger", "GET")
    count: int = answer.json[f"{NAME}/production"]["counts"]["billed"]
    return count


def settled(running: Running) -> int:
    """The same once those are done that a killed process had sent."""
    rows = f"{running.endpoints.control}/ledger/requests"
    while any(row["ended_s"] is None for row in fetch(rows).json):
        time.sleep(0.05)
    return billed(running)


def steer(running: Running, *faults: dict[str, Any]) -> None:
    """Say what goes wrong from now on."""
    answer = fetch(f"{running.endpoints.control}/faults", "POST", body=json.dumps(faults).encode())
    assert answer.status == 200


def stopping_after(running: Running, count: int) -> None:
    """Answer so many more requests, and let all others hang: whoever sends them cannot end before it is killed."""
    others = list(range(count + 1, count + 10 * FILES))
    steer(running, {"operation": "assess.scripted", "fault": "hang", "nth": others, "delay_s": 60})


def hanging(running: Running) -> int:
    """Requests that wait for a response that will not come."""
    rows = fetch(f"{running.endpoints.control}/ledger/requests").json
    return sum(row["fault"] == "hang" and row["ended_s"] is None for row in rows)


def test_an_assessment_that_is_killed(tmp_path: Path) -> None:
    """All rows have a result in the end, and no more was billed twice than was under way at the kills."""
    names = [tone(tmp_path / f"{n:02}.wav", hertz=200 + 10 * n, seconds=0.8).name for n in range(FILES)]
    rows = "".join(f"{name},{TEXT},us\n" for name in names)
    (tmp_path / "class.csv").write_text(f"file,expected_text,accent\n{rows}")
    settings = {f"{NAME}.capacity": str(CAPACITY), f"{NAME}.service_s": "1"}
    with start(EmulatorOptions(provider=(NAME,), settings=settings, clock=clock(25))) as running:
        known = 0
        for kill in range(KILLS):
            stopping_after(running, 8 + 3 * kill)
            process = assessing(tmp_path, running)
            while not hanging(running):
                assert process.poll() is None
                time.sleep(0.02)
            process.kill()
            output, _ = process.communicate()
            assert output == ""
            steer(running)
            known = settled(running) - (kill + 1) * CAPACITY
        process = assessing(tmp_path, running)
        output, complaints = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, complaints) == (0, "")
        report: dict[str, Any] = json.loads(output)
        assert (report["rows"], report["failed"]) == (FILES, [])
        assert report["assessed"] + report["remembered"] == FILES
        assert report["remembered"] >= known > 0
        assert FILES <= billed(running) <= FILES + KILLS * CAPACITY
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_bytes().splitlines()]
    assert [line["file"] for line in lines] == names
    assert {line["status"] for line in lines} == {"done"}

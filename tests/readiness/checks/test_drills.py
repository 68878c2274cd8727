# SPDX-License-Identifier: Apache-2.0
"""Drills of real programs: those that behave badly are found, and a drill that shows nothing does not pass."""

from __future__ import annotations

import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from callwell.emulator.errors import EmulatorError
from callwell.readiness.check import CannotCheck, NotApplicable, Severity, Unchecked
from callwell.readiness.drill_record import ROTATION, read_drill
from callwell.readiness.drills import landlock
from callwell.readiness.drills.accounts import note_not_emulated
from callwell.readiness.drills.fault_drill import LOST_RESPONSE, SERVER_ERRORS, THROTTLE, run_fault_drill
from callwell.readiness.drills.rotation import record_results, run_rotation_drill
from callwell.readiness.drills.verdict import DrillResult, Proof
from callwell.readiness.project import Project, Scope
from callwell.state import open_state
from tests.processes.program import start
from tests.readiness.accounts import make_account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.process import Running
    from callwell.readiness.drills.fault_drill import FaultDrill
    from callwell.readiness.project import ConfiguredAccount

REAL_KEY: Final = "uspl_" + "real" * 10
HTTP: Final = """
import os, time, urllib.error, urllib.request

base = os.environ["USERPLANE_BASE_URL"]
place = os.environ["CALLWELL_USERPLANE_KEY"].removeprefix("file:")

def read_key():
    return open(place).read()

def call(path, key, body=None):
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(base + path, body, headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        error.read()
        return error.code, error.headers
"""
POLITE: Final = """
for number in range(3):
    status, headers = call(f"/public/me?n={number}", read_key())
    while status in (401, 429, 503):
        time.sleep(float(headers.get("retry-after", 0.02)))
        status, headers = call(f"/public/me?n={number}", read_key())
"""
CALLWELL: Final = """
import os
from callwell import Client

with Client("userplane", key=os.environ["CALLWELL_USERPLANE_KEY"], base_url=os.environ["USERPLANE_BASE_URL"]) as client:
    for _ in range(3):
        client.me.get()
"""
HAMMER: Final = """
for number in range(3):
    while call(f"/public/me?n={number}", read_key())[0] in (401, 429):
        pass
"""
HEEDLESS: Final = """
key = read_key()
for number in range(3):
    call(f"/public/me?n={number}", key)
"""
REPEATING: Final = """
import json

def ask(path, body=None):
    while True:
        try:
            return json.loads(call(path, read_key(), body)[1])["data"]
        except OSError:
            pass

workspace = ask("/public/workspaces")["workspaces"][0]["workspaceId"]
domain = ask(f"/public/workspace/{workspace}/domains")["domains"][0]["domainId"]
ask(f"/public/workspace/{workspace}/links", json.dumps({"domainId": domain}).encode())
"""
WRONG_KEY: Final = f'call("/public/me", "{REAL_KEY}")\n'
CRASH: Final = f'raise SystemExit("no database for {REAL_KEY}")\n'
IDLE: Final = "import json, os\njson.dump(dict(os.environ), open('variables.json', 'w'))\n"
ENDLESS: Final = "call('/public/me', read_key())\ntime.sleep(600)\n"
ONCE: Final = "call('/public/me', read_key())\n"
GOING_OUT: Final = """
import os, socket, subprocess, sys

port = int(os.environ["OUTSIDE_PORT"])
for go in (
    lambda: socket.create_connection(("127.0.0.1", port)),
    lambda: urllib.request.urlopen("http://api.outside.invalid/items?secret=1"),
):
    try:
        go()
    except OSError:
        pass
bare = "import socket; socket.create_connection(('127.0.0.1', %d))" % port
if "KERNEL_REFUSES" in os.environ:
    assert subprocess.run([sys.executable, "-I", "-c", bare], stderr=subprocess.DEVNULL).returncode
"""
NO_ADDRESS: Final = "from callwell import Client\nClient('userplane').me.get()\n"

USERPLANE: Final = make_account("userplane", key="file:/nowhere/key")
SPEECH: Final = make_account("language_confidence", key="file:/nowhere/key")
REAL: Final = make_account("userplane", key="env:REAL_PLACE")


class Case(NamedTuple):
    """A program or a workload, and how its drill must end.

    Attributes:
        drill: the drill; None for the rotation.
        program: the program; empty for a workload.
        account: the account.
        failed: the names of the proofs that do not hold.
        unchecked: a part of each reason why the drill shows less than it should.
        perhaps: the names of more proofs that may not hold, depending on how fast the machine is.
        others: more accounts of the project.
    """

    drill: FaultDrill | None
    program: str = ""
    account: ConfiguredAccount = USERPLANE
    failed: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    others: tuple[ConfiguredAccount, ...] = ()


CASES: Final[Mapping[str, Case]] = {
    "throttle, workload": Case(THROTTLE),
    "throttle, workload in a hurry": Case(
        THROTTLE,
        account=make_account("userplane", key="file:/nowhere/key", deadline=3.0),
        failed=("failed-calls",),
        perhaps=("lost",),
    ),
    "errors, workload": Case(SERVER_ERRORS),
    "lost, workload": Case(LOST_RESPONSE, account=make_account("apivideo", "sandbox", key="file:/nowhere/key")),
    "rotation, workload": Case(None, account=SPEECH),
    "throttle, polite": Case(THROTTLE, HTTP + POLITE),
    "throttle, callwell": Case(THROTTLE, CALLWELL),
    "throttle, hammering": Case(THROTTLE, HTTP + HAMMER, failed=("amplification",), perhaps=("early",)),
    "throttle, heedless": Case(THROTTLE, HTTP + HEEDLESS, failed=("lost",), others=(SPEECH,)),
    "throttle, crash": Case(
        THROTTLE, CRASH, REAL, unchecked=("no database for [hidden]", "none of the program's requests")
    ),
    "throttle, idle": Case(THROTTLE, IDLE, REAL, unchecked=("none of the program's requests",)),
    "throttle, endless": Case(THROTTLE, HTTP + ENDLESS, unchecked=("had not ended after 3 s",)),
    "throttle, real key": Case(THROTTLE, HTTP + WRONG_KEY, REAL, unchecked=("a key of this project to the emulator",)),
    "throttle, going out": Case(
        THROTTLE, HTTP + POLITE + GOING_OUT, unchecked=("tried to reach api.outside.invalid, 127.0.0.1:",)
    ),
    "throttle, no address": Case(
        THROTTLE, NO_ADDRESS, unchecked=("expected the address of the emulator", "none of the program's requests")
    ),
    "errors, heedless": Case(SERVER_ERRORS, HTTP + HEEDLESS, failed=("lost",)),
    "lost, repeating": Case(LOST_RESPONSE, HTTP + REPEATING, failed=("created-twice",)),
    "rotation, callwell": Case(None, CALLWELL),
    "rotation, heedless": Case(None, HTTP + HEEDLESS, failed=("new-key", "lost")),
    "rotation, once": Case(None, HTTP + ONCE, unchecked=("made no request after its key was rotated",)),
    "rotation, idle": Case(None, IDLE, unchecked=("none of the program's requests",)),
    "rotation, variable": Case(None, account=make_account("userplane"), failed=("key-source",)),
}


def drill(case: Case, folder: Path) -> list[DrillResult]:
    """Carry a drill out."""
    folder.mkdir()
    (folder / "program.py").write_text(case.program, encoding="utf-8")
    command = (sys.executable, "program.py") if case.program else ()
    limit_s = 3.0 if "sleep(600)" in case.program else 60.0
    project = Project(folder, (case.account, *case.others), Scope(command=command))
    if case.drill is None:
        return list(run_rotation_drill(project, limit_s=limit_s, start=start))
    return list(run_fault_drill(case.drill, project, limit_s=limit_s, start=start))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs are, each in a folder of its own."""
    return tmp_path_factory.mktemp("drills")


@pytest.fixture(scope="module")
def outside() -> Iterator[socket.socket]:
    """A server on this machine that no drill may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def results(folder: Path, outside: socket.socket) -> Mapping[str, list[DrillResult]]:
    """All drills, several at a time: most of what they do is to wait."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setenv("USERPLANE_API_KEY", REAL_KEY)
        patch.setenv("REAL_PLACE", REAL_KEY)
        patch.setenv("OTHER_PLACE", f"key={REAL_KEY}")
        patch.setenv("OUTSIDE_PORT", str(outside.getsockname()[1]))
        if landlock.is_available():
            patch.setenv("KERNEL_REFUSES", "1")
        begun = {name: pool.submit(drill, case, folder / name.replace(", ", "-")) for name, case in CASES.items()}
        return {name: future.result() for name, future in begun.items()}


@pytest.mark.parametrize("name", CASES)
def test_how_a_drill_ends(name: str, results: Mapping[str, list[DrillResult]]) -> None:
    """A program that behaves passes, what it does wrong is named, and without requests nothing is proved."""
    case = CASES[name]
    found = results[name]
    failed = {proof.name for result in found for proof in result.proofs if not proof.holds}
    unchecked = [part.what for result in found for part in result.unchecked]
    assert failed - set(case.perhaps) == set(case.failed), found
    assert len(unchecked) == len(case.unchecked), unchecked
    for text, expected in zip(unchecked, case.unchecked, strict=True):
        assert expected in text
        assert REAL_KEY not in text
    assert all(result.passed for result in found) == (not case.failed and not case.unchecked)


def test_a_program_has_no_real_key(folder: Path, results: Mapping[str, list[DrillResult]]) -> None:
    """No variable contains one, and addresses, keys and state are the drill's."""
    assert "rotation, idle" in results
    variables = json.loads((folder / "throttle-idle" / "variables.json").read_text(encoding="utf-8"))
    assert not [name for name, text in variables.items() if REAL_KEY in text]
    assert variables["USERPLANE_BASE_URL"] == variables["USERPLANE_PRODUCTION_BASE_URL"]
    assert variables["USERPLANE_BASE_URL"].startswith("http://127.0.0.1:")
    assert variables["CALLWELL_USERPLANE_PRODUCTION_KEY"].startswith("file:")
    assert variables["XDG_STATE_HOME"] != os.environ.get("XDG_STATE_HOME")
    assert variables["CALLWELL_DRILL"] == "userplane"


def test_nothing_but_the_emulator_is_reached(outside: socket.socket, results: Mapping[str, list[DrillResult]]) -> None:
    """Not by Python, not by HTTP libraries, and where the kernel can refuse it, not by any program."""
    assert "throttle, going out" in results
    with pytest.raises(BlockingIOError):
        outside.accept()


def test_nothing_outlives_a_drill(folder: Path, results: Mapping[str, list[DrillResult]]) -> None:
    """Keys and state are gone with it."""
    assert "throttle, idle" in results
    variables = json.loads((folder / "throttle-idle" / "variables.json").read_text(encoding="utf-8"))
    assert not os.path.exists(variables["CALLWELL_USERPLANE_KEY"].removeprefix("file:"))  # noqa: PTH110 - a string


def test_a_program_that_does_not_exist(tmp_path: Path) -> None:
    """Nothing is looked at, and the message names the command."""
    project = Project(tmp_path, (USERPLANE,), Scope(command=("no-such-program",)))
    with pytest.raises(CannotCheck, match="cannot be started: no-such-program"):
        list(run_fault_drill(THROTTLE, project, start=start))


def test_a_workload_without_a_fault_proves_nothing(tmp_path: Path) -> None:
    """What no request suffered shows nothing about the client, whoever sent the requests."""
    faultless = SERVER_ERRORS._replace(faults=lambda _account, _is_program: [])
    with pytest.raises(NotApplicable, match="nothing is read"):
        list(run_fault_drill(faultless, Project(tmp_path, (USERPLANE,)), start=start))


@pytest.mark.parametrize("drill", [THROTTLE, SERVER_ERRORS, LOST_RESPONSE, None])
def test_without_an_emulator(tmp_path: Path, drill: FaultDrill | None) -> None:
    """A drill that cannot be made says so."""

    def fail(_: EmulatorOptions) -> Running:
        raise EmulatorError("no port is free")

    project = Project(tmp_path, (USERPLANE,))
    results = run_fault_drill(drill, project, start=fail) if drill else run_rotation_drill(project, start=fail)
    with pytest.raises(CannotCheck, match="the emulator could not be started: no port is free"):
        list(results)


def test_where_drills_do_not_apply(tmp_path: Path) -> None:
    """A provider that cannot be emulated proves nothing, but is not a fault; among others it is named in a note."""
    other = USERPLANE.provider
    unknown = USERPLANE._replace(provider=type(other)(name="acme", profile=other.profile, api=other.api))
    for project, reason in (
        (Project(tmp_path, (unknown,)), "acme cannot be emulated, so nothing is proved"),
        (Project(tmp_path, (USERPLANE._replace(in_use=False),)), "no provider is in use"),
        (Project(tmp_path, (USERPLANE,), Scope(staged=True)), "only staged changes"),
    ):
        with pytest.raises(NotApplicable, match=reason):
            list(run_rotation_drill(project, start=start))
        with pytest.raises(NotApplicable, match=reason):
            list(run_fault_drill(THROTTLE, project, start=start))
    [note] = note_not_emulated(Project(tmp_path, (USERPLANE, unknown)))
    assert note.severity is Severity.NOTE
    assert "acme cannot be emulated" in note.what


def test_what_a_rotation_drill_proves_is_remembered(tmp_path: Path) -> None:
    """Passed or failed, but not if a part of it could not be looked at."""
    location = f"sqlite:///{tmp_path / 'state.db'}"
    account = make_account("userplane", state=location)
    passed = DrillResult("a", (Proof("lost", holds=True, text=""),), account=account)
    partial = DrillResult("the program", (), (Unchecked("it crashed"),))
    failed = DrillResult("a", (Proof("lost", holds=False, text=""),), account=account)
    seen = []
    for at, results in enumerate([[passed, partial], [passed], [failed, partial]], 1):
        record_results(results, float(at))
        state = open_state(location)
        record = read_drill(account, ROTATION, state)
        state.close()
        seen.append(record and (record.at, record.passed))
    assert seen == [None, (2.0, True), (3.0, False)]

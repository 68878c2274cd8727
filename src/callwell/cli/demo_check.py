# SPDX-License-Identifier: Apache-2.0
"""The last part of the demo: `callwell check` on a small project, with its faults, and with them fixed.

Both runs are separate processes, side by side, with no settings of the user in their environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.cli import output
from callwell.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SKIPPED_CHECKS: Final = ("drills", "keys.rotation-drill", "leaks.shapes", "leaks.shapes-in-history")
"""What would make the demo slow: drills run the emulator once more, for what the demo has just shown, and the search by
shape compiles its rules for ten seconds when it runs for the first time. The exact match finds the same keys."""

PASSED_VARIABLES: Final = ("PATH", "SYSTEMROOT", "PYTHONPATH", "PYTHONUTF8", "LANG", "COLUMNS")
"""What a process needs to start; all else could change what is found."""

TIMEOUT_S: Final = 120.0
"""Far more than the two seconds that it takes: a process that hangs must not hang the demo."""


class SampleRun(NamedTuple):
    """One run on the sample project.

    Attributes:
        name: what is different about it.
        expected: the exit code that it must have.
        code: the exit code that it had.
        verdict: its last line.
        report: its JSON document.
    """

    name: str
    expected: int
    code: int
    verdict: str
    report: Mapping[str, Any]


def check_samples(folder: Path) -> tuple[SampleRun, ...]:
    """Write the project twice, and check both.

    Args:
        folder: an existing, empty folder.

    Raises:
        LocalError: a run ended without a report.
    """
    from callwell.demo.sample_project import SAMPLES, write_sample

    started = []
    for name, fixed in (("with its faults", False), ("mended", True)):
        place = folder / ("mended" if fixed else "faulty")
        place.mkdir()
        project = write_sample(place, fixed=fixed)
        report = place / "report.json"
        arguments = ["check", str(project), "--offline", "--samples", str(project / SAMPLES), "--json", str(report)]
        arguments += [argument for left_out in SKIPPED_CHECKS for argument in ("--skip", left_out)]
        started.append((name, int(not fixed), report, _start(arguments, home=place)))
    try:
        return tuple(_finish(name, expected, report, process) for name, expected, report, process in started)
    finally:
        for *_, process in started:
            process.kill()  # nothing happens to one that has ended
            process.wait()


def _start(arguments: list[str], *, home: Path) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "callwell", *arguments],
        env={**kept, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _finish(name: str, expected: int, report: Path, process: subprocess.Popen[str]) -> SampleRun:
    printed, errors = process.communicate(timeout=TIMEOUT_S)
    if not report.is_file():
        raise LocalError(f"callwell check ended without a report (exit code {process.returncode}): {errors.strip()}")
    return SampleRun(
        name=name,
        expected=expected,
        code=process.returncode,
        verdict=printed.rstrip().rpartition("\n")[2],
        report=json.loads(report.read_text(encoding="utf-8")),
    )


def print_runs(runs: Sequence[SampleRun]) -> None:
    """Print what each run has found, a line for each group of checks, and its verdict."""
    output.emit("\ncallwell check on a sample project, with its faults and then without them:\n")
    for run in runs:
        output.emit(f"{run.name}: {run.verdict}")
        rows = list(_rows(run.report))
        if rows:
            output.emit("")
            output.emit_table(("group", "checks", "findings", "the first of them"), rows)
            output.emit("")


def _rows(report: Mapping[str, Any]) -> Iterator[tuple[str, int, int, str]]:
    """One row for each group: how many checks found something, and how much. Unchecked parts count too."""
    for group, members in groupby(report["checks"], key=itemgetter("group")):
        found = {check["id"]: [*check["findings"], *check["unchecked"]] for check in members}
        items = {check_id: parts for check_id, parts in found.items() if parts}
        if items:
            first, parts = next(iter(items.items()))
            place = parts[0]["path"] or "–"
            line = "" if parts[0]["line"] is None else f":{parts[0]['line']}"
            yield group, len(items), sum(map(len, items.values())), f"{first}: {place}{line}"

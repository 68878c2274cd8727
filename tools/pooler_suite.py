# SPDX-License-Identifier: Apache-2.0
"""State behind a real pooler in transaction mode: `tests/acceptance/test_pooler.py`, which needs PgBouncer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from packages import Failed

ROOT: Final = Path(__file__).parents[1]
TESTS: Final = "tests/acceptance/test_pooler.py"
NUMBER: Final = 4


def suite() -> dict[str, int]:
    """Run them.

    Returns:
        How many tests were `run`, `bad` and `skipped`.

    Raises:
        Failed: the run did not come to its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", TESTS, f"--junitxml={report}"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        print(done.stdout.decode("utf-8", "replace") if done.returncode else "", end="")
        if not report.exists():
            raise Failed(f"{TESTS}: the tests did not come to their end")
        counts = ET.parse(report).getroot()[0].attrib  # noqa: S314 - pytest wrote it just now
    bad = int(counts["failures"]) + int(counts["errors"])
    return {"run": int(counts["tests"]), "bad": bad, "skipped": int(counts["skipped"])}

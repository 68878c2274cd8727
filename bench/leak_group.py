# SPDX-License-Identifier: Apache-2.0
"""Runs the checks for leaks on a folder, as `callwell check --only leaks` does, with many accounts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from callwell.description import catalog
from callwell.readiness import registry
from callwell.readiness.project import ConfiguredAccount, EffectiveSetting, Project
from callwell.readiness.run import run_checks


def main() -> None:
    """Print what was found, and what could not be looked at."""
    workload = json.loads(sys.argv[1])
    provider = catalog.load("userplane")
    unset = EffectiveSetting(None, "default")
    accounts = tuple(
        ConfiguredAccount(
            provider=provider,
            environment=provider.environment().name,
            settings={"key": EffectiveSetting(f"file:{file}", "bench"), "user_secret": unset},
            in_use=True,
        )
        for file in workload["keys"]
    )
    report = run_checks(Project(Path(workload["folder"]), accounts), registry.select(["leaks"]))
    found = [
        (result.check.id, finding.place and finding.place._asdict(), finding.identity)
        for result in report.results
        for finding in result.findings
    ]
    unchecked = [(result.check.id, unchecked.what) for result in report.results for unchecked in result.unchecked]
    took = {result.check.id: round(result.took_s, 3) for result in report.results}
    print(json.dumps({"found": found, "unchecked": unchecked, "took_s": took}))


if __name__ == "__main__":
    main()

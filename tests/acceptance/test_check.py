# SPDX-License-Identifier: Apache-2.0
"""The whole command on the sample project: every check finds its fault there, and none in the fixed copy."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from callwell.demo.sample_project import SAMPLES, write_sample
from callwell.readiness import registry
from tests.acceptance.running import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HASTY: Final = """
import json, os, urllib.error, urllib.request

base = os.environ["USERPLANE_BASE_URL"]
key = open(os.environ["CALLWELL_USERPLANE_KEY"].removeprefix("file:")).read()


def ask(path, body=None):
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for _ in range(50):
        try:
            with urllib.request.urlopen(urllib.request.Request(base + path, body, headers)) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            error.read()
        except OSError:
            pass
    return {}


for number in range(3):
    ask(f"/public/me?n={number}")
workspaces = ask("/public/workspaces").get("workspaces", [])
for workspace in workspaces[:1]:
    place = f"/public/workspace/{workspace['workspaceId']}"
    for domain in ask(f"{place}/domains").get("domains", [])[:1]:
        ask(f"{place}/links", json.dumps({"domainId": domain["domainId"]}).encode())
"""
"""A program that has each fault that a drill looks for: it repeats at once whatever failed, and keeps its first key."""


def check(root: Path, *options: str) -> tuple[int, Mapping[str, Any]]:
    """Run the command in a project. Returns its exit code, and the checks of its report by ID."""
    command = [sys.executable, "-m", "callwell", "check", "--offline", "--samples", SAMPLES, "--json", *options]
    variables = {**os.environ, "XDG_STATE_HOME": str(root.parent / "state")}
    done = subprocess.run(
        command, cwd=root, env=variables, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, {result["id"]: result for result in json.loads(done.stdout)["checks"]}


def test_every_check_finds_its_fault(tmp_path: Path) -> None:
    """All but those that ask the provider itself, which no test may."""
    root = write_sample(tmp_path)
    program = tmp_path / "hasty.py"
    program.write_text(HASTY)
    exit_code, results = check(root, "--run", shlex.join([sys.executable, str(program)]))
    assert exit_code == 1
    online = {check_id for check_id in registry.CHECKS if registry.load(check_id).online}
    assert {check_id for check_id, result in results.items() if not result["findings"]} == online


def test_the_fixed_copy_is_ready(tmp_path: Path) -> None:
    """Nothing is found that counts, and every check could look."""
    exit_code, results = check(write_sample(tmp_path, fixed=True))
    outcomes = {result["outcome"] for result in results.values()}
    assert (exit_code, outcomes) == (0, {"passed", "skipped"})

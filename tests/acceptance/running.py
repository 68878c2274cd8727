# SPDX-License-Identifier: Apache-2.0
"""What acceptance tests share: `callwell export` as a user starts it, and what every end of it must look like."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from callwell import providers
from callwell.demo.checker import score_export

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.demo.scorecard import Scorecard
    from tests.export.emulated import Site

Json: TypeAlias = Any
PATIENCE_S = 240.0
LOCAL_ERROR = 7
NETWORK = 5


class End(NamedTuple):
    """How a command ended.

    Attributes:
        code: its exit code; negative for a signal.
        report: what it printed, if all was done.
        complaint: its one line on standard error, empty if all was done.
    """

    code: int
    report: Json
    complaint: str


def exporting(
    site: Site, *, tree: Path | None = None, state: Path | None = None, base_url: str | None = None
) -> subprocess.Popen[str]:
    """Start the command.

    Args:
        site: the world.
        tree: where to.
        state: the state's file.
        base_url: another way to the provider.
    """
    command = [sys.executable, "-m", "callwell", "export", "userplane", "--json", "--quiet"]
    command += ["--to", str(tree or site.tree), "--key", f"file:{site.key_file}"]
    command += ["--base-url", base_url or site.running.endpoint("userplane").base_url]
    command += ["--state", f"sqlite:///{state or site.state}"]
    environment = {**os.environ, "CALLWELL_CLOCK": str(site.running.endpoints.clock)}
    return subprocess.Popen(
        command, env=environment, cwd=site.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str], *, but: tuple[int, ...] = ()) -> End:
    """Wait for the end of a command, and see that it is one of those that a user may meet.

    Args:
        process: the command.
        but: the exit codes that are right here, besides 0: each comes with exactly one line of complaint.
    """
    try:
        output, complaints = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode in (0, *but), (process.returncode, output, complaints)
    if process.returncode == 0:
        assert complaints == ""
        return End(0, json.loads(output), "")
    assert output == ""
    assert complaints.startswith("callwell: ")
    assert complaints.count("\n") == 1
    return End(process.returncode, None, complaints.strip())


def check_names(tree: Path, truth: Mapping[str, Json]) -> int:
    """See that whatever has its final name is whole: files of items to the byte, files of records to the line.

    Args:
        tree: of an export that may be at any point.
        truth: the items as the emulator has them.

    Returns:
        how many files there are.
    """
    sums = {name: {asset["sha256"] for asset in item["assets"].values() if asset} for name, item in truth.items()}
    files = [path for path in tree.rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in files:
        data = path.read_bytes()
        if path.parent.parent.name == "recordings":
            assert hashlib.sha256(data).hexdigest() in sums[path.parent.name], path
        elif path.suffix == ".jsonl":
            assert not data or data.endswith(b"\n"), path
            assert all(isinstance(json.loads(line), dict) for line in data.splitlines()), path
        else:
            assert isinstance(json.loads(data), dict), path
    return len(files)


def card(site: Site, report: Json, tree: Path | None = None) -> Scorecard:
    """What the emulator and the files say about a finished export."""
    paging = providers.load("userplane").rule("recordings.list").paging
    ledger = site.control("/ledger")["userplane"]
    return score_export(tree or site.tree, ledger, key=str(paging and paging.key), verdict=report["verdict"])


def check_clean(card: Scorecard) -> None:
    """See that nothing is lost, doubled or wrong, and that no call came early or over the quota."""
    zero = ("lost", "duplicated", "wrong_bytes", "early_calls", "over_quota", "keys_seen_elsewhere")
    assert {name: getattr(card, name) for name in zero} == dict.fromkeys(zero, 0)
    assert card.verdict == "complete"

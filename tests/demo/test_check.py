# SPDX-License-Identifier: Apache-2.0
"""The last part of the demo: red, then green, whatever the user has set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from callwell.cli import demo
from callwell.cli.demo_check import SKIPPED_CHECKS, check_samples
from callwell.readiness.registry import expand
from tests.processes.commands import Commands

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_red_then_green(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each group with faults has a line in the table, and the verdicts are those that the demo promises."""
    monkeypatch.setenv("CALLWELL_CONFIG", str(tmp_path / "of-the-user.toml"))
    monkeypatch.setenv("COLUMNS", "160")
    with Commands() as commands:
        monkeypatch.setattr(sys, "executable", str(commands.folder / "python"))
        runs = check_samples(tmp_path)
    assert [run.code for run in runs] == [1, 0]
    demo._print_results({}, runs, seconds=1.0)
    printed = capsys.readouterr().out
    for group in ("leaks", "keys", "code", "life"):
        assert f"\n{group} " in printed
        assert f"   {group}." in printed
    assert "\nmended: passed, but not every check of the list was run (" in printed
    assert printed.endswith("every promise kept, in 1 s\n")
    demo._print_results({}, [runs[1]._replace(code=2)], seconds=1.0)
    assert "callwell check, mended: promise broken: exit code 2, promised 0" in capsys.readouterr().out


def test_what_is_left_out_exists() -> None:
    """By ID or group."""
    assert all(expand([name]) or name == "drills" for name in SKIPPED_CHECKS)

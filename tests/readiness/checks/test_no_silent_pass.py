# SPDX-License-Identifier: Apache-2.0
"""No check passes if what it looks at cannot be read. Drills have their own test: they look at a program alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell.readiness import registry
from callwell.readiness.check import Unchecked
from callwell.readiness.project import Project, Scope
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check
from tests.readiness.accounts import make_account

if TYPE_CHECKING:
    from pathlib import Path

CHECKS: Final = [check_id for check_id in registry.CHECKS if not check_id.startswith("drills.")]
UNREADABLE: Final = ("app.py", "view.vue", "compose.yaml", "dist/app.js", "app.log")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of which nothing can be read: loops of links, a broken repository, a closed port, no kingfisher."""
    root = tmp_path_factory.mktemp("blind")
    for name in UNREADABLE:
        (root / name).parent.mkdir(exist_ok=True)
        _make_loop(root / name)
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("nonsense", encoding="utf-8")
    loop = _make_loop(root / "loop")
    settings: dict[str, Any] = {
        "key": f"file:{loop}",
        "state": f"sqlite:///{loop}",
        "ca_file": str(loop),
        "base_url": "https://127.0.0.1:1",
    }
    accounts = [make_account(name, **settings) for name in ("userplane", "apivideo", "language_confidence")]
    accounts.append(make_account("apivideo", "sandbox", in_use=False, **settings))
    project = Project(root, tuple(accounts), Scope(samples=root / "none"))
    project.failed_descriptions = (Unchecked(what="the description of acme cannot be loaded"),)
    return project


def _make_loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


@pytest.mark.parametrize("check_id", CHECKS)
def test_what_cannot_be_read_does_not_pass(project: Project, check_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is incomplete, and says what it could not check; or finds that nothing can work so."""
    monkeypatch.setitem(sys.modules, "kingfisher", None)
    result = run_check(project, registry.load(check_id))
    if check_id == "life.tls":  # with such certificates no client can be made
        assert result.outcome is CheckOutcome.FOUND
        return
    assert result.unchecked, result
    assert all(unchecked.what for unchecked in result.unchecked)
    assert result.outcome is not CheckOutcome.PASSED

# SPDX-License-Identifier: Apache-2.0
"""Strings in the shape of a key are found in files and in history, and what could not be looked at is reported.

Kingfisher looks by our rules alone: it compiles its own in ten seconds.
"""

from __future__ import annotations

import base64
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from callwell.readiness import registry
from callwell.readiness.check import Place
from callwell.readiness.project import Project, Scope
from callwell.readiness.report import CheckOutcome, CheckResult
from callwell.readiness.run import run_checks
from callwell.readiness.shapes.scan import ShapeScan
from tests.readiness.made_history import fake_key, make_history
from tests.readiness.repositories import git

if TYPE_CHECKING:
    from pathlib import Path

OLD = fake_key(1)
NEW = fake_key(2)
SAID = fake_key(3)
PASSWORD = fake_key(4, prefix="")


def run(root: Path, scope: Scope | None = None) -> list[CheckResult]:
    """What the two checks find."""
    project = Project(root, scope=scope)
    project.shapes = ShapeScan(
        lambda: project.histories,
        project.files,
        staged=project.scope.staged,
        since=project.scope.since,
        with_builtin_rules=False,
    )
    return list(run_checks(project, registry.select(["leaks.shapes", "leaks.shapes-in-history"])).results)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a key in a file, one in an old commit, one in a message, and one that is staged."""
    commits = [
        ("first", {"app.py": f"key = '{OLD}'\n".encode(), "README.md": b"The key begins with uspl_.\n"}),
        (f"second\n\nwith {SAID}", {"app.py": b"key = load()\n"}),
        ("third", {"now [1].py": f"\n\nkey = '{NEW}'\n".encode()}),
    ]
    folder = make_history(tmp_path_factory.mktemp("shapes") / "app", commits)
    (folder / "settings.ini").write_text(f"password = {PASSWORD}\n")
    git(folder, "add", "settings.ini")
    (folder / "settings.ini").write_text("password = taken from elsewhere\n")
    return folder


def test_found(app: Path) -> None:
    """Each place in the files, each secret of the history with the first commit that has it; no text of a key."""
    files, history = run(app)
    assert [(finding.place, finding.what) for finding in files.findings] == [
        (Place("now [1].py", 3), "a string shaped like a key of Userplane is in the file")
    ]
    first, second, third = git(app, "rev-list", "--reverse", "main").splitlines()
    places = [finding.place for finding in history.findings]
    staged = Place(f"git object {git(app, 'rev-parse', ':settings.ini')[:12]}", 1)
    assert places == [
        Place("app.py", 1, first),
        Place("commit message", 3, second),
        staged,
        Place("now [1].py", 3, third),
    ]
    assert "dash.userplane.io" in history.findings[0].fix
    assert files.findings[0].identity == history.findings[3].identity
    assert not any(key in repr((files, history)) for key in (OLD, NEW, SAID, PASSWORD))
    assert not files.unchecked + history.unchecked


def test_only_staged(app: Path) -> None:
    """Staged content is looked at as it is staged; the history is not."""
    files, history = run(app, Scope(staged=True))
    assert history.outcome is CheckOutcome.NOT_APPLICABLE
    assert [finding.place for finding in files.findings] == [Place("settings.ini", 1)]


def test_only_later_commits(app: Path) -> None:
    """After a revision; one that git does not know is reported."""
    _, history = run(app, Scope(since="main~1"))
    assert [finding.place and finding.place.path for finding in history.findings] == ["now [1].py"]
    _, history = run(app, Scope(since="nowhere"))
    assert history.outcome is CheckOutcome.INCOMPLETE


def test_not_found(tmp_path: Path) -> None:
    """A folder without a history has none to run at."""
    (tmp_path / "app.py").write_text("key = os.environ['USERPLANE_API_KEY']\nuspl_prefix = 'uspl_'\n")
    files, history = run(tmp_path)
    assert files.outcome is CheckOutcome.PASSED
    assert history.outcome is CheckOutcome.NOT_APPLICABLE


def test_one_secret_in_many_places(tmp_path: Path) -> None:
    """Kingfisher reports a secret once: the other files with it are found beside the history, also in base64."""
    commits = [("first", {"app.py": f"key = '{OLD}'\n".encode()}), ("second", {"app.py": b"key = load()\n"})]
    folder = make_history(tmp_path / "app", commits)
    encoded = base64.b64encode(f"id:{OLD}:".encode()).decode()
    (folder / "again.py").write_text(f"one = '{OLD}'\n\ntwo = '{OLD}'\n")
    (folder / "header.txt").write_text(f"\nsent: {encoded}\n")
    (folder / "name.ini").write_text(f"other = {PASSWORD}\npassword = {PASSWORD}\n")
    places = [Place("again.py", 1), Place("again.py", 3), Place("header.txt", 2), Place("name.ini", 2)]
    files, history = run(folder)
    assert [finding.place for finding in files.findings] == places
    assert [finding.place and finding.place.path for finding in history.findings] == ["app.py"]
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("app.py", f"key = '{OLD}'\n")
    files, _ = run(folder)
    assert {finding.place and finding.place.path for finding in files.findings} >= {"again.py", "all.zip", "name.ini"}


def test_a_damaged_object_is_said(tmp_path: Path) -> None:
    """Kingfisher passes over it without a word."""
    root = make_history(tmp_path / "app", [("first", {"a.py": b"a = 1\n"})])
    damaged = git(root, "rev-parse", "HEAD:a.py")
    loose = root / ".git/objects" / damaged[:2] / damaged[2:]
    loose.chmod(0o600)
    loose.write_bytes(b"no object")
    files, history = run(root)
    assert files.outcome is CheckOutcome.PASSED
    assert [unchecked.what for unchecked in history.unchecked] == [f"the object {damaged} cannot be read"]


def test_incomplete(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without kingfisher both say so."""
    monkeypatch.setitem(sys.modules, "kingfisher", None)
    results = run(app)
    assert [result.outcome for result in results] == [CheckOutcome.INCOMPLETE] * 2
    assert all("kingfisher-bin" in result.unchecked[0].fix for result in results)

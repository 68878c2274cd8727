# SPDX-License-Identifier: Apache-2.0
"""Keys in use are found in all that git keeps, with the first commit, and never by their text."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from callwell.keys import Key
from callwell.readiness import registry
from callwell.readiness.check import Place
from callwell.readiness.project import Project, Scope
from callwell.readiness.report import CheckOutcome, CheckResult
from callwell.readiness.run import run_check
from tests.readiness.accounts import make_account
from tests.readiness.made_history import fake_key, make_history
from tests.readiness.repositories import git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.readiness.made_history import Commit

KEY = fake_key(11)
LOOK_ALIKE = KEY[:-1] + ("0" if KEY[-1] != "0" else "1")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has a key in each part of its history, and in none of its files."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "key").write_text(KEY)
    coded = base64.b64encode(f"{KEY}:".encode())
    commits: list[Commit] = [
        ("first", {"app.py": f"\nkey = '{KEY}'\n".encode(), "fine.py": LOOK_ALIKE.encode()}),
        ("second", {"app.py": f"\n\nkey = '{KEY}'\n".encode(), "http.log": b"authorization: Basic " + coded}),
        (f"third: {KEY}", {"app.py": b"key = load()\n", "http.log": None, f"{KEY}.txt": KEY.encode()}),
        ("fourth", {f"{KEY}.txt": None}),
    ]
    make_history(folder / "app", commits)
    git(folder / "app", "tag", "-a", "v1", "-m", f"with {KEY}", "main~3")
    git(folder / "app", "branch", f"try-{KEY}", "main~3")
    return folder / "app"


def check(root: Path, scope: Scope | None = None, key: str = "") -> CheckResult:
    """What the check finds; the key is in no part of it."""
    account = make_account("userplane", key=key or f"file:{root.parent / 'key'}")
    result = run_check(Project(root, (account,), scope), registry.load("leaks.keys-in-history"))
    assert KEY not in repr(result)
    return result


def test_found(app: Path) -> None:
    """Each file with its first commit, each message, and names of branches and tags."""
    result = check(app)
    first, second, third, _ = git(app, "rev-list", "--reverse", "main").splitlines()
    assert {finding.place for finding in result.findings} == {
        Place("app.py", 2, first),
        Place("http.log", 1, second),
        Place("commit message", None, third),
        Place("a path with the key in it", 1, third),
        Place("name or message of a branch or tag"),
    }
    assert result.outcome is CheckOutcome.FOUND
    assert all(f"callwell keys revoked {Key(KEY).fingerprint}" in finding.fix for finding in result.findings)
    found_in = {finding.place.path: finding.what for finding in result.findings if finding.place}
    assert found_in["app.py"].endswith("was committed, as it is, in 2 versions of the file")
    assert "in base64" in found_in["http.log"]


def test_only_later_commits(app: Path) -> None:
    """After a revision only what is new, and a revision that git does not know is reported."""
    paths = {finding.place and finding.place.path for finding in check(app, Scope(since="main~2")).findings}
    assert paths == {"commit message", "a path with the key in it", "name or message of a branch or tag"}
    result = check(app, Scope(since="nowhere"))
    assert result.outcome is CheckOutcome.INCOMPLETE


def test_in_no_commit(tmp_path: Path) -> None:
    """What was staged once and never committed is still in the repository."""
    (tmp_path / "key").write_text(KEY)
    root = make_history(tmp_path / "app", [("first", {"a.py": b"a = 1\n"})])
    assert check(root).outcome is CheckOutcome.PASSED
    blob = git(root, "hash-object", "-w", "--stdin", stdin=KEY.encode())
    (finding,) = check(root).findings
    assert finding.place == Place(f"git object {blob[:12]}", 1)
    assert "in no commit" in finding.what


def test_archives(tmp_path: Path) -> None:
    """An archive that was removed later is looked into, and one that cannot be opened is said once for each path."""
    (tmp_path / "key").write_text(KEY)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("conf/prod.env", f"\nKEY={KEY}\n")
    sealed = b"7z\xbc\xaf\x27\x1c"
    commits: list[Commit] = [
        ("first", {"backup.zip": archive.getvalue(), "old.7z": sealed}),
        ("second", {"backup.zip": None, "old.7z": sealed + b"2"}),
        ("third", {"old.7z": None, "a.py": b"a = 1\n"}),
    ]
    root = make_history(tmp_path / "app", commits)
    result = check(root)
    first = git(root, "rev-list", "--reverse", "main").split()[0]
    (finding,) = result.findings
    assert finding.place == Place("backup.zip", 2, first)
    assert finding.what.endswith("was committed, as it is, in conf/prod.env inside the file")
    (unchecked,) = result.unchecked
    assert (unchecked.place, "7-Zip" in unchecked.what) == (Place("old.7z", None, first), True)


def test_incomplete(app: Path, tmp_path: Path) -> None:
    """A shallow clone, files in Git LFS, and a key that is not at hand."""
    shallow = tmp_path / "app"
    git(app, "clone", "--quiet", "--depth=1", app.as_uri(), str(shallow))
    (tmp_path / "key").write_text(KEY)
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    git(shallow, "hash-object", "-w", "--stdin", stdin=pointer)
    result = check(shallow)
    assert [unchecked.what.partition(",")[0] for unchecked in result.unchecked] == [
        "the clone is shallow",
        "1 versions of files are in Git LFS",
    ]
    assert check(app, key="env:NO_KEY_IN_THIS_VARIABLE").outcome is CheckOutcome.INCOMPLETE


def test_not_applicable(app: Path, tmp_path: Path) -> None:
    """Without a repository, and if only staged changes are looked at."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "app").mkdir()
    assert check(tmp_path / "app").outcome is CheckOutcome.NOT_APPLICABLE
    assert check(app, Scope(staged=True)).outcome is CheckOutcome.NOT_APPLICABLE

# SPDX-License-Identifier: Apache-2.0
"""Keys in use in files: found in every kind of file, named without their text, and never passed over silently."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import secrets
import zipfile
from typing import TYPE_CHECKING

import pytest

from callwell.keys import Key
from callwell.readiness import registry
from callwell.readiness.check import CannotCheck, Severity
from callwell.readiness.known_keys.digests import make_digests, write_digests
from callwell.readiness.known_keys.known_key import KnownKey
from callwell.readiness.project import Project, Scope
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check
from tests.readiness.accounts import make_account
from tests.readiness.repositories import git, write_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.readiness.check import Finding
    from callwell.readiness.report import CheckResult

KEY = f"uspl_{secrets.token_hex(20)}"
"""Made when the tests run."""

LOOK_ALIKE = KEY[:-1] + ("0" if KEY[-1] != "0" else "1")
FINGERPRINT = Key(KEY).fingerprint


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one key in use, which is outside its folder."""
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project", (make_account("userplane", key=f"file:{key_file}"),))


def check(project: Project, name: str) -> CheckResult:
    """The result of a check, which never has the text of the key."""
    result = run_check(project, registry.load(f"leaks.{name}"))
    assert KEY not in repr(result)
    return result


def places(result: CheckResult) -> list[str]:
    """Where something was found."""
    return [str(finding.place) for finding in result.findings]


def as_zip(name: str, content: str) -> bytes:
    """A ZIP file with one member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def notebook(text: str) -> str:
    """A notebook with a text in the output of a cell."""
    output = {"output_type": "stream", "name": "stdout", "text": ["first\n", f"{text}\n"]}
    return json.dumps({"cells": [{"cell_type": "code", "source": ["print()"], "outputs": [output]}]}, indent=1)


def in_kinds_of_files(text: str) -> dict[str, str | bytes]:
    """Files of all kinds that have a text."""
    coded = base64.b64encode(f"user:{text}".encode()).decode()
    return {
        "app.py": f'\n\nKEY = "{text}"\n',
        "split.py": f'KEY = (\n    "{text[:20]}"\n    "{text[20:]}"\n)\n',
        "analysis.ipynb": notebook(text),
        "Dockerfile": f"ENV KEY={text}\n",
        "compose.yaml": f"environment:\n  KEY: {text}\n",
        ".github/workflows/ci.yml": f"env:\n  KEY: {text}\n",
        ".env": f"KEY={text}\n",
        "settings.json": json.dumps({"inner": json.dumps({"authorization": f"Basic {coded}"})}),
        "secret.yaml": f"data:\n  key: {coded[:30]}\n    {coded[30:]}\n",
        "windows.txt": f"KEY={text}\r\n".encode("utf-16"),
        "broken.txt": b"\xff\xfe\xfd" + text.encode() + b"\x80",
        "app.js.map": json.dumps({"sources": ["src/api.js"], "sourcesContent": [f'\nfetch(url, {{"key": "{text}"}})']}),
        "backup.zip": as_zip("deep/.env", f"\nKEY={text}\n"),
        "dump.sql.gz": gzip.compress(f"-- dump\n{text}".encode()),
        "huge.csv": b"row,1\n" * 400_000 + text.encode() + b"\n" + b"row,2\n" * 100_000,
    }


def test_a_name_with_the_key_in_it_is_not_printed(project: Project) -> None:
    """The name of a file or of a member of an archive is searched, and neither is in the report."""
    write_files(project.root, {f"{KEY}.txt": "nothing", "a.zip": as_zip(f"{KEY}/.env", KEY)})
    result = check(project, "keys-in-files")
    assert {place.partition(":")[0] for place in places(result)} == {"a path with the key in it", "a.zip"}
    assert {finding.what.partition("is in ")[2] for finding in result.findings} == {
        "the name of the file, as it is",
        "the file, as it is",  # a ZIP file has the names of its members as they are
        "(a name with the key in it) which is inside the file, as it is",
    }


@pytest.mark.parametrize("error", [CannotCheck, OSError], ids=lambda kind: kind.__name__)
def test_what_stops_a_check_is_reported_without_the_key(project: Project, error: type[Exception]) -> None:
    """A program that a check runs may name the file that stops it."""

    def stop(asked: Project) -> Iterator[Finding]:
        yield from ()
        assert asked.keys_in_use.keys
        raise error(f"git cannot read {KEY}.txt")

    result = run_check(project, registry.load("leaks.keys-in-files")._replace(run=stop))
    assert result.outcome is CheckOutcome.INCOMPLETE
    assert "git cannot read" in result.unchecked[0].what
    assert KEY not in repr(result)


def test_kinds_of_files(project: Project) -> None:
    """Each file that has the key, with the line; none that has only a look-alike."""
    files = in_kinds_of_files(KEY)
    write_files(project.root, files)
    write_files(project.root / "mended", in_kinds_of_files(LOOK_ALIKE))
    result = check(project, "keys-in-files")
    assert {place.partition(":")[0] for place in places(result)} == files.keys()
    lines = {
        "app.py:3",
        "app.js.map:2",
        "split.py:2",
        "huge.csv:400001",
        "backup.zip:2",
        "dump.sql.gz:2",
        "secret.yaml:2",
    }
    assert lines <= set(places(result))
    assert result.unchecked == ()
    texts = {str(finding.place): finding for finding in result.findings}
    assert texts["app.py:3"].what == (
        f"the userplane key of production (file:{project.root.parent / 'key'}, fingerprint {FINGERPRINT}) "
        "is in the file, as it is"
    )
    assert "in deep/.env, which is inside the file" in texts["backup.zip:2"].what
    assert "in src/api.js, which is inside the file" in texts["app.js.map:2"].what
    assert "in base64" in texts["settings.json:1"].what
    assert texts["app.py:3"].identity == FINGERPRINT
    assert f"callwell keys revoked {FINGERPRINT}" in texts["app.py:3"].fix
    assert "https://dash.userplane.io" in texts["app.py:3"].fix


@pytest.mark.parametrize("name", ["keys-in-files", "keys-shipped", "keys-in-logs"])
def test_a_project_without_keys_in_use(tmp_path: Path, name: str) -> None:
    """Without accounts there is nothing to search for; with a key that is missing, that is reported."""
    write_files(tmp_path, {"a.py": "", "a.log": "", "dist/a.js": ""})
    assert check(Project(tmp_path), name).outcome is CheckOutcome.NOT_APPLICABLE
    absent = Project(tmp_path, (make_account("userplane", key="env:CALLWELL_TEST_ABSENT"),))
    result = check(absent, name)
    assert result.outcome is CheckOutcome.INCOMPLETE
    assert "CALLWELL_TEST_ABSENT is not set" in result.unchecked[0].what
    assert "--known-keys" in result.unchecked[0].fix


def test_a_key_that_is_known_by_its_digest(project: Project, tmp_path: Path) -> None:
    """A machine without the key gives the same findings, but for the source, which is where the digest was made."""
    write_files(project.root, in_kinds_of_files(KEY) | {"other.py": LOOK_ALIKE})
    known = KnownKey(fingerprint=FINGERPRINT, provider="userplane", environment="production", source="env:PRODUCTION")
    write_digests(tmp_path / "known-keys.json", make_digests([(known, Key(KEY))]))
    absent = make_account("userplane", key="env:CALLWELL_TEST_ABSENT")
    on_ci = Project(project.root, (absent,), Scope(known_keys=tmp_path / "known-keys.json"))
    result = check(on_ci, "keys-in-files")
    assert places(result) == places(check(project, "keys-in-files"))
    assert result.unchecked == ()
    assert "env:PRODUCTION" in result.findings[0].what
    (tmp_path / "known-keys.json").write_text("{}")
    assert check(Project(project.root, (absent,), on_ci.scope), "keys-in-files").outcome is CheckOutcome.INCOMPLETE


def test_what_a_build_ships(project: Project) -> None:
    """Ignored files count where a build takes them, and only there."""
    write_files(project.root, {".gitignore": ".env\ndist\n", ".env": KEY, "dist/app.js.map": f'"{KEY}"', "a.py": "x"})
    git(project.root, "init")
    assert places(check(project, "keys-in-files")) == []
    assert places(check(project, "keys-shipped")) == ["dist/app.js.map:1"]
    with_image = Project(project.root, project.accounts)
    write_files(project.root, {"Dockerfile": "COPY . .\n"})
    result = check(with_image, "keys-shipped")
    assert places(result) == [".env:1", "dist/app.js.map:1"]
    assert "shipped by Dockerfile" in result.findings[0].what
    write_files(project.root, {".env": LOOK_ALIKE, "dist/app.js.map": ""})
    assert check(with_image, "keys-shipped").outcome is CheckOutcome.PASSED
    write_files(project.root, {"dist/a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(20)})
    assert check(Project(project.root, project.accounts), "keys-shipped").outcome is CheckOutcome.INCOMPLETE


def test_logs_cassettes_and_states(project: Project) -> None:
    """Ignored ones too. Without any the question does not arise."""
    assert check(project, "keys-in-logs").outcome is CheckOutcome.NOT_APPLICABLE
    write_files(
        project.root, {".gitignore": "*.log\n", "app.log": f"\n{KEY}\n" * 3, "tests/cassettes/a.yaml": f"- {KEY}\n"}
    )
    write_files(project.root.parent, {"state.db": KEY})
    git(project.root, "init")
    state = f"sqlite:///{project.root.parent / 'state.db'}"
    account = make_account("userplane", key=f"file:{project.root.parent / 'key'}", state=state)
    logs = Project(project.root, (account,))
    found = places(check(logs, "keys-in-logs"))
    assert found == [
        f"{project.root.parent / 'state.db'}:1",
        *("app.log:2", "app.log:4", "app.log:6"),
        "tests/cassettes/a.yaml:1",
    ]
    assert check(logs, "keys-in-files").outcome is CheckOutcome.PASSED


def test_a_log_with_thousands_of_keys_is_short_in_the_report(project: Project) -> None:
    """The number is reported."""
    write_files(project.root, {"app.log": f"{KEY}\n" * 1000})
    result = check(project, "keys-in-logs")
    assert len(result.findings) == 21
    assert result.findings[-1].what.endswith("is in it 980 more times")


def test_staged_changes(project: Project) -> None:
    """Only what is staged, as it is staged."""
    write_files(project.root, {"old.py": KEY})
    git(project.root, "init")
    git(project.root, "add", ".")
    git(project.root, "commit", "-m", "first")
    write_files(project.root, {"new.py": f"\n{KEY}", "other.py": KEY})
    git(project.root, "add", "new.py")
    write_files(project.root, {"new.py": ""})
    staged = Project(project.root, project.accounts, Scope(staged=True))
    assert places(check(staged, "keys-in-files")) == ["new.py:2"]
    no_repository = Project(project.root.parent, project.accounts, Scope(staged=True))
    assert check(no_repository, "keys-in-files").outcome is CheckOutcome.INCOMPLETE


def test_what_cannot_be_read_is_said(project: Project) -> None:
    """The other files are looked at all the same. A link has no content, and one that leads nowhere is advice."""
    write_files(project.root, {"a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(20), "b.py": KEY})
    (project.root / "loop").symlink_to("loop")
    (project.root / "out").symlink_to("../key")
    result = check(project, "keys-in-files")
    assert places(result) == ["b.py:1", "loop"]
    assert result.findings[1].severity is Severity.NOTE
    assert [str(unchecked.place) for unchecked in result.unchecked] == ["a.7z"]
    (project.root / "b.py").unlink()
    result = check(project, "keys-in-files")
    assert [str(unchecked.place) for unchecked in result.unchecked] == ["a.7z", "b.py"]
    assert "cannot be read: No such file" in result.unchecked[1].what


def test_a_bare_repository(project: Project) -> None:
    """It has no files."""
    git(project.root, "init", "--bare")
    assert check(project, "keys-in-files").outcome is CheckOutcome.INCOMPLETE


def test_other_secrets_and_short_keys(project: Project, tmp_path: Path) -> None:
    """The secret of pseudonyms is searched for too; a string that is part of many words is not."""
    write_files(tmp_path, {"secret": "0123456789abcdef" * 4, "short": "abc"})
    write_files(project.root, {"a.py": "0123456789abcdef" * 4})
    key_file = f"file:{tmp_path / 'short'}"
    account = make_account("language_confidence", key=key_file, user_secret=f"file:{tmp_path / 'secret'}")
    result = check(Project(project.root, (account,)), "keys-in-files")
    assert places(result) == ["a.py:1"]
    assert "user_secret of" in result.findings[0].what
    assert "names of end users" in result.findings[0].fix
    assert "shorter than 8 bytes" in result.unchecked[0].what


def test_environments_with_one_key(project: Project) -> None:
    """A key is reported once, for the environment in use; one that is not in use may be absent, unless it was set."""
    key_file = f"file:{project.root.parent / 'key'}"
    write_files(project.root, {"a.py": KEY})
    other = make_account("userplane", in_use=False, key=key_file)
    in_use = make_account("userplane", key=key_file)
    unset = make_account("apivideo", "sandbox", in_use=False)
    wanted = make_account("apivideo", "production", in_use=False, key="env:CALLWELL_TEST_ABSENT")
    result = check(Project(project.root, (other, in_use, unset, wanted)), "keys-in-files")
    assert places(result) == ["a.py:1"]
    assert len(result.unchecked) == 1
    assert "key of apivideo (production)" in result.unchecked[0].what
    assert os.environ.get("CALLWELL_TEST_ABSENT") is None

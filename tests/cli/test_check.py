# SPDX-License-Identifier: Apache-2.0
"""`callwell check`: which providers it looks at, what it writes where, and that it never passes silently."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from callwell.cli.check_accounts import find_accounts
from callwell.cli.settings import Settings
from callwell.errors import UsageError
from callwell.readiness.files import ProjectFiles
from callwell.readiness.registry import CHECKS
from tests.cli.emulated import KEY_VARIABLE, Shell
from tests.docs import pages, tutorial
from tests.readiness.repositories import git

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a-key-that-is-plainly-not-real"
TOML = "[userplane]\naccount = 'a'\n"
FEW = ("--only", "keys.file-mode", "--only", "code.ignore-comments")
"""Two checks that need nothing but files."""


@pytest.fixture
def cli(tmp_path: Path) -> Shell:
    """A shell in a project with one fault: everyone can read the key file."""
    project = tmp_path / "shop"
    project.mkdir()
    (project / "app.py").write_text('from callwell import Client\n\nclient = Client("userplane")\n', encoding="utf-8")
    (project / "callwell.toml").write_text('[userplane]\nkey = "file:../provider.key"\n', encoding="utf-8")
    (tmp_path / "provider.key").write_text(KEY, encoding="utf-8")
    (tmp_path / "provider.key").chmod(0o644)
    return Shell(project, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, KEY, "")


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No key is in this process's environment."""
    for name in os.environ:
        if name.endswith("API_KEY") or name.startswith("CALLWELL_") or name == "RAPIDAPI_KEY":
            monkeypatch.delenv(name)
    return monkeypatch


def fix_findings(cli: Shell) -> None:
    """Mend the fault."""
    (cli.folder.parent / "provider.key").chmod(0o600)


def test_red_then_mended_then_green(cli: Shell) -> None:
    """The finding, the remedy and the verdict; no key is printed."""
    red = cli.run("check", *FEW)
    assert red.code == 1, red
    assert "chmod 600" in red.out
    assert red.out.splitlines()[-1].startswith("not ready: there are findings (1 finding in 1 check, 1 passed, ")
    assert KEY not in red.out
    fix_findings(cli)
    green = cli.run("check", *FEW)
    assert green.code == 0, green
    assert green.out.splitlines()[-1].startswith("passed, but not every check of the list was run (2 passed, ")
    assert "\x1b" not in green.out


def test_the_history_of_a_bare_repository(cli: Shell) -> None:
    """A bare repository has one; checks of files are incomplete."""
    git(cli.folder, "init", "--bare", "--quiet", "mirror.git")
    history = ("--only", "leaks.keys-in-history")
    ended = cli.run("check", "mirror.git", *history)
    assert (ended.code, "1 passed" in ended.out) == (0, True), ended
    whole = cli.run("check", "mirror.git", "--provider", "userplane", *history, "--only", "code.retries-4xx")
    assert (whole.code, "which has a history and no files" in " ".join(whole.out.split())) == (2, True), whole


def test_a_description_that_cannot_be_loaded(cli: Shell) -> None:
    """The report says so, whichever checks were asked for: what it describes was not looked at."""
    (cli.folder / "acme").mkdir()
    (cli.folder / "acme" / "profile.toml").write_text("name = 3\n", encoding="utf-8")
    (cli.folder / "more.py").write_text('Client("./acme")\n', encoding="utf-8")
    fix_findings(cli)
    ended = cli.run("check", *FEW, "--json")
    assert (ended.code, ended.json["verdict"]) == (2, "incomplete"), ended
    assert "acme" in str(ended.json["checks"][-1])


def test_every_format_in_one_run(cli: Shell) -> None:
    """Files for those with a name, standard output for the one without, and the same findings in each."""
    ended = cli.run("check", ".", *FEW, "--sarif", "a.sarif", "--junit=a.xml", "--html", "a.html", "--json")
    assert (ended.code, ended.err) == (1, "")
    assert (ended.json["verdict"], ended.json["accounts"]) == ("found", ["userplane/production"])
    sarif = json.loads((cli.folder / "a.sarif").read_text(encoding="utf-8"))
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["keys.file-mode"]
    assert ET.parse(cli.folder / "a.xml").getroot().get("failures") == "1"  # noqa: S314 - our own text
    assert "keys.file-mode" in (cli.folder / "a.html").read_text(encoding="utf-8")
    assert cli.run("check", *FEW, "--json", ".").json["verdict"] == "found"


def test_accepted_until_a_day(cli: Shell) -> None:
    """`--accept` writes the entry, by the ID of the finding; a past day, or none, is refused."""
    (finding,) = cli.run("check", *FEW, "--json").json["checks"][0]["findings"]
    accepted = cli.run("check", *FEW, "--accept", finding["id"], "--reason", "a sample", "--until", "2999-12-31")
    assert accepted.code == 0, accepted
    assert ".callwell-baseline.toml: 1 added, accepted until 2999-12-31" in accepted.err
    assert "accepted until 2999-12-31" in cli.run("check", *FEW).out
    baseline = cli.folder / ".callwell-baseline.toml"
    baseline.write_text(baseline.read_text(encoding="utf-8").replace("2999", "1999"), encoding="utf-8")
    expired = cli.run("check", *FEW)
    assert expired.code == 1
    assert "it was accepted until 1999-12-31" in " ".join(expired.out.split())
    fix_findings(cli)
    stale = cli.run("check", *FEW)
    assert stale.code == 0
    assert "delete the entry" in stale.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere",), "there is no folder nowhere"),
        (("app.py",), "app.py is a file; name its folder"),
        (("empty",), "empty has no files: there is nothing to check"),
        (("plain",), "no provider is in use in"),
        (("--provider", "userplan"), "userplane"),
        (("--only", "keys.file-mod"), "keys.file-mode"),
        (("--only", "keys", "--skip", "keys"), "no check is left"),
        (("--only", "life.tls", "--offline"), "all of them send requests"),
        (("--baseline", "none.toml"), "there is no baseline none.toml"),
        (("--accept", "keys.file-mode"), "--accept needs --reason TEXT and --until DATE"),
        (("--reason", "why"), "--reason and --until belong to --accept"),
        (("--accept", "x", "--reason", "y", "--until", "tomorrow"), "a date such as 2027-01-31"),
        (("--accept", "x", "--reason", "y", "--until", "2020-01-01"), "a day that has not passed"),
        ((*FEW, "--accept", "x", "--reason", "y", "--until", "2999-01-01"), "x matches no finding"),
        (("--samples", "nowhere"), "a folder that exists"),
        (("--run", "python 'app.py"), "a command as a shell reads it"),
        (("--json", "--sarif"), "--json and --sarif cannot both be on standard output"),
    ],
)
def test_what_cannot_be_done(cli: Shell, arguments: tuple[str, ...], complaint: str) -> None:
    """Exit code 2, and one line that says what and why: never a silent pass."""
    (cli.folder / "empty").mkdir()
    (cli.folder.parent / "plain").mkdir()
    (cli.folder.parent / "plain" / "readme.txt").write_text("nothing", encoding="utf-8")
    paths = [f"../{argument}" if argument == "plain" else argument for argument in arguments]
    assert complaint in cli.fails(2, "check", *paths)


def test_the_list_of_checks(cli: Shell) -> None:
    """Each check with what holds when it passes, without a project."""
    listed = cli.run("check", "nowhere", "--list")
    assert listed.code == 0
    for check_id in CHECKS:
        assert check_id in listed.out


@pytest.mark.parametrize(
    ("files", "variables", "named", "providers"),
    [
        ({}, {}, (), None),
        ({"a.txt": "userplane"}, {}, (), None),
        ({}, {}, ("userplane",), {"userplane"}),
        ({}, {KEY_VARIABLE: KEY}, (), {"userplane"}),
        ({}, {KEY_VARIABLE: ""}, (), None),
        ({"a.py": 'Client("language-confidence")'}, {}, (), {"language_confidence"}),
        ({"a/b.py": "from callwell.providers.apivideo import client"}, {}, (), {"apivideo"}),
        ({"a.py": "httpx.get('https://sandbox.api.video/videos')"}, {}, (), {"apivideo"}),
        (
            {"callwell.toml": TOML, "a.py": "Client('apivideo')"},
            {},
            (),
            {"userplane", "apivideo"},
        ),
        ({"callwell.toml": TOML}, {}, ("apivideo",), {"apivideo"}),
        ({"callwell.toml": "deadline = 3\n"}, {}, (), None),
    ],
)
def test_which_providers_are_looked_at(
    tmp_path: Path,
    no_keys: pytest.MonkeyPatch,
    *,
    files: dict[str, str],
    variables: dict[str, str],
    named: tuple[str, ...],
    providers: set[str] | None,
) -> None:
    """Those that are named; else those that are configured, have a key, or stand in the code."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name, text in variables.items():
        no_keys.setenv(name, text)
    settings = Settings.discover(folder=tmp_path)
    if providers is None:
        with pytest.raises(UsageError, match="no provider is in use"):
            find_accounts(settings, tmp_path, ProjectFiles(tmp_path), named)
        return
    accounts = find_accounts(settings, tmp_path, ProjectFiles(tmp_path), named).accounts
    assert {account.provider.name for account in accounts} == providers
    for name in providers:
        own = [account for account in accounts if account.provider.name == name]
        assert [account.in_use for account in own] == [True, *[False] * (len(own) - 1)]
        assert {account.environment for account in own} == set(own[0].provider.profile.environments)


@pytest.mark.usefixtures("no_keys")
def test_a_described_folder_is_looked_at(tmp_path: Path) -> None:
    """A client made of the folder of a description, beside the file or in the project's folder."""
    for part in pages.blocks(tutorial.PAGE):
        if part.title in ("openapi.json", "invoices/profile.toml"):
            file = tmp_path / "invoices" / part.title.removeprefix("invoices/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(part.text, encoding="utf-8")
    (tmp_path / "app.py").write_text('Client("./invoices")\n', encoding="utf-8")
    (account,) = find_accounts(Settings({}, None), tmp_path, ProjectFiles(tmp_path)).accounts
    assert account.provider.name == "invoices"

# SPDX-License-Identifier: Apache-2.0
"""Variables: one address for each environment, and a sentence about those that set nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell import providers
from callwell.cli.config_file import read_config_file
from callwell.cli.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.emulated import Shell

TRIAL = "https://trial.test"
OWN = "https://own.test"
PRODUCTION = providers.load("apivideo").environment("production").base_url
SANDBOX = providers.load("apivideo").environment("sandbox").base_url


def where(variables: dict[str, str], environment: str | None = None, *, file: Any = None) -> object:
    """The address that holds for an environment of api.video."""
    held = Settings(variables, file).resolve(providers.load("apivideo"), {"environment": environment})
    return held["base_url"].value


@pytest.mark.parametrize("short", ["APIVIDEO_BASE_URL", "CALLWELL_APIVIDEO_BASE_URL"])
def test_the_general_one_is_that_of_the_default(short: str) -> None:
    """An address without an environment's name is never that of another environment."""
    assert where({short: TRIAL}) == TRIAL
    assert where({short: TRIAL}, "production") == TRIAL
    assert where({short: TRIAL}, "sandbox") == SANDBOX


@pytest.mark.parametrize("name", ["APIVIDEO_SANDBOX_BASE_URL", "CALLWELL_APIVIDEO_SANDBOX_BASE_URL"])
def test_each_environment_has_its_own(name: str) -> None:
    """It holds for that environment alone, and goes before the general one."""
    assert where({name: OWN}, "sandbox") == OWN
    assert where({name: OWN}) == PRODUCTION
    chosen = {name: OWN, "APIVIDEO_BASE_URL": TRIAL, "CALLWELL_APIVIDEO_ENVIRONMENT": "sandbox"}
    assert where(chosen) == OWN
    assert where(chosen, "production") == PRODUCTION


def test_the_default_is_the_one_that_is_set() -> None:
    """Whoever sets another environment for all commands means it by the general address too."""
    chosen = {"CALLWELL_APIVIDEO_ENVIRONMENT": "sandbox", "APIVIDEO_BASE_URL": TRIAL}
    assert where(chosen) == TRIAL
    assert where(chosen, "production") == PRODUCTION


def test_the_file_keeps_to_the_same(tmp_path: Path) -> None:
    """The provider's table speaks of the default environment, each environment's table of that."""
    path = tmp_path / "callwell.toml"
    path.write_text(f'[apivideo]\nbase_url = "{TRIAL}"\n[apivideo.sandbox]\nbase_url = "{OWN}"\n')
    file = read_config_file(path, trusted=True)
    assert (where({}, file=file), where({}, "sandbox", file=file)) == (TRIAL, OWN)
    path.write_text(f'[apivideo]\nbase_url = "{TRIAL}"\n')
    assert where({}, "sandbox", file=read_config_file(path, trusted=True)) == SANDBOX


def test_other_settings_of_an_environment() -> None:
    """What an environment has can be said for it; what it leaves unsaid is the provider's."""
    variables = {"CALLWELL_APIVIDEO_SANDBOX_ACCOUNT": "trials", "CALLWELL_APIVIDEO_ACCOUNT": "team"}
    settings = Settings(variables, None)
    described = providers.load("apivideo")
    assert settings.resolve(described, {})["account"].value == "team"
    assert settings.resolve(described, {"environment": "sandbox"})["account"].value == "trials"


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("CALLWELL_STAT", "did you mean CALLWELL_STATE?"),
        ("CALLWELL_DEADLINES", "did you mean CALLWELL_DEADLINE?"),
        ("CALLWELL_APIVIDEO_ACOUNT", "did you mean CALLWELL_APIVIDEO_ACCOUNT?"),
        ("CALLWELL_USERPLAN_KEY", "did you mean CALLWELL_USERPLANE_KEY?"),
        ("CALLWELL_APIVIDEO_SANBOX_BASE_URL", "unknown environment 'sanbox' of apivideo: did you mean sandbox?"),
        ("CALLWELL_APIVIDEO_STAGING_KEY", "unknown environment 'staging' of apivideo: known: production, sandbox"),
        ("APIVIDEO_STAGING_BASE_URL", "unknown environment 'staging' of apivideo: known: production, sandbox"),
        ("LANGUAGE_CONFIDENCE_RAPID_BASE_URL", "unknown environment 'rapid' of language_confidence: known: production"),
        ("CALLWELL_X", "`callwell config --help` lists the variables that do"),
    ],
)
def test_what_sets_nothing_is_reported(variable: str, expected: str) -> None:
    """With the nearest name, or the environments that there are."""
    printed = Settings({variable: "x"}, None).unknown_variables()
    assert list(printed) == [variable]
    assert printed[variable].startswith(f"{variable} sets nothing: ")
    assert expected in printed[variable]


def test_what_is_nobodys_business() -> None:
    """Known names, and those that only look a little like ours, are passed over."""
    fine = ["CALLWELL_CONFIG", "CALLWELL_DEBUG", "CALLWELL_CLOCK", "CALLWELL_PROXY", "APIVIDEO_BASE_URL", "BASE_URL"]
    more = ["CALLWELL_APIVIDEO_SANDBOX_DEADLINE", "MY_BASE_URL", "_CALLWELL_LINE", "APIVIDEO_CDN_URL", "USERPLANE_KEY"]
    assert Settings(dict.fromkeys([*fine, *more], "x"), None).unknown_variables() == {}


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_an_empty_variable_is_not_set(text: str) -> None:
    """It says nothing, and `config` says so."""
    settings = Settings({"CALLWELL_STATE": text, "APIVIDEO_BASE_URL": text, "CALLWELL_DEADLINE": "5"}, None)
    assert not settings.general("state").is_set
    assert where({"APIVIDEO_BASE_URL": text}) == PRODUCTION
    assert settings.empty_variables() == ["CALLWELL_STATE"]


def test_commands_say_it_once(cli: Shell) -> None:
    """On standard error, while the command goes on; completion is not disturbed."""
    ended = cli.run("call", "userplane", "me.get", CALLWELL_STAT="memory:", CALLWELL_DEADLINE="")
    assert ended.code == 0
    assert ended.err == "callwell: CALLWELL_STAT sets nothing: did you mean CALLWELL_STATE?\n"
    typed = cli.run(CALLWELL_STAT="x", _CALLWELL_COMPLETE="bash", _CALLWELL_LINE="callwell call user")
    assert (typed.code, typed.err) == (0, "")


def test_an_address_that_is_passed_over_is_reported(cli: Shell) -> None:
    """Who asks for another environment hears that the address is not its."""
    address = {"APIVIDEO_BASE_URL": "http://127.0.0.1:9", "APIVIDEO_SANDBOX_API_KEY": "x" * 44}
    proxy = {"CALLWELL_PROXY": "http://127.0.0.1:9", "CALLWELL_DEADLINE": "2"}
    ended = cli.run("call", "apivideo", "tags.list", "--environment", "sandbox", **address, **proxy)
    assert "env:APIVIDEO_BASE_URL is the address of production; sandbox is at https://sandbox" in ended.err
    assert "(to change that, set APIVIDEO_SANDBOX_BASE_URL)" in ended.err


def test_config_shows_every_environment(cli: Shell) -> None:
    """Address and key of each with where they come from; empty and unknown variables below."""
    printed = {"APIVIDEO_SANDBOX_BASE_URL": OWN, "APIVIDEO_BASE_URL": TRIAL, "CALLWELL_PROXY": "", "CALLWELL_STAT": "x"}
    for arguments in (("config", "apivideo"), ("config",)):
        ended = cli.run(*arguments, "--json", **printed)
        rows = {row["setting"]: row for row in ended.json["settings"] if row["provider"] == "apivideo"}
        assert (rows["base_url"]["value"], rows["base_url"]["from"]) == (TRIAL, "env:APIVIDEO_BASE_URL")
        sandbox = rows["sandbox.base_url"]
        assert (sandbox["value"], sandbox["from"]) == (OWN, "env:APIVIDEO_SANDBOX_BASE_URL")
        assert rows["sandbox.key"]["value"] == "env:APIVIDEO_SANDBOX_API_KEY"
        assert "CALLWELL_STAT sets nothing: did you mean CALLWELL_STATE?" in ended.err
        assert "CALLWELL_PROXY is empty and counts as not set" in ended.err


def test_a_home_that_cannot_be_written(cli: Shell) -> None:
    """The error names the file and every way to name another one; so does each command with a state."""
    home = {"XDG_STATE_HOME": "/dev/null/state"}
    for command in (("call", "userplane", "me.get"), ("keys", "list"), ("ledger", "list"), ("users", "apivideo")):
        printed = cli.fails(7, *command, **home)
        assert "/dev/null/state/callwell/state.db" in printed
        assert "choose a writable place with --state sqlite:///PATH, CALLWELL_STATE or XDG_STATE_HOME" in printed
    named = cli.fails(7, "call", "userplane", "me.get", CALLWELL_STATE="sqlite:////dev/null/x.db")
    assert named.startswith("callwell: env:CALLWELL_STATE: cannot open the state /dev/null/x.db")
    assert cli.run("call", "userplane", "me.get", CALLWELL_STATE="memory:", **home).code == 0


def test_the_emulator_says_what_to_export(cli: Shell) -> None:
    """Every environment's address and key, so that all of them can be called from another shell."""
    from tests.cli.emulated import started

    with started(cli, "emulate", "apivideo", "language_confidence") as process:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "Press Ctrl-C to stop.\n"))
    exports = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export "))
    assert {"APIVIDEO_BASE_URL", "APIVIDEO_SANDBOX_BASE_URL", "APIVIDEO_API_KEY"} < exports.keys()
    assert {"APIVIDEO_SANDBOX_API_KEY", "LANGUAGE_CONFIDENCE_RAPIDAPI_SCRIPTED_BASE_URL"} < exports.keys()
    assert not Settings(exports, None).unknown_variables()
    listed = cli.run("keys", "list", "language_confidence", "--json", **exports).json
    assert len({item["fingerprint"] for item in listed}) == len(listed) == 3

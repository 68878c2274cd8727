# SPDX-License-Identifier: Apache-2.0
"""One precedence: option, variable of the provider, variable for all, `callwell.toml`, profile or default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell import providers
from callwell.cli.config_file import read_config_file
from callwell.cli.settings import Settings
from callwell.errors import InvalidOption, UnknownName, UsageError

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = "userplane"

FILE = """\
deadline = 1
[userplane]
deadline = 2
account = "table"
[userplane.production]
account = "environment"
"""


def test_one_precedence(tmp_path: Path) -> None:
    """What is said nearer to the command counts; taken away step by step, the next one shows."""
    path = tmp_path / "callwell.toml"
    variables = {"CALLWELL_USERPLANE_DEADLINE": "4", "CALLWELL_DEADLINE": "3"}
    file = FILE
    seen = []
    options: dict[str, str | float | None] = {"deadline": 5.0}
    for step in range(6):
        path.write_text(file)
        held = Settings(variables, read_config_file(path, trusted=True)).resolve(providers.load(PROVIDER), options)[
            "deadline"
        ]
        seen.append((held.value, held.origin.removeprefix(str(tmp_path)), held.is_set))
        if step == 0:
            options = {}
        elif variables:
            variables.pop(next(iter(variables)))
        else:
            file = file.replace("deadline = 2\n", "") if "deadline = 2" in file else file.replace("deadline = 1\n", "")
    assert seen == [
        (5.0, "--deadline", True),
        (4.0, "env:CALLWELL_USERPLANE_DEADLINE", True),
        (3.0, "env:CALLWELL_DEADLINE", True),
        (2.0, "/callwell.toml:3", True),
        (1.0, "/callwell.toml:1", True),
        (None, "default", False),
    ]


def test_the_environment_goes_before_the_provider(tmp_path: Path) -> None:
    """The table of the environment in use counts before that of the provider."""
    path = tmp_path / "callwell.toml"
    path.write_text(FILE)
    held = Settings({}, read_config_file(path, trusted=True)).resolve(providers.load(PROVIDER), {})
    assert (held["account"].value, held["account"].origin) == ("environment", f"{path}:6")


def test_nothing_is_set() -> None:
    """Without anything, the profile and the defaults hold; an empty variable says nothing."""
    described = providers.load(PROVIDER)
    held = Settings({"CALLWELL_STATE": "", "CALLWELL_USERPLANE_KEY": ""}, None).resolve(described, {})
    assert not any(setting.is_set for setting in held.values())
    assert held["key"].value == f"env:{described.profile.key.env}"
    assert held["base_url"].value == described.environment().base_url
    assert str(held["state"].value).endswith("/callwell/state.db")


def test_what_belongs_to_one_provider_cannot_be_said_for_all() -> None:
    """No variable sends all keys to one address."""
    variables = {f"CALLWELL_{name}": "https://evil.example" for name in ("BASE_URL", "KEY", "ACCOUNT", "ENVIRONMENT")}
    settings = Settings(variables, None)
    assert not any(setting.is_set for setting in settings.resolve(providers.load(PROVIDER), {}).values())
    assert settings.unknown_variables().keys() == variables.keys()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CALLWELL_DEADLINE": "soon"}, "CALLWELL_DEADLINE cannot be 'soon': expected seconds above zero"),
        ({"CALLWELL_DEADLINE": "nan"}, "CALLWELL_DEADLINE cannot be 'nan': expected seconds above zero"),
        ({"CALLWELL_USERPLANE_KEY": "secret-text"}, "expected env:NAME, file:PATH or another key source"),
    ],
)
def test_a_variable_that_is_wrong(variables: dict[str, str], expected: str) -> None:
    """A variable of the wrong form is named, and what may be a key is not repeated."""
    with pytest.raises(InvalidOption) as caught:
        Settings(variables, None).resolve(providers.load(PROVIDER), {})
    assert expected in str(caught.value)
    assert "secret-text" not in str(caught.value)


def test_an_unknown_environment_is_reported_with_its_place(tmp_path: Path) -> None:
    """An environment that the provider does not have is reported with the variable, or file and line."""
    described = providers.load(PROVIDER)
    with pytest.raises(UnknownName, match=r"'x' of userplane \(env:CALLWELL_USERPLANE_ENVIRONMENT\)"):
        Settings({"CALLWELL_USERPLANE_ENVIRONMENT": "x"}, None).resolve(described, {})
    path = tmp_path / "callwell.toml"
    path.write_text("[userplane.prod]\naccount = 'x'\n")
    with pytest.raises(UnknownName, match=rf"'prod' of userplane \({path}:2\): did you mean production"):
        Settings({}, read_config_file(path, trusted=True)).resolve(described, {})


def test_a_variable_that_is_none_is_reported() -> None:
    """Variables that look like ours and are not used are reported with the nearest that exist."""
    unknown = Settings({"CALLWELL_STAT": "x", "CALLWELL_CLOCK": "2", "OTHER": "x"}, None).unknown_variables()
    assert list(unknown) == ["CALLWELL_STAT"]
    assert "CALLWELL_STATE" in unknown["CALLWELL_STAT"]


def test_a_described_provider_has_a_name(tmp_path: Path) -> None:
    """A table with a folder gives a described provider its name, which must be that of its profile."""
    path = tmp_path / "callwell.toml"
    path.write_text("[notes]\nfolder = 'here'\n")
    settings = Settings({}, read_config_file(path, trusted=False))
    assert settings.names() == sorted([*providers.names(), "notes"])
    with pytest.raises(UsageError, match=r"callwell.toml:2: notes.folder: there is no folder"):
        settings.load("notes")
    with pytest.raises(UnknownName, match="did you mean notes"):
        settings.load("note")
    bundled = providers.FOLDER / PROVIDER
    (tmp_path / "here").symlink_to(bundled)
    with pytest.raises(UsageError, match="is named 'userplane'"):
        settings.load("notes")

# SPDX-License-Identifier: Apache-2.0
"""`callwell.toml` is read strictly: each complaint names file, line and key, and no key is ever repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.cli.config_file import find_config_file, read_config_file
from callwell.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """\
deadline = 30
state = "sqlite:///calls.db"
proxy = "environment"

[userplane]
environment = "production"
key = "file:~/key"
ca_file = "ca.pem"

[userplane.production]
base_url = "https://api.example.com"

[notes]
folder = "described"
state = "sqlite:////var/calls.db"
"""


def written(folder: Path, text: str) -> Path:
    """A file with a string."""
    path = folder / "callwell.toml"
    path.write_text(text)
    return path


def test_every_setting_has_its_line(tmp_path: Path) -> None:
    """Each setting is known by value and line; paths are relative to the file, not to the working folder."""
    path = written(tmp_path, WHOLE)
    file = read_config_file(path, trusted=True)
    messages = {".".join(key): (one.value, one.origin.removeprefix(f"{path}:")) for key, one in file.values.items()}
    assert messages == {
        "deadline": (30.0, "1"),
        "state": (f"sqlite:///{tmp_path}/calls.db", "2"),
        "proxy": ("environment", "3"),
        "userplane.environment": ("production", "6"),
        "userplane.key": (f"file:{path.home() / 'key'}", "7"),
        "userplane.ca_file": (f"{tmp_path}/ca.pem", "8"),
        "userplane.production.base_url": ("https://api.example.com", "11"),
        "notes.folder": (f"{tmp_path}/described", "14"),
        "notes.state": ("sqlite:////var/calls.db", "15"),
    }
    assert {name: one.value for name, one in file.folders().items()} == {"notes": f"{tmp_path}/described"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dealine = 3", ":1: dealine: expected deadline or exactly_once, found an unknown setting"),
        ("\n[userplane]\nenvironmnt = 'x'", ":3: userplane.environmnt: expected environment, found an unknown setting"),
        ("[userplan]", ":1: userplan: expected userplane, or a `folder` in this table, found an unknown provider"),
        ("[userplane]\nfolder = 'x'", ":2: userplane.folder: userplane comes with Callwell"),
        ("[userplane.production]\nstate = 'memory:'", ":2: userplane.production.state: expected account or alpha"),
        ("[userplane.production.x]\na = 1", ":1: userplane.production.x: expected "),
        ("deadline = 'soon'", ":1: deadline: expected seconds above zero, found 'soon'"),
        ("deadline = true", ":1: deadline: expected seconds above zero"),
        ("deadline = 0", ":1: deadline: expected seconds above zero"),
        ("deadline = nan", ":1: deadline: expected seconds above zero"),
        ("deadline = inf", ":1: deadline: expected seconds above zero"),
        ("state = 3", ":1: state: expected a string, found 3"),
        ("state = ''", ":1: state: expected a string"),
        ("[state]\nx = 1", ":1: state: expected a string"),
        ("userplane = 3", ":1: userplane: expected "),
        ("state = 'memory:'\nx = ", ":2: document: expected TOML"),
        ("[userplane]\nkey = 'secret-text'", ":2: userplane.key: expected a key source (env:NAME, file:PATH, …)"),
        ("[userplane]\nkey = ['secret-text']", ":2: userplane.key: expected a key source"),
        ("[userplane]\nkey = 'env:'", ":2: userplane.key: expected a key source"),
    ],
)
def test_complaints(tmp_path: Path, text: str, expected: str) -> None:
    """Whatever is not as it must be is reported by file, line and key; what stands in a key's place is not repeated."""
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_config_file(path, trusted=True)
    assert str(caught.value).startswith(f"{path}{expected}")
    assert "secret-text" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["base_url = 'https://evil.example'", "proxy = 'http://x'", "ca_file = 'x.pem'", "key = 'command:op read x'"],
)
def test_a_file_that_lies_there_cannot_reroute_keys(tmp_path: Path, text: str) -> None:
    """Through whom a key travels is said by a file in the home folder, or one that was named, and by no other."""
    home = tmp_path / "home"
    folder = tmp_path / "home" / "cloned"
    folder.mkdir(parents=True)
    path = written(folder, f"[userplane]\n{text}")
    with pytest.raises(UsageError, match=f":2: userplane.*export CALLWELL_CONFIG={path}"):
        find_config_file(None, folder, home)
    assert find_config_file(str(path), tmp_path, home) is not None
    written(home, path.read_text())
    path.unlink()
    assert find_config_file(None, folder, home) is not None


def test_an_address_on_this_machine_may_lie_there(tmp_path: Path) -> None:
    """An emulator on this machine may be named by any file."""
    written(tmp_path, "[userplane]\nbase_url = 'http://127.0.0.1:8001/v1'")
    assert find_config_file(None, tmp_path, tmp_path / "home") is not None


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    """It is looked for from the working folder up to the home folder, and not above."""
    home = tmp_path / "home"
    deep = tmp_path / "home" / "a" / "b"
    deep.mkdir(parents=True)
    written(tmp_path, "deadline = 1")
    assert find_config_file(None, deep, home) is None
    for number, folder in ((2.0, home), (3.0, deep.parent), (4.0, deep)):
        written(folder, f"deadline = {number}")
        found = find_config_file(None, deep, home)
        assert found is not None
        assert found.values["deadline",].value == number
    outside = find_config_file(None, tmp_path, home)
    assert outside is not None
    assert outside.values["deadline",].value == 1


def test_a_folder_that_cannot_be_searched_has_no_file(tmp_path: Path) -> None:
    """A parent may be closed to this user, or have a name that the system refuses: the search goes on above it."""
    written(tmp_path, "deadline = 1")
    found = find_config_file(None, tmp_path / ("n" * 300), tmp_path / "home")
    assert found is not None
    assert found.values["deadline",].value == 1


@pytest.mark.parametrize(("name", "why"), [("none.toml", "No such file"), (".", "Is a directory")])
def test_a_named_file_must_be_there(tmp_path: Path, name: str, why: str) -> None:
    """A file that CALLWELL_CONFIG names is read, or it is an error."""
    with pytest.raises(UsageError, match=why):
        find_config_file(str(tmp_path / name), tmp_path, tmp_path)

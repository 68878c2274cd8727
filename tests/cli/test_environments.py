# SPDX-License-Identifier: Apache-2.0
"""Commands where a provider has two environments with keys of their own, and trades keys for tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.cli.emulated import Shell
from tests.cli.emulated import shell as shell_of
from tests.emulator.harness import fetch
from tests.processes.program import start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running

NAME = "apivideo"
LIST = ("list", NAME, "tags.list")


@pytest.fixture(scope="module")
def pair() -> Iterator[Running]:
    """Both environments, on a fast clock."""
    with start(EmulatorOptions(provider=(NAME, "userplane"), clock=clock(25))) as running:
        yield running


@pytest.fixture
def cli(pair: Running, tmp_path: Path) -> Shell:
    """A shell with both addresses in its `callwell.toml`, and the sandbox's key for both."""
    production = pair.endpoint(NAME)
    sandbox = pair.endpoint(NAME, "sandbox")
    (tmp_path / "callwell.toml").write_text(
        f'[{NAME}.production]\nbase_url = "{production.base_url}"\n[{NAME}.sandbox]\nbase_url = "{sandbox.base_url}"\n'
    )
    result = shell_of(tmp_path, pair)
    keys = {"APIVIDEO_API_KEY": sandbox.key, "APIVIDEO_SANDBOX_API_KEY": sandbox.key}
    return Shell(tmp_path, {**result.variables, **keys}, sandbox.key, result.control)


def test_a_key_of_the_other_environment(cli: Shell, pair: Running) -> None:
    """First it is refused, with a hint; asked, it is explained; from then on nothing is sent with it."""
    assert "if it may belong to environment sandbox, explain=True (--explain) asks there" in cli.fails(3, *LIST)
    reported = cli.fails(3, *LIST, "--explain")
    assert reported.startswith(
        "callwell: apivideo: the key (env:APIVIDEO_API_KEY) belongs to environment sandbox, but this is"
    )
    fetch(f"{pair.control}/reset", "POST", body=json.dumps({"provider": NAME}).encode())
    assert cli.fails(3, *LIST) == reported
    assert cli.fails(3, "call", NAME, "tags.list", "--auth", "token") == reported
    rows = fetch(f"{pair.control}/ledger/requests").json
    assert [row for row in rows if row["operation"] and row["place"] == "api"] == []
    assert cli.run(*LIST, "--environment", "sandbox").code == 0


def test_keys_tell_where_they_belong(cli: Shell) -> None:
    """In the list, and where a key is looked for."""
    assert cli.run(*LIST, "--environment", "sandbox").code == 0
    listed = cli.run("keys", "list", NAME, "--json").json
    assert [(item["environment"], item["belongs_to"], item["problem"]) for item in listed] == [
        ("production", "sandbox", "it belongs to environment sandbox"),
        ("sandbox", "sandbox", None),
    ]
    assert "it belongs to environment sandbox" in cli.run("keys", "list", NAME).out
    where = cli.run("keys", "where", NAME)
    assert "The provider has accepted this key in environment sandbox; other environments refuse it." in where.out
    assert cli.run("keys", "where", NAME, "--json").json["belongs_to"] == "sandbox"


def test_commands_show_tokens(cli: Shell, pair: Running) -> None:
    """By option or setting, one trade for all commands of a state, which holds none of it to read."""
    fetch(f"{pair.control}/reset", "POST", body=json.dumps({"provider": NAME}).encode())
    text = (cli.folder / "callwell.toml").read_text()
    (cli.folder / "callwell.toml").write_text(f'{text}auth = "token"\n')
    sandbox = ("--environment", "sandbox")
    assert cli.run(*LIST, *sandbox).code == 0
    assert cli.run(*LIST, *sandbox, "--auth", "token").code == 0
    rows = fetch(f"{pair.control}/ledger/requests").json
    assert [row["operation"] for row in rows] == ["auth.authenticate", "tags.list", "tags.list"]
    state = b"".join(path.read_bytes() for path in (cli.folder / "state").rglob("*") if path.is_file())
    assert b"tokens:" in state
    assert b"eyJ" not in state
    assert "auth cannot be 'tok': expected `key` or `token`" in cli.fails(2, *LIST, "--auth", "tok")
    assert "userplane has no tokens" in cli.fails(2, "call", "userplane", "me.get", "--auth", "token")

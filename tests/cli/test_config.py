# SPDX-License-Identifier: Apache-2.0
"""`callwell config` prints what is set and from where, and every command obeys it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.emulated import ADDRESS_VARIABLE, KEY_VARIABLE, PROVIDER

if TYPE_CHECKING:
    from tests.cli.emulated import Shell

ME = ("call", PROVIDER, "me.get")


def test_commands_obey_the_file(cli: Shell) -> None:
    """Address, key, account and state of `callwell.toml` are used by commands, from folders below as well."""
    (cli.folder / "key").write_text(cli.key)
    text = f"""\
        state = "sqlite:///calls.db"
        [userplane]
        base_url = "{cli.variables[ADDRESS_VARIABLE]}"
        key = "file:key"
        """
    (cli.folder / "callwell.toml").write_text(text)
    ended = cli.run(*ME, **{ADDRESS_VARIABLE: None, KEY_VARIABLE: None})
    assert ended.code == 0, ended.err
    assert (cli.folder / "calls.db").is_file()
    listed = cli.run("keys", "list", PROVIDER, "--json", **{ADDRESS_VARIABLE: None, KEY_VARIABLE: None}).json
    assert [(item["location"], item["clients"]) for item in listed] == [(f"file:{cli.folder}/key", 1)]
    known = cli.run("providers", "--json", **{ADDRESS_VARIABLE: None, KEY_VARIABLE: None}).json
    [here] = [item for item in known if item["name"] == PROVIDER]
    assert here["environments"]["production"]["from"] == f"{cli.folder}/callwell.toml:3"


def test_config_tells_from_where(cli: Shell) -> None:
    """Each setting is printed with its place, in the table and as JSON; of a key, only its place is shown."""
    (cli.folder / "callwell.toml").write_text('[userplane]\ndeadline = 9.5\nkey = "env:OTHER"\n')
    ended = cli.run("config", PROVIDER, "--json", OTHER=cli.key, CALLWELL_STATE="memory:")
    assert (ended.code, ended.err) == (0, "")
    reported = {setting["setting"]: (setting["value"], setting["from"]) for setting in ended.json["settings"]}
    file = f"{cli.folder}/callwell.toml"
    assert ended.json["file"] == file
    unset = ("key_header", "plan", "alpha", "user_secret")
    assert [reported.pop(name) for name in unset] == [(None, "default")] * len(unset)
    assert reported == {
        "environment": ("production", "profile"),
        "base_url": (cli.variables[ADDRESS_VARIABLE], f"env:{ADDRESS_VARIABLE}"),
        "key": ("env:OTHER", f"{file}:3"),
        "auth": ("key", "default"),
        "account": ("default", "default"),
        "state": ("memory:", "env:CALLWELL_STATE"),
        "deadline": (9.5, f"{file}:2"),
        "proxy": (None, "default"),
        "exactly_once": (False, "default"),
        "ca_file": (None, "default"),
    }
    table = cli.run("config", OTHER=cli.key, CALLWELL_STAT="x")
    assert table.out.startswith(f"callwell.toml: {file}\n")
    assert "env:OTHER" in table.out
    assert table.err.startswith(
        "callwell: " if table.code else "CALLWELL_STAT sets nothing: did you mean CALLWELL_STATE?"
    )
    assert cli.key not in table.out + ended.out


def test_a_password_is_hidden(cli: Shell) -> None:
    """A proxy's password is not shown."""
    table = cli.run("config", CALLWELL_PROXY="http://ann:secret-text@proxy.example:3128")
    assert "proxy.example" in table.out
    assert "secret-text" not in table.out


def test_a_wrong_setting_is_reported_with_its_place(cli: Shell) -> None:
    """What the library refuses is reported with the file and line, or the variable, that said it."""
    (cli.folder / "callwell.toml").write_text('state = "redis://x"\n')
    assert f"{cli.folder}/callwell.toml:1: state cannot be 'redis://x'" in cli.fails(2, *ME)
    assert "env:CALLWELL_STATE: state cannot be 'x'" in cli.fails(2, *ME, CALLWELL_STATE="x")
    assert cli.fails(2, *ME, "--state", "x").startswith("callwell: state cannot be 'x'")
    (cli.folder / "callwell.toml").write_text('stat = "memory:"\n')
    for command in (ME, ("config",), ("providers",), ("keys", "list"), ("keys", "where", PROVIDER)):
        assert "callwell.toml:1: stat: expected state, found an unknown setting" in cli.fails(2, *command)
    assert cli.run(*ME, CALLWELL_CONFIG="/dev/null").code == 0


def test_a_command_is_shown_without_a_secret(cli: Shell) -> None:
    """Somebody may have written one into it, though a process list shows it too."""
    place = f"command:sh -c 'echo {cli.key}'"
    ended = cli.run("keys", "where", PROVIDER, "--key", place)
    shown = cli.run("config", PROVIDER, **{KEY_VARIABLE: None, "CALLWELL_USERPLANE_KEY": place})
    assert "--key: command:sh -c 'echo …': present, fingerprint" in ended.out
    assert "command:sh -c 'echo …'" in shown.out
    assert cli.key not in ended.out + shown.out + ended.err + shown.err

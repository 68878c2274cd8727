# SPDX-License-Identifier: Apache-2.0
"""Addresses in `callwell.toml` and in variables: checked where they are read, and never shown with a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.emulated import ADDRESS_VARIABLE, PROVIDER

if TYPE_CHECKING:
    from tests.cli.emulated import Shell

PASSWORD = "plainly-no-password"
ODD = [
    "https://[::1",
    "https://[::1]:x",
    "https://",
    "//host",
    "   ",
    "ftp://host",
    "https://host:99999",
    "https://a b",
    "https://host/../x",
    "http://192.0.2.1/v1",
]
WITH_PASSWORD = [
    f"https://user:{PASSWORD}@host",
    f"https://user:{PASSWORD}@[::1",
    f"https://user:a/{PASSWORD}@host",
    f"https://user:a {PASSWORD}@host",
    f"https://user:a@{PASSWORD}@host",
    f"https://{PASSWORD}@host",
    f"user:{PASSWORD}@host",
    f"https:/user:{PASSWORD}@host",
    f"https://host/?token={PASSWORD}",
    f"https://host/#{PASSWORD}",
]


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("address", [*ODD, *WITH_PASSWORD])
def test_an_odd_address_in_a_file_is_refused_with_its_line(cli: Shell, address: str, *, trusted: bool) -> None:
    """It is a usage error with the file's line for every command, whoever the file belongs to."""
    file = cli.folder / "callwell.toml"
    file.write_text(f'[{PROVIDER}]\nbase_url = "{address}"\n')
    ended = cli.run("config", CALLWELL_CONFIG=str(file) if trusted else None)
    assert ended.code == 2, ended.err
    assert f"{file}:2: {PROVIDER}.base_url: expected an " in ended.err
    assert len(ended.err.splitlines()) == 1
    assert PASSWORD not in ended.err


@pytest.mark.parametrize("address", WITH_PASSWORD)
def test_config_shows_no_password_of_a_variable(cli: Shell, address: str) -> None:
    """An address from a variable is shown without what could be a secret, in the table and as JSON."""
    for flags in ([], ["--json"]):
        ended = cli.run("config", PROVIDER, *flags, CALLWELL_PROXY=address, **{ADDRESS_VARIABLE: address})
        assert ended.code == 0, ended.err
        assert PASSWORD not in ended.out + ended.err


def test_what_a_command_cannot_do_is_said_of_the_provider(cli: Shell) -> None:
    """A provider that takes no files, or cannot be exported, is named as the subject; a folder is called a folder."""
    (cli.folder / "films").mkdir()
    (cli.folder / "film.mp4").write_bytes(b"film")
    upload = cli.run("upload", PROVIDER, "film.mp4")
    assert (upload.code, upload.err.strip()) == (
        2,
        f"callwell: {PROVIDER} has no operation for large files: its profile describes no upload",
    )
    plot = cli.run("users", PROVIDER, "--plot", "films")
    assert (plot.code, "films: only PNG pictures can be drawn; choose a name that ends in .png" in plot.err) == (
        2,
        True,
    )


def test_other_providers_are_refused_with_their_names(cli: Shell) -> None:
    """The reason stands in the sentence: no export is described, or the path is a folder."""
    (cli.folder / "films").mkdir()
    fake = "x" * 40
    export = cli.run("export", "language-confidence", "--to", "out", LANGUAGE_CONFIDENCE_API_KEY=fake)
    assert export.code == 2
    assert export.err.startswith("callwell: language_confidence cannot be exported: its profile has no [export]")
    upload = cli.run("upload", "apivideo", "films", APIVIDEO_API_KEY=fake)
    assert upload.err.strip() == "callwell: films: it is a folder; name the files in it"


def test_a_wrong_state_gets_one_piece_of_advice(cli: Shell) -> None:
    """A state that is a folder: the message has one piece of advice, not two."""
    (cli.folder / "calls").mkdir()
    ended = cli.run("call", PROVIDER, "me.get", "--state", "sqlite:///calls")
    assert ended.code == 7
    assert ended.err.count("--state sqlite:///PATH") == 1
    assert "name another" not in ended.err

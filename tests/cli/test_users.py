# SPDX-License-Identifier: Apache-2.0
"""`callwell users`, and calls on behalf of end users, against an emulator."""

from __future__ import annotations

import base64
import wave
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.cli.emulated import shell
from tests.processes.program import renewed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.emulated import Shell

PROVIDER = "language_confidence"
NAME = "language-confidence"


def tone() -> str:
    """A second of a square wave, in base64."""
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((b"\x00\x20" * 20 + b"\x00\xe0" * 20) * 400)
    return base64.b64encode(out.getvalue()).decode()


ASSESS = ("assess.pronunciation", "accent=us", "audio_format=wav", "expected_text=Hello", f"audio_base64={tone()}")


@pytest.fixture
def cli(tmp_path: Path) -> Shell:
    """A shell in a folder of its own, with the address and key of an emulator."""
    return shell(tmp_path, renewed(EmulatorOptions(provider=(PROVIDER,))), PROVIDER)


def test_users_are_sent_and_counted(cli: Shell) -> None:
    """Two users of three calls, as a table, as JSON, as bars and as a picture; the secret is made once."""
    for user in ("ann", "bob", "ann"):
        ended = cli.run("call", NAME, *ASSESS, "--for-user", user)
        assert (ended.code, ended.err) == (0, "")
    reported = cli.run("users", NAME, "--json").json
    assert reported["provider"] == "language_confidence"
    assert [month["users"] for month in reported["months"]] == [2]
    assert " 2" in cli.run("users", NAME).out
    assert "█" in cli.run("users", NAME, "--plot").out
    secret = cli.folder / "state/callwell/user-secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    pytest.importorskip("matplotlib")
    drawn = cli.run("users", NAME, "users.png", "--plot")
    assert (drawn.code, drawn.err, drawn.out) == (0, "", "")
    assert (cli.folder / "users.png").read_bytes().startswith(b"\x89PNG")


def test_a_plan_in_the_file(cli: Shell) -> None:
    """With the plan in `callwell.toml`, a call without a user sends nothing; alpha is allowed there too."""
    (cli.folder / "callwell.toml").write_text('[language_confidence]\nplan = "monthly-active-users"\nalpha = true\n')
    ended = cli.run("call", NAME, *ASSESS)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "--for-user ID" in ended.err
    assert cli.run("call", NAME, "assess.writing", "text=We walk.", "--for-user", "ann").code == 0
    refused = cli.run("call", NAME, "assess.writing", "text=x", CALLWELL_LANGUAGE_CONFIDENCE_ALPHA="false")
    assert (refused.code, "alpha=True" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("users", "userplane"), "does not bill by end user"),
        (("users", NAME, "users.png"), "add --plot to draw a picture"),
        (("users", NAME, "users.pdf", "--plot"), "ends in .png"),
    ],
)
def test_wrong_use(cli: Shell, arguments: tuple[str, ...], words: str) -> None:
    """One line, and exit code 2."""
    ended = cli.run(*arguments)
    assert (ended.code, ended.err.count("\n"), words in ended.err) == (2, 1, True)

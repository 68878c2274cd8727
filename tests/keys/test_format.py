# SPDX-License-Identifier: Apache-2.0
"""Keys that were copied with something else: read right, or met with a sentence that helps and does not show them."""

from __future__ import annotations

import base64
import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from callwell.core.rules.profile import KeyRule
from callwell.errors import KeyMalformed, KeyMissing
from callwell.keys import Key, parse_source
from callwell.keys.format import find_format_error
from tests.client._async.scripted_client import connect
from tests.client.running import run
from tests.client.world import ScriptedProvider

if TYPE_CHECKING:
    from pathlib import Path

ANY = KeyRule(env="THINGS_KEY")
SECRET = "s3cr3tpart"


def written(folder: Path, content: bytes) -> str:
    """A file with this in it, as the `key` option names it."""
    file = folder / "key"
    file.write_bytes(content)
    return f"file:{file}"


@pytest.mark.parametrize(
    "content",
    [b"k%s", b"k%s\n", b"k%s\r\n", b"\xef\xbb\xbfk%s\n", b"  k%s \t\n\n", b"k%s\xc2\xa0", b"\n\nk%s"],
)
def test_what_surrounds_a_key_is_not_part_of_it(tmp_path: Path, content: bytes) -> None:
    """Line ends of every system, a byte order mark, white space."""
    key = parse_source(written(tmp_path, content % SECRET.encode()), "THINGS_KEY").read()
    assert key.reveal() == f"k{SECRET}"
    assert find_format_error(key.reveal(), ANY) is None


WRONG = {
    f'"{SECRET}"': "is in quotes",
    f"'{SECRET}'": "is in quotes",
    f"`{SECRET}`": "is in quotes",
    f"“{SECRET}”": "is in quotes",
    '""': "is in quotes",
    f"export THINGS_KEY={SECRET}": "is a whole line of a settings file",
    f"export other={SECRET}": "is a whole line of a settings file",
    f"THINGS_KEY={SECRET}": "is a whole line of a settings file",
    f"THINGS_KEY = '{SECRET}'": "is a whole line of a settings file",
    f"THINGS_KEY: {SECRET}": "is a whole line of a settings file",
    f"SOME_OTHER_KEY={SECRET}": "is a whole line of a settings file",
    f"$env:things={SECRET}": "is a whole line of a settings file",
    f'{{"key": "{SECRET}"}}': "is JSON",
    f'["{SECRET}"]': "is JSON",
    f"Bearer {SECRET}": "begins with the word Bearer",
    f"Authorization: Bearer {SECRET}": "begins with the word Authorization:",
    f"{SECRET}\n# production": "has 2 lines",
    f"A_KEY={SECRET}\nB_KEY={SECRET}": "has 2 lines",
    "${THINGS_KEY}": "is a placeholder that was never filled in",
    "$THINGS_KEY": "is a placeholder that was never filled in",
    "<your key>": "is a placeholder that was never filled in",
    "{{ key }}": "is JSON",
    "%THINGS_KEY%": "is a placeholder that was never filled in",
    f"{SECRET}\u200b{SECRET}": "has a character that is not allowed in keys (ZERO WIDTH SPACE)",
    f"{SECRET}é": "has a character that is not allowed in keys (a letter that is not ASCII)",
    f"{SECRET} {SECRET}": "has white space in it",
    f"{SECRET}\x00": "is not UTF-8 text",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}": "is a PEM certificate or private key",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_the_sentence_says_what_to_do_and_not_what_the_key_is(text: str) -> None:
    """From a file, from code and from the environment alike; nothing is sent."""
    wrong = find_format_error(text.strip(), ANY)
    assert wrong is not None
    assert wrong.startswith(WRONG[text])
    assert SECRET not in wrong
    assert ":" in wrong
    world = ScriptedProvider()
    with pytest.raises(KeyMalformed) as caught:
        connect(world, key=Key(text))
    assert SECRET not in str(caught.value)
    assert str(caught.value).startswith("acme: the key passed in code ")
    assert not world.sent


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_key_in_quotes_is_read_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quote: str) -> None:
    """In the environment and in files, as files of variables for containers leave it; quotes of nothing hold no key."""
    text = f"{quote}acme_{SECRET}{quote}"
    monkeypatch.setitem(os.environ, "ACME_KEY", text)
    for given in (None, written(tmp_path, f" {text}\r\n".encode())):
        world = ScriptedProvider()
        api = connect(world, key=given)
        run(partial(api.call, "things.get", thing_id="1"))
        assert world.keys == [f"acme_{SECRET}"]
    monkeypatch.setitem(os.environ, "ACME_KEY", quote * 2)
    with pytest.raises(KeyMissing):
        connect(ScriptedProvider(), key=None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_reported(tmp_path: Path, encoding: str) -> None:
    """As some shells write files."""
    with pytest.raises(KeyMalformed, match="is not UTF-8 text"):
        connect(ScriptedProvider(), key=written(tmp_path, f"{SECRET}\n".encode(encoding)))


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        "a=b",
        "abcd==",
        base64.b64encode(bytes(range(60))).decode(),
        "USER_X:password",
        "id:secret",
        "a.b-c_d~e+f/g==",
        "eyJhbGciOiJub25lIn0.e30.",
        "AKIA0000000000000000",
        "$2b$10$abc",
        "it's",
        "'",
    ],
)
def test_what_may_be_a_key_is_taken(text: str) -> None:
    """Only what is surely something else is refused."""
    assert find_format_error(text, ANY) is None


def test_a_provider_may_take_what_is_not_usual() -> None:
    """A pattern of its own lets white space in; a bare header may begin with a word of its own."""
    assert find_format_error("two words", KeyRule(env="X", pattern=r"\w+ \w+")) is None
    assert find_format_error("Token abc", KeyRule(env="X", pattern=r".+", scheme="header")) is None

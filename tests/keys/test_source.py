# SPDX-License-Identifier: Apache-2.0
"""Where keys come from, and what is said when there is none."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

import pytest

from callwell.errors import InvalidOption, KeyMalformed, KeyMissing
from callwell.keys import Key, parse_source
from tests.client._sync.scripted_client import connect
from tests.client.world import ScriptedProvider

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "acme_very_secret"


def test_a_value() -> None:
    """A key that was given is the key, and never changes."""
    source = parse_source(Key(SECRET), "ACME_KEY")
    assert (source.read(), source.location, source.can_change, source.revision()) == (
        Key(SECRET),
        "given in code",
        False,
        None,
    )


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's usual variable, or another that is named."""
    monkeypatch.setenv("ACME_KEY", f" {SECRET}\n")
    monkeypatch.setenv("OTHER", "acme_other")
    usual = parse_source(None, "ACME_KEY")
    named = parse_source("env:OTHER", "ACME_KEY")
    assert (usual.read(), usual.location, usual.can_change) == (Key(SECRET), "env:ACME_KEY", False)
    assert (named.read(), named.location) == (Key("acme_other"), "env:OTHER")
    before = usual.revision()
    monkeypatch.setenv("ACME_KEY", "acme_new")
    assert usual.revision() != before
    assert SECRET not in str(before)


def test_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set or empty is reported with what to do."""
    monkeypatch.delenv("ACME_KEY", raising=False)
    with pytest.raises(KeyMissing, match="the environment variable ACME_KEY is not set; set it, or name another place"):
        parse_source(None, "ACME_KEY").read()
    monkeypatch.setenv("ACME_KEY", " ")
    with pytest.raises(KeyMissing, match="is empty"):
        parse_source(None, "ACME_KEY").read()


def test_a_file(tmp_path: Path) -> None:
    """A file's text, without white space and without the mark that editors put before it."""
    file = tmp_path / "key"
    source = parse_source(f"file:{file}", "ACME_KEY")
    for text in (SECRET, f"{SECRET}\n", f"\ufeff{SECRET}\r\n", f"  {SECRET}  "):
        file.write_text(text, encoding="utf-8")
        assert source.read() == Key(SECRET)
    assert (source.location, source.can_change) == (f"file:{file}", True)


def test_a_file_shows_changes(tmp_path: Path) -> None:
    """A mark differs when the file was written, replaced, removed or made."""
    file = tmp_path / "key"
    other = tmp_path / "other"
    source = parse_source(f"file:{file}", "ACME_KEY")
    marks = [source.revision()]
    file.write_text("a")
    marks.append(source.revision())
    file.write_text("ab")
    marks.append(source.revision())
    other.write_text("cd")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    marks.append(source.revision())
    os.utime(file, ns=(1, 1))
    marks.append(source.revision())
    assert len(set(marks)) == len(marks)
    assert source.revision() == marks[-1]


def test_a_file_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`~` is the home directory, and the place is reported as it was written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(SECRET)
    source = parse_source("file:~/key", "ACME_KEY")
    assert (source.read(), source.location) == (Key(SECRET), "file:~/key")


def test_no_file(tmp_path: Path) -> None:
    """Missing, empty, a folder, behind a file, a broken link: each is reported with the place."""
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name, why in [
        ("none", "cannot be read: No such file or directory"),
        ("empty", "is empty; write the key into it, and nothing else"),
        (".", "cannot be read: Is a directory"),
        ("empty/x", "cannot be read: Not a directory"),
        ("link", "cannot be read: No such file or directory"),
        ("x" * 300, "cannot be read: File name too long"),
    ]:
        with pytest.raises(KeyMissing, match=why):
            parse_source(f"file:{tmp_path / name}", "ACME_KEY").read()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """A file without permission is reported."""
    file = tmp_path / "key"
    file.write_text(SECRET)
    file.chmod(0)
    with pytest.raises(KeyMissing, match="Permission denied"):
        parse_source(f"file:{file}", "ACME_KEY").read()


@pytest.mark.parametrize("place", ["file:~nobody_of_this_name/key", "file:a\0b"])
def test_a_place_that_cannot_be(place: str) -> None:
    """What is not a path is refused as an option."""
    with pytest.raises(InvalidOption, match="a path"):
        parse_source(place, "ACME_KEY")


@pytest.mark.parametrize("text", [SECRET, "", "env:", "file:", "vault:", f"value:{SECRET}"])
def test_what_is_no_place_is_not_repeated(text: str) -> None:
    """A string that names no place may be a key."""
    with pytest.raises(InvalidOption, match=f"a string of {len(text)} characters") as caught:
        parse_source(text, "ACME_KEY")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"other_secret",
        b"acme_secret two",
        b"acme_secret\nacme_two",
        b"acme_secret\x00",
        b"acme_secret\xff\xfe",
        "acme_sécret".encode(),
    ],
)
def test_what_cannot_be_a_key_is_reported_without_it(tmp_path: Path, content: bytes) -> None:
    """Another provider's key, two keys, half a file of something else: the message names the place, not the text."""
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(
        KeyMalformed, match=r"^acme: the key at file:.+ (?:is not|has|cannot be right: expected) "
    ) as caught:
        connect(ScriptedProvider(), key=f"file:{file}")
    error: BaseException | None = caught.value
    while error is not None:
        assert "cret" not in repr(error) + str(error.args)
        error = error.__cause__ or error.__context__
    assert "cret" not in "".join(traceback.format_exception(caught.value)).replace("test_source", "")

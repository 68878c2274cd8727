# SPDX-License-Identifier: Apache-2.0
"""Kingfisher is run within bounds, and its report is read."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from callwell.keys import Key
from callwell.readiness.check import CannotCheck
from callwell.readiness.shapes.hits import ShapeHit, is_words, read_report
from callwell.readiness.shapes.kingfisher import Kingfisher
from callwell.readiness.shapes.located import identify_secret
from tests.readiness.made_history import fake_key

if TYPE_CHECKING:
    from pathlib import Path


def match(rule: str, path: str, *, line: int = 1, start: int = 0, end: int = 8) -> dict[str, Any]:
    """A finding as kingfisher reports it."""
    place = {"path": path, "line": line, "column_start": start, "column_end": end, "fingerprint": "7"}
    return {"rule": {"id": rule, "name": rule}, "finding": {"snippet": "[REDACTED:1]", "confidence": "high", **place}}


def report(*matches: dict[str, Any], **summary: int) -> bytes:
    """A report of kingfisher."""
    return json.dumps({"findings": matches, "audit": {"summary": summary}, "metadata": {}}).encode()


def make_program(folder: Path, *lines: str) -> str:
    """A program that does this in place of kingfisher."""
    path = folder / "kingfisher"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o700)
    return str(path)


def test_each_place_once() -> None:
    """Of rules that have found the same, a provider's comes first, and the name alone last."""
    read = read_report(
        report(
            match("callwell.secret-by-name", "/p/a.py", start=3),
            match("other.rule", "/p/a.py"),
            match("callwell.userplane", "/p/a.py", end=39),
            match("other.rule", "/p/a.py", start=40, end=50),
            match("other.rule", "/p/a.py", line=2),
            match("other.rule", f"/p/.git/objects/ab/{'c' * 38}"),
            match("other.rule", f"/p/.git/objects/ab/{'d' * 38}!in/zip.py"),
        )
    )
    assert read.complete
    assert [(hit.rule, hit.path, hit.blob[:3], hit.line, hit.start) for hit in read.hits] == [
        ("other.rule", "", "abc", 1, 0),
        ("other.rule", "", "abd", 1, 0),
        ("callwell.userplane", "/p/a.py", "", 1, 0),
        ("other.rule", "/p/a.py", "", 1, 40),
        ("other.rule", "/p/a.py", "", 2, 0),
    ]


@pytest.mark.parametrize("what", ["scan_partial", "scan_failed", "pending"])
def test_an_incomplete_run(what: str) -> None:
    """Parts that it could not read are in its report."""
    assert not read_report(report(**{what: 1})).complete


def test_names_in_code_are_no_secrets() -> None:
    """A prefix with words after it is a name; a secret has a fingerprint, or else the mark of kingfisher."""
    hit = ShapeHit("callwell.userplane", "", "a.py", "", line=2, start=4, end=49, mark="12")
    key = fake_key(1)
    here, there = (identify_secret(hit, [b"", f"k = {text}".encode()]) for text in (key, fake_key(2)))
    assert here == f"callwell.userplane:{Key(key).fingerprint}" != there
    assert identify_secret(hit, [b"", b"k = uspl_session_id_of_the_client_1234"]) is None
    assert identify_secret(hit, [b"one line"]) == "callwell.userplane:12"
    assert identify_secret(hit._replace(path="a.zip!a.py"), [b"", b"x" * 60]) == "callwell.userplane:12"
    assert not is_words(key)
    assert is_words("uspl_clientId-2024")


def test_it_looks_without_its_own_rules(tmp_path: Path) -> None:
    """The real program: a secret is found, redacted, and none of it is in the report."""
    (tmp_path / "a.py").write_text(f"first = 1\nkey = '{fake_key(3)}'\n")
    rule = {"name": "Test", "id": "callwell.test", "pattern": r"\b(uspl_\w+)", "confidence": "medium"}
    with Kingfisher([rule], with_builtin_rules=False) as kingfisher:
        found = kingfisher.scan([tmp_path])
    assert [(hit.rule, hit.path, hit.line, hit.start, hit.end) for hit in found.hits] == [
        ("callwell.test", str(tmp_path / "a.py"), 2, 7, 52)
    ]
    assert found.complete


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["echo 'Error: no such rule' >&2", "exit 1"], "kingfisher ended with 1: Error: no such rule"),
        (["kill -9 $$"], "kingfisher ended with -9"),
        (["echo '{'"], "the report of kingfisher cannot be read"),
        (["echo '{}'", "exit 200"], "the report of kingfisher cannot be read"),
    ],
)
def test_it_fails(tmp_path: Path, lines: list[str], reason: str) -> None:
    """What went wrong is said, and nothing passes."""
    with pytest.raises(CannotCheck, match=reason):
        Kingfisher([], program=make_program(tmp_path, *lines)).scan([tmp_path])


def test_it_does_not_end(tmp_path: Path) -> None:
    """It is stopped at the end of its time."""
    with pytest.raises(CannotCheck, match="did not end within"):
        Kingfisher([], program=make_program(tmp_path, "sleep 600"), time_out_s=0.01).scan([tmp_path])


def test_it_is_stopped(tmp_path: Path) -> None:
    """Closing ends a run with all processes that it has started, and no other one begins."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    lines = (f"exec 3> {pipe}", "sleep 600 &", "echo begun >&3", "wait")
    kingfisher = Kingfisher([], program=make_program(tmp_path, *lines))
    reasons = []

    def scan() -> None:
        with pytest.raises(CannotCheck) as raised:
            kingfisher.scan([tmp_path])
        reasons.append(raised.value.reason)

    thread = threading.Thread(target=scan)
    thread.start()
    with pipe.open() as told:
        assert told.readline() == "begun\n"
        kingfisher.close()
        assert told.read() == ""  # the end comes when the last process is gone
    thread.join()
    assert reasons == ["kingfisher ended with -9"]
    with pytest.raises(CannotCheck, match="was stopped"):
        kingfisher.scan([tmp_path])


def test_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then one line says how to install it."""
    monkeypatch.setitem(sys.modules, "kingfisher", None)
    with pytest.raises(CannotCheck, match="is not installed") as raised:
        Kingfisher([])
    assert "pip install" in raised.value.fix
    assert "kingfisher-bin" in raised.value.fix

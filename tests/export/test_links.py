# SPDX-License-Identifier: Apache-2.0
"""Links, pipes and other people's files at the names that an export uses: nothing lands outside its folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from callwell.errors import DirectoryNotOurs, FileProblem, NoAnswer
from callwell.export import output_folder
from callwell.state import MemoryState
from tests.client.world import LOST
from tests.export.test_names import Service, found, named

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import NoReply, Request, Response

NAMES = (
    "callwell-export.json",
    ".callwell-export.json.part",
    "manifest.json",
    ".manifest.json.part",
    "gone.jsonl",
    ".gone.jsonl.part",
    "things.jsonl",
    ".things.jsonl.part",
    "things/a/f.bin",
    "things/a/.f.bin.part",
)


def run(service: Service, tree: Path, state: MemoryState | None = None) -> str:
    """What an export ends with: its verdict, or what it says of a place that it cannot use."""
    try:
        return service.export(tree, state).verdict
    except (FileProblem, DirectoryNotOurs) as error:
        return str(error)


@pytest.mark.parametrize("dangling", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_no_link_is_written_through(tmp_path: Path, name: str, dangling: bool) -> None:  # noqa: FBT001 - drawn
    """At whichever name of the tree: it is replaced, or refused with a sentence, and its target stays as it was."""
    tree = tmp_path / "tree"
    named("a").export(tree)
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_text("precious")
    (tree / name).unlink(missing_ok=True)
    (tree / name).symlink_to(victim)
    message = run(named("a", "b"), tree)
    assert victim.read_text() == "precious" if not dangling else not victim.exists()
    if message == "complete":
        assert found(tree) == {"a", "b"}
        assert not (tree / name).is_symlink()
    else:
        assert "it is a symbolic link" in message or "has no Callwell export" in message


@pytest.mark.parametrize("name", ["manifest.json", "things.jsonl", "things/a/f.bin"])
def test_no_other_name_of_a_file_is_written_through(tmp_path: Path, name: str) -> None:
    """A hard link to something else: only the name is taken over."""
    tree = tmp_path / "tree"
    named("a").export(tree)
    victim = tmp_path / "victim"
    victim.write_text("")
    (tree / name).unlink()
    (tree / name).hardlink_to(victim)
    run(named("a", "b"), tree)
    assert victim.read_text() == ""


@pytest.mark.parametrize("name", ["things.jsonl", "gone.jsonl", "manifest.json", "callwell-export.json"])
def test_nobody_waits_at_a_pipe(tmp_path: Path, name: str) -> None:
    """It is refused, or replaced."""
    tree = tmp_path / "tree"
    named("a").export(tree)
    (tree / name).unlink()
    os.mkfifo(tree / name)
    message = run(named("a"), tree)
    assert message == "complete" or "it is not a regular file" in message


@pytest.mark.parametrize("name", ["things", "things/a"])
def test_no_linked_folder_is_entered(tmp_path: Path, name: str) -> None:
    """Neither written to, nor swept, nor pruned; the sentence names it."""
    tree = tmp_path / "tree"
    named("b").export(tree)
    outside = tmp_path / "outside"
    (outside / "c").mkdir(parents=True)
    (outside / ".precious.part").write_text("precious")
    if name == "things":
        (tree / name).rename(tmp_path / "moved")
    (tree / name).symlink_to(outside, target_is_directory=True)
    message = run(named("a", "b"), tree)
    assert f"{tree / name}: it is a symbolic link" in message
    assert sorted(path.name for path in outside.iterdir()) == [".precious.part", "c"]


def test_a_link_to_the_folder_itself_is_the_users_own(tmp_path: Path) -> None:
    """Who names a link means what it leads to."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "tree").symlink_to(tmp_path / "disk", target_is_directory=True)
    assert run(named("a"), tmp_path / "tree") == "complete"
    assert found(tmp_path / "disk") == {"a"}


def test_a_linked_list_of_records_is_not_sealed(tmp_path: Path) -> None:
    """A file elsewhere is none of the export's."""
    tree = tmp_path / "tree"
    named("a").export(tree)
    (tmp_path / "elsewhere").write_text("{}")
    (tree / "more.jsonl").symlink_to(tmp_path / "elsewhere")
    assert run(named("a"), tree) == "complete"
    listed = [file["path"] for file in json.loads((tree / "manifest.json").read_text())["files"]]
    assert listed == ["gone.jsonl", "things.jsonl", "things/a/f.bin"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"format": 1, "prov'])
@pytest.mark.parametrize("state", ["begun", "over", "elsewhere"])
def test_a_damaged_marker_is_made_again(tmp_path: Path, content: bytes, state: str) -> None:
    """Where the state, the manifest, or the emptiness of the folder says that it is ours."""
    tree = tmp_path / "tree"
    kept = MemoryState()
    if state == "begun":
        with pytest.raises(NoAnswer):
            _broken_off().export(tree, kept)
    elif state == "over":
        named("a", "b").export(tree)
        kept = MemoryState()
    else:
        tree.mkdir()
    (tree / "callwell-export.json").write_bytes(content)
    assert run(named("a", "b"), tree, kept) == "complete"
    assert found(tree) == {"a", "b"}
    assert json.loads((tree / "callwell-export.json").read_text())["provider"] == "acme"


def test_a_damaged_marker_proves_nothing(tmp_path: Path) -> None:
    """Among other files, with no record of an export, it is no reason to write."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "callwell-export.json").write_bytes(b"{")
    (tree / "thesis.txt").write_text("years of work")
    assert "nothing else shows that this folder is ours" in run(named("a"), tree)
    assert sorted(path.name for path in tree.iterdir()) == ["callwell-export.json", "thesis.txt"]


class _Breaking(Service):
    """A service at which an export ends in the middle."""

    def __call__(self, request: Request) -> Response | NoReply:  # type: ignore[override] # it gives no response at times
        """What comes back; nothing about one of the things."""
        return LOST if request.url.endswith("/things/b") else super().__call__(request)


def _broken_off() -> Service:
    return _Breaking({"id": "a"}, {"id": "b"})


def test_a_marker_that_was_never_finished_is_none(tmp_path: Path) -> None:
    """A folder with nothing but what a killed run was writing is an empty one."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in (".callwell-export.json.part", ".callwell-export.json.0123456789abcdef.part"):
        (tree / name).write_text("{")
    assert run(named("a"), tree) == "complete"
    assert sorted(path.name for path in tree.iterdir()) == [
        "callwell-export.json",
        "gone.jsonl",
        "manifest.json",
        "things",
        "things.jsonl",
    ]


def test_a_folder_that_is_not_claimed_is_not_written(tmp_path: Path) -> None:
    """A mistake of ours would be noticed."""
    with pytest.raises(FileProblem, match="has not been claimed"):
        output_folder.OutputFolder(tmp_path / "tree", {}).write("x", [b""])

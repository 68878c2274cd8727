# SPDX-License-Identifier: Apache-2.0
"""The history of a project is read once as a whole, and what is missing from it is reported."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

from callwell.readiness.check import CannotCheck, NotApplicable
from callwell.readiness.history.messages import COMMIT_MESSAGE, REFERENCE, write_messages
from callwell.readiness.history.objects import list_objects, read_blobs, read_objects
from callwell.readiness.history.origin import OriginFinder
from callwell.readiness.history.repository import find_repository
from callwell.readiness.history.walk import find_histories
from tests.readiness.made_history import make_history
from tests.readiness.repositories import git

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.readiness.history.repository import Repository
    from tests.readiness.made_history import Commit

COMMITS: list[Commit] = [
    ("first", {"a.py": b"one\n", "sub/b.py": b"two\n"}),
    ("second\n\nwith a body\n", {"a.py": b"three\n"}),
    ("third", {"sub/b.py": None, "\u00fc ber.py": b"two\n", "c.py": b"four"}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of three commits, a tag with a message, and a content that no commit has."""
    made = make_history(tmp_path_factory.mktemp("history") / "app", COMMITS)
    git(made, "tag", "-a", "v1", "-m", "the first release")
    git(made, "hash-object", "-w", "--stdin", stdin=b"left over")
    return made


def contents(repository: Repository, since: str | None = None) -> list[str]:
    """The contents of all files in a history, and what could not be read."""
    found = []
    with list_objects(repository, since) as listed:
        for one in read_objects(repository, listed):
            if isinstance(one, str):
                found.append(one)
            elif one.kind == "blob":
                found.append(b"".join(one.chunks).decode())
    return sorted(found)


def test_each_content_is_read_once(folder: Path) -> None:
    """However many commits have it, and also if none has it any more."""
    assert contents(find_repository(folder)) == ["four", "left over", "one\n", "three\n", "two\n"]


def test_only_what_is_new(folder: Path) -> None:
    """After a revision only what later commits have brought."""
    assert contents(find_repository(folder), since="main~1") == ["four"]


def test_a_content_that_is_not_read_is_passed_over(folder: Path) -> None:
    """The next object follows, although the one before it was not looked into."""
    repository = find_repository(folder)
    with list_objects(repository, None) as listed:
        kinds = [one if isinstance(one, str) else one.kind for one in read_objects(repository, listed)]
    assert sorted(kinds) == ["blob"] * 5 + ["commit"] * 3 + ["tag"]


@pytest.mark.parametrize("limit", [0, 1, 100])
def test_the_first_commit_of_a_content(folder: Path, limit: int) -> None:
    """The oldest commit that has it, and its path there, however much is remembered between two questions."""
    repository = find_repository(folder)
    ids = {
        content: git(folder, "hash-object", "--stdin", stdin=content) for content in (b"two\n", b"four", b"left over")
    }
    finder = OriginFinder(repository.start, limit)
    assert finder.find({ids[b"four"]})[ids[b"four"]][:2] == (git(folder, "rev-parse", "main"), "c.py")
    origins = finder.find(set(ids.values()))
    assert origins[ids[b"two\n"]][:2] == (git(folder, "rev-parse", "main~2"), "sub/b.py")
    assert origins[ids[b"four"]].number > origins[ids[b"two\n"]].number
    assert origins[ids[b"four"]][:2] == (git(folder, "rev-parse", "main"), "c.py")
    assert ids[b"left over"] not in origins
    assert dict(read_blobs(repository, [ids[b"four"]])) == {ids[b"four"]: b"four"}


def test_messages_and_names(folder: Path) -> None:
    """Each line of the texts leads to its commit; names of branches and tags are among them."""
    with tempfile.TemporaryFile() as file:
        messages = write_messages(find_repository(folder), None, file)
        file.seek(0)
        lines = [line.decode() for line in file.read().split(b"\n")]
    body = messages.place(lines.index("with a body") + 1)
    assert body == (COMMIT_MESSAGE, 3, git(folder, "rev-parse", "main~1"))
    assert messages.place(lines.index("first") + 1) == (COMMIT_MESSAGE, 1, git(folder, "rev-parse", "main~2"))
    assert messages.place(lines.index("the first release") + 1) == (REFERENCE, None, None)
    assert messages.place(lines.index("refs/heads/main") + 1) == (REFERENCE, None, None)


def test_a_damaged_object_is_said(tmp_path: Path) -> None:
    """The others are read, also if the damage shows only when git has begun to read."""
    folder = make_history(tmp_path / "app", [("first", {"a": b"one", "b": b"two"})])
    damaged = git(folder, "rev-parse", "HEAD:a")
    loose = folder / ".git/objects" / damaged[:2] / damaged[2:]
    loose.chmod(0o600)
    loose.write_bytes(b"no object")
    repository = find_repository(folder)
    with list_objects(repository, None) as listed:
        assert listed.missing == (damaged,)
        listed.file.seek(0)
        others = listed.file.read()
        listed.file.seek(0)
        listed.file.write(damaged.encode() + b"\n" + others)
        listed.file.flush()
        problem, *found = read_objects(repository, listed)
    assert isinstance(problem, str)
    assert [one.kind for one in found if not isinstance(one, str)] in (["blob", "commit"], ["commit", "blob"])


@pytest.mark.parametrize("kind", ["bare", "worktree", "subfolder"])
def test_every_kind_of_clone_has_the_same_history(folder: Path, tmp_path: Path, kind: str) -> None:
    """Without a working tree, in a second one, and from a folder inside."""
    place = tmp_path / "other"
    if kind == "bare":
        git(folder, "clone", "--quiet", "--bare", str(folder), str(place))
    elif kind == "worktree":
        git(folder, "worktree", "add", "--quiet", "--detach", str(place))
    else:
        place = folder / "sub"
        place.mkdir(exist_ok=True)
    histories = find_histories(place, None)
    assert not histories.unchecked
    assert {"one\n", "two\n", "three\n", "four"} <= set(contents(histories.repositories[0]))


def test_what_is_not_on_this_machine_is_said(folder: Path, tmp_path: Path) -> None:
    """A shallow clone, and a submodule that is not checked out; one that is checked out is looked at."""
    shallow = tmp_path / "shallow"
    git(folder, "clone", "--quiet", "--depth=1", folder.as_uri(), str(shallow))
    allowed = ("-c", "protocol.file.allow=always")
    for name in ("here", "gone"):
        git(shallow, *allowed, "submodule", "--quiet", "add", str(folder), name)
    git(shallow, "submodule", "--quiet", "deinit", "--force", "gone")
    histories = find_histories(shallow, None)
    assert [
        (unchecked.what.partition(",")[0], unchecked.place and unchecked.place.path)
        for unchecked in histories.unchecked
    ] == [
        ("the submodule is not checked out", "gone"),
        ("the clone is shallow", str(shallow)),
    ]
    assert [repository.folder for repository in histories.repositories] == [shallow, shallow / "here"]


def test_without_a_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No repository, no such revision, and no git."""
    with pytest.raises(NotApplicable, match="not in a git repository"):
        find_repository(tmp_path)
    with pytest.raises(CannotCheck, match="revision 'nowhere'"):
        find_histories(folder, "nowhere")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotCheck, match="git is not installed"):
        find_repository(folder)
    with pytest.raises(NotApplicable, match="not in a git repository"):
        find_repository(tmp_path)

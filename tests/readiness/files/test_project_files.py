# SPDX-License-Identifier: Apache-2.0
"""Which files a check looks at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from callwell.readiness.check import CannotCheck
from callwell.readiness.files import ProjectFiles
from tests.readiness.repositories import git, write_files

if TYPE_CHECKING:
    from pathlib import Path


def names(files: ProjectFiles) -> list[str]:
    """The names of all files."""
    return [file.name for file in files]


def test_files_of_a_repository(tmp_path: Path) -> None:
    """What git tracks or would add; of what it ignores only what is shipped, and logs apart."""
    ignored = {
        ".env": "",
        "app.log": "",
        "dist/a.js": "",
        "node_modules/x/dist/b.js": "",
        "env/pyvenv.cfg": "",
        "env/l.log": "",
    }
    write_files(
        tmp_path, ignored | {".gitignore": "/.env\n*.log\ndist\nnode_modules\nenv\n", "a.py": "", "gone.py": ""}
    )
    git(tmp_path, "init")
    git(tmp_path, "add", "a.py", "gone.py")
    (tmp_path / "gone.py").unlink()
    os.mkfifo(tmp_path / "pipe")
    files = ProjectFiles(tmp_path)
    assert [(file.name, file.shipped_by) for file in files] == [
        (".gitignore", ""),
        ("a.py", ""),
        ("dist/a.js", "dist/"),
    ]
    assert [file.name for file in files.ignored_logs()] == ["app.log"]
    assert files.problems() == ()
    write_files(tmp_path, {"Dockerfile": "COPY . .\n"})
    shipped = {file.name: file.shipped_by for file in ProjectFiles(tmp_path) if file.shipped_by}
    assert shipped == {".env": "Dockerfile", "app.log": "Dockerfile", "dist/a.js": "dist/"}


def test_a_folder_and_a_repository_within_a_repository(tmp_path: Path) -> None:
    """Names are relative to the folder that is checked. A repository in it belongs to it."""
    write_files(
        tmp_path,
        {"top.py": "", "sub/a.py": "", "sub/inner/b.py": "", "sub/inner/.gitignore": "c.py\n", "sub/inner/c.py": ""},
    )
    git(tmp_path, "init")
    git(tmp_path / "sub/inner", "init")
    assert names(ProjectFiles(tmp_path / "sub")) == ["a.py", "inner/.gitignore", "inner/b.py"]


def test_a_submodule_that_is_not_checked_out(tmp_path: Path) -> None:
    """It is reported."""
    (tmp_path / "sub").mkdir()
    git(tmp_path, "init")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    files = ProjectFiles(tmp_path)
    assert names(files) == []
    assert [str(problem.place) for problem in files.problems()] == ["sub"]


def test_a_folder_that_is_ignored_as_a_whole(tmp_path: Path) -> None:
    """A sandbox in another repository is a project too."""
    write_files(tmp_path, {".gitignore": "sandbox\n", "sandbox/a.py": ""})
    git(tmp_path, "init")
    assert names(ProjectFiles(tmp_path / "sandbox")) == ["a.py"]


def test_without_git(tmp_path: Path) -> None:
    """All files but other people's; outputs of builds are marked."""
    write_files(
        tmp_path, {"a.py": "", ".env": "", "dist/a.js": "", "venv/x.py": "", "py/pyvenv.cfg": "", "py/y.py": ""}
    )
    files = ProjectFiles(tmp_path)
    assert [(file.name, file.shipped_by) for file in files] == [(".env", ""), ("a.py", ""), ("dist/a.js", "dist/")]
    assert names(files) == [".env", "a.py", "dist/a.js"]
    assert [file.name for file in files.with_suffix(".py", ".js")] == ["a.py", "dist/a.js"]


def test_links(tmp_path: Path) -> None:
    """Those that lead to a file outside or nowhere, so that a check can say so; no folder is entered through one."""
    write_files(tmp_path, {"p/a.py": "", "p/folder/b.py": "", "out.py": "", "others/c.py": ""})
    targets = {"loop": "loop", "nowhere": "absent", "out": "../out.py", "in": "a.py", "up": "..", "others": "../others"}
    for name, target in targets.items():
        (tmp_path / "p" / name).symlink_to(target)
    expected = ["a.py", "folder/b.py", "loop", "nowhere", "out"]
    assert names(ProjectFiles(tmp_path / "p")) == expected
    git(tmp_path, "init")
    assert names(ProjectFiles(tmp_path / "p")) == expected


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """A name can be shown in any case, and the file can be opened."""
    (tmp_path / os.fsdecode(b"a\xff\n.py")).write_text("")
    git(tmp_path, "init")
    (file,) = ProjectFiles(tmp_path)
    assert file.name == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.py"
    assert file.path.read_text() == ""


def test_a_broken_repository_is_walked_and_said(tmp_path: Path) -> None:
    """Then git cannot say what it ignores."""
    write_files(tmp_path, {"a.py": "", ".git": "gitdir: nowhere\n"})
    files = ProjectFiles(tmp_path)
    assert "a.py" in names(files)
    assert "git cannot say which files it ignores" in files.problems()[0].what


def test_a_bare_repository(tmp_path: Path) -> None:
    """It has no files to look at."""
    git(tmp_path, "init", "--bare")
    with pytest.raises(CannotCheck, match="bare repository"):
        names(ProjectFiles(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
@pytest.mark.parametrize("with_git", [False, True])
def test_an_unreadable_folder(tmp_path: Path, *, with_git: bool) -> None:
    """It is reported."""
    write_files(tmp_path, {"a.py": "", "locked/b.py": ""})
    if with_git:
        git(tmp_path, "init")
    (tmp_path / "locked").chmod(0)
    files = ProjectFiles(tmp_path)
    assert names(files) == ["a.py"]
    assert "locked" in str(files.problems())
    (tmp_path / "locked").chmod(0o700)


def test_staged_files(tmp_path: Path) -> None:
    """As they are staged: not as they are in the folder, and no others. The copies are removed with the list."""
    write_files(tmp_path, {"p/a.py": "old\n", "p/same.py": "", "p/gone.py": "", "out.py": ""})
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    write_files(
        tmp_path,
        {
            "p/a.py": "staged\n",
            "p/big.bin": b"x" * 3_000_000,
            "out.py": "changed",
            "p/.gitattributes": "* text eol=crlf",
        },
    )
    (tmp_path / "p/gone.py").unlink()
    (tmp_path / "p/link").symlink_to("a.py")
    git(tmp_path, "add", "-A")
    write_files(tmp_path, {"p/a.py": "later\n", "p/same.py": "later\n"})
    files = ProjectFiles(tmp_path / "p", staged=True)
    assert names(files) == [".gitattributes", "a.py", "big.bin"]
    contents = {file.name: file.path.read_bytes() for file in files}
    assert contents["a.py"] == b"staged\n"
    assert len(contents["big.bin"]) == 3_000_000
    assert list(files.ignored_logs()) == []
    copy = next(iter(files)).path
    del files
    assert not copy.exists()


def test_staged_files_before_the_first_commit(tmp_path: Path) -> None:
    """All are new."""
    write_files(tmp_path, {"a.py": ""})
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    assert names(ProjectFiles(tmp_path, staged=True)) == ["a.py"]


def test_no_repository_has_nothing_staged(tmp_path: Path) -> None:
    """It is an error to ask for it."""
    with pytest.raises(CannotCheck, match="not in a git repository"):
        names(ProjectFiles(tmp_path, staged=True))

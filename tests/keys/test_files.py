# SPDX-License-Identifier: Apache-2.0
"""Key files: which are refused, which mounted secrets are not, and how an exchanged directory is read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from callwell.errors import KeyMissing
from callwell.keys import Key, parse_source
from callwell.keys.exposure import Mount, describe_mode, find_mount, is_mounted_secret
from tests.processes.disks import mounted, remount

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "acme_very_secret"

MOUNTINFO = r"""
22 1 254:0 / / rw,relatime - overlay overlay rw,lowerdir=/a
30 22 0:40 / /etc/secrets ro,relatime shared:7 - tmpfs tmpfs rw,size=8k
31 22 0:41 / /scratch rw,nosuid - tmpfs tmpfs rw
32 22 254:1 /var/secrets/key /run/secrets/acme ro - ext4 /dev/vda1 rw
33 22 254:1 /srv/conf /conf ro - ext4 /dev/vda1 rw
34 22 0:42 / /run/credentials/app.service rw master:1 propagate_from:2 - ramfs none ro,mode=700
35 22 0:43 / /with\040space ro - tmpfs tmpfs rw
36 30 0:44 / /etc/secrets/over rw - ext4 /dev/vdb rw
not a mount
""".splitlines()


def write(path: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    """Write a key file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666, 0o777, 0o444, 0o601])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    """The message has the command that mends it, and the place that accepts it."""
    file = write(tmp_path / "key", mode=mode)
    with pytest.raises(KeyMissing) as caught:
        parse_source(f"file:{file}", "").read()
    assert str(caught.value) == (
        f"key refused: {file} has mode {mode:04o}, so other users can read it: chmod 600 {file} "
        f"(or accept it: file[others-can-read]:{file})"
    )
    assert parse_source(f"file[others-can-read]:{file}", "").read() == Key(SECRET)
    assert parse_source(f"file:{file}", "", accept_exposed=True).read() == Key(SECRET)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    """Only the owner can open it."""
    assert parse_source(f"file:{write(tmp_path / 'key', mode=mode)}", "").read() == Key(SECRET)


def test_root_may_give_a_file_to_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mode 0640 of root is how a service gets a file; 0644 is not, and nor is 0640 of somebody else."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    def found(mode: int, owner: int) -> os.stat_result:
        return os.stat_result((0o100000 | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))

    assert describe_mode(found(0o640, 0)) is None
    assert describe_mode(found(0o644, 0)) == "mode 0644"
    assert describe_mode(found(0o660, 0)) == "mode 0660"
    assert describe_mode(found(0o640, 1000)) == "mode 0640"


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_file_in_a_work_tree_is_refused(tmp_path: Path, *, is_linked: bool) -> None:
    """Also if `.git` is a file, and if only a link leads there."""
    tree = tmp_path / "project"
    tree.mkdir()
    if is_linked:
        (tree / ".git").write_text("gitdir: elsewhere")
    else:
        (tree / ".git").mkdir()
    file = write(tree / "config" / "key")
    link = tmp_path / "link"
    link.symlink_to(file)
    for path in (file, link):
        with pytest.raises(
            KeyMissing, match=rf"is inside a work tree of git \({tree}\): move it out of there"
        ) as caught:
            parse_source(f"file:{path}", "").read()
        assert f"file[in-git]:{path}" in str(caught.value)
        assert parse_source(f"file[in-git]:{path}", "").read() == Key(SECRET)
    file.chmod(0o644)
    with pytest.raises(KeyMissing, match=r"file\[in-git,others-can-read\]:"):
        parse_source(f"file[in-git]:{file}", "").read()
    assert parse_source(f"file[in-git,others-can-read]:{file}", "").read() == Key(SECRET)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/secrets/key", Mount("/etc/secrets", "tmpfs", read_only=True)),
        ("/etc/secrets/over/key", Mount("/etc/secrets/over", "ext4", read_only=False)),
        ("/etc/secretsother/key", Mount("/", "overlay", read_only=False)),
        ("/run/secrets/acme", Mount("/run/secrets/acme", "ext4", read_only=True)),
        ("/run/credentials/app.service/key", Mount("/run/credentials/app.service", "ramfs", read_only=True)),
        ("/with space/key", Mount("/with space", "tmpfs", read_only=True)),
        ("/scratch/key", Mount("/scratch", "tmpfs", read_only=False)),
    ],
)
def test_the_mount_of_a_file(path: str, expected: Mount) -> None:
    """The longest mount point above it."""
    assert find_mount(MOUNTINFO, path) == expected


def test_a_mounted_secret_is_read_whatever_its_mode(tmp_path: Path) -> None:
    """A read-only file system in memory is what Kubernetes makes: mode 0644, links, even in a work tree of git."""
    (tmp_path / ".git").mkdir()
    with mounted(tmp_path / "secrets", "size=64k,mode=1777") as folder:
        write(folder / "..2026_01" / "ACME_KEY", mode=0o644)
        (folder / "..data").symlink_to("..2026_01")
        (folder / "ACME_KEY").symlink_to("..data/ACME_KEY")
        assert not is_mounted_secret(folder / "ACME_KEY")
        with pytest.raises(KeyMissing, match="chmod 600"):
            parse_source(f"file:{folder}/ACME_KEY", "").read()
        remount(folder, "ro")
        assert parse_source(f"file:{folder}/ACME_KEY", "").read() == Key(SECRET)
        assert parse_source(f"dir:{folder}", "ACME_KEY").read() == Key(SECRET)


def swap(folder: Path, version: str, text: str) -> None:
    """Exchange all files as Kubernetes does: a new directory, a new link renamed over the old one, the old one gone."""
    old = (folder / "..data").readlink() if (folder / "..data").is_symlink() else None
    write(folder / version / "ACME_KEY", text)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").rename(folder / "..data")
    if old is not None:
        (folder / old / "ACME_KEY").unlink()
        (folder / old).rmdir()


def test_an_exchanged_directory_is_one_change(tmp_path: Path) -> None:
    """The revision differs once, and the new key is there at once."""
    (tmp_path / "ACME_KEY").symlink_to("..data/ACME_KEY")
    swap(tmp_path, "..one", "acme_first")
    source = parse_source(f"dir:{tmp_path}", "ACME_KEY")
    before = source.revision()
    assert source.read() == Key("acme_first")
    swap(tmp_path, "..two", "acme_other")
    after = source.revision()
    assert after != before
    assert source.read() == Key("acme_other")
    assert source.revision() == after


@pytest.mark.parametrize("name", ["ACME_KEY", "acme_key", "acme-key", "Acme-Key"])
def test_a_directory_has_the_key_under_the_variable(tmp_path: Path, name: str) -> None:
    """In any case, with either mark."""
    file = write(tmp_path / name)
    source = parse_source(f"dir:{tmp_path}", "ACME_KEY")
    assert (source.read(), source.location, source.file) == (Key(SECRET), f"dir:{tmp_path}", file)


def test_a_directory_without_one_key(tmp_path: Path) -> None:
    """None, two, no directory, no name to look for: each is reported with what to do."""
    source = parse_source(f"dir:{tmp_path}", "ACME_KEY")
    with pytest.raises(KeyMissing, match="has no file ACME_KEY; mount the secret under this name"):
        source.read()
    assert (source.file, source.revision()) == (None, None)
    write(tmp_path / "acme_key")
    write(tmp_path / "acme-key")
    with pytest.raises(KeyMissing, match="has acme-key and acme_key; name one of them"):
        source.read()
    with pytest.raises(KeyMissing, match="cannot be read: No such file"):
        parse_source(f"dir:{tmp_path}/none", "ACME_KEY").read()
    with pytest.raises(KeyMissing, match="needs the name of a file here"):
        parse_source(f"dir:{tmp_path}", "").read()


def test_a_pipe_is_read(tmp_path: Path) -> None:
    """What a shell passes as <(command) has no mode to look at."""
    reading, writing = os.pipe()
    os.write(writing, SECRET.encode())
    os.close(writing)
    assert parse_source(f"file:/dev/fd/{reading}", "").read() == Key(SECRET)
    os.close(reading)

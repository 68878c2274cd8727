# SPDX-License-Identifier: Apache-2.0
"""How a new key gets to its place: the commands that people are given do that, and show no key."""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from callwell.keys import parse_source
from callwell.keys.spec import guide_storing

if TYPE_CHECKING:
    from pathlib import Path

GUIDES = {
    "command:op read op://Work/a/key": "where command:op … reads it",
    "keyring:my app/key": "keyring set 'my app' key",
    "vault:kv/app#token": "vault kv patch -mount=kv app token=-",
    "vault[mount=kv/team]:app": "vault kv patch -mount=kv/team app FIELD=-",
    "aws-secret:app": "put-secret-value --secret-id app --secret-string file://$HOME/new.key",
    "aws-secret[region=eu-west-1]:app#key": "file://$HOME/new.key --region eu-west-1",
    "aws-secret:ssm:/app/key": "ssm put-parameter --name /app/key --type SecureString --overwrite --value file://",
    "env:ACME_KEY": "Store the new key at env:ACME_KEY",
}


@pytest.mark.parametrize(("place", "part"), GUIDES.items())
def test_each_kind_has_its_words(place: str, part: str) -> None:
    """A place is quoted for a shell; a kind without words of its own has general ones."""
    guide = guide_storing(parse_source(place, "ACME_KEY"))
    assert part in "\n".join((guide.text, *guide.commands))


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_the_commands_of_a_file_replace_it(tmp_path: Path, kind: str) -> None:
    """An editor gets an empty file of the same mode, which then takes the place of the old one."""
    folder = tmp_path / "it's here"
    folder.mkdir()
    file = folder / "acme-key"
    file.write_text("old")
    file.chmod(0o600)
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf new >> "$1"\n')
    editor.chmod(0o700)
    source = parse_source(f"{kind}:{file if kind == 'file' else folder}", "ACME_KEY")
    for command in guide_storing(source).commands:
        subprocess.run(["sh", "-c", command], env={"EDITOR": str(editor), "PATH": "/usr/bin:/bin"}, check=True)  # noqa: S607
    assert (source.read().reveal(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o600)
    assert [path.name for path in folder.iterdir()] == ["acme-key"]

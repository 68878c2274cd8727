# SPDX-License-Identifier: Apache-2.0
"""The compiled file of a provider holds all that its documents say, and is ignored where they say something else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from callwell.description import catalog, compiled
from callwell.description.loading import load_provider

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", catalog.bundled_names())
def test_it_holds_what_the_documents_say(name: str) -> None:
    """The file in the package gives the same records, with their order, as the documents beside it."""
    folder = catalog.FOLDER / name
    read = compiled.read_compiled(folder)
    provider = load_provider(folder)
    assert read == provider
    assert repr(read) == repr(provider)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with the documents of a bundled provider and their compiled file."""
    return shutil.copytree(catalog.FOLDER / "userplane", tmp_path / "copied")


@pytest.mark.parametrize("document", compiled.DOCUMENTS)
def test_an_edit_is_noticed(copied: Path, document: str) -> None:
    """A document that has changed since makes the compiled file worth nothing."""
    assert compiled.read_compiled(copied) is not None
    edited = copied / document
    edited.write_bytes(edited.read_bytes() + b"\n")
    assert compiled.read_compiled(copied) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b'{"documents": 1, "provider": {}}', b"\xff\xfe", None])
def test_a_damaged_file_is_ignored(copied: Path, content: bytes | None) -> None:
    """What is no compiled file, or is missing, is no reason to fail: the documents are there."""
    (copied / compiled.FILE).unlink()
    if content is not None:
        (copied / compiled.FILE).write_bytes(content)
    assert compiled.read_compiled(copied) is None


def test_missing_documents_are_no_provider(copied: Path) -> None:
    """The compiled file does not stand in for documents that are gone."""
    (copied / "profile.toml").unlink()
    assert compiled.read_compiled(copied) is None

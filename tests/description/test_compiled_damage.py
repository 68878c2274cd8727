# SPDX-License-Identifier: Apache-2.0
"""A compiled file that was damaged, edited, or written with other fields is never believed."""

from __future__ import annotations

import json
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from callwell.description import catalog, compiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "userplane"


def raise_limit(profile: dict[str, Any]) -> None:
    """A flipped digit, or an edit by hand."""
    profile["quotas"]["minute"]["limit"] = 999


def change_address(profile: dict[str, Any]) -> None:
    """A search and replace over all installed files."""
    for environment in profile["environments"].values():
        environment["base_url"] = "http://127.0.0.1:9"


def empty_quotas(profile: dict[str, Any]) -> None:
    """The field had another name when the file was written, and has a default now."""
    profile["quotas_by_name"] = profile.pop("quotas")


def rename_rules(profile: dict[str, Any]) -> None:
    """The same for every field of every operation."""
    for name, rule in profile["operations"].items():
        profile["operations"][name] = {f"old_{field}": value for field, value in rule.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a bundled provider."""
    return shutil.copytree(catalog.FOLDER / NAME, tmp_path / NAME)


@pytest.mark.parametrize("change", [raise_limit, change_address, empty_quotas, rename_rules])
def test_records_that_are_not_those_of_the_documents(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Records that can be read, and say something else than the documents, are found by their checksum."""
    content = json.loads((folder / compiled.FILE).read_bytes())
    change(content["provider"]["profile"])
    (folder / compiled.FILE).write_text(json.dumps(content), encoding="utf-8")
    assert compiled.read_compiled(folder) is None


def test_flipped_bits(folder: Path) -> None:
    """A flipped bit raises nothing, and changes nothing: the file is ignored, or still says the same."""
    file = folder / compiled.FILE
    intact = file.read_bytes()
    provider = compiled.read_compiled(folder)
    assert provider is not None
    chance = random.Random(7)
    for _ in range(150):
        damaged = bytearray(intact)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged)
        read = compiled.read_compiled(folder)
        assert read is None or read == provider


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"documents": 1, "more": ' + b"[" * 200_000, id="deep inside"),
        pytest.param(b'{"documents": 1, "provider": {"name": "\xff"}}', id="bytes that are not text"),
        pytest.param(b'{"documents": 1, "provider": {"name": "\\ud800"}}', id="half a character"),
        pytest.param(b'{"documents": 1, "records": 1, "provider": {"na', id="half written"),
    ],
)
def test_bytes_that_no_decoder_bears(folder: Path, content: bytes) -> None:
    """Whatever the bytes make of the decoder, the documents are read in their place."""
    (folder / compiled.FILE).write_bytes(content)
    assert compiled.read_compiled(folder) is None


def test_bytes_moved_from_one_document_to_the_other(folder: Path) -> None:
    """The checksum covers where one document ends and the next one begins."""
    first, second = (folder / name for name in compiled.DOCUMENTS)
    moved = second.read_bytes()
    first.write_bytes(first.read_bytes() + moved[:10])
    second.write_bytes(moved[10:])
    assert compiled.read_compiled(folder) is None

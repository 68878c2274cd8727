# SPDX-License-Identifier: Apache-2.0
"""Keys of a profile that were renamed go on to work under their old names."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from callwell.description import catalog
from callwell.description.loading import load_provider
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from pathlib import Path

OLD = {
    "range_format": "form",
    "unknown_total": "unknown",
    "received_codes": "there",
    "complete_codes": "whole",
    "dead_codes": "dead",
    "refused_codes": "refused",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The documents of a bundled provider that has uploads and tokens."""
    return shutil.copytree(catalog.FOLDER / "apivideo", tmp_path / "apivideo")


def test_old_names_mean_the_same(folder: Path) -> None:
    """A profile with every old name gives the records that the new names give."""
    file = folder / "profile.toml"
    text = file.read_text(encoding="utf-8")
    old = (
        text.replace("[retry]", "[retry]\ntells = true", 1) if "[retry]" in text else f"{text}\n[retry]\ntells = true\n"
    )
    for new, name in OLD.items():
        old = re.sub(rf"^{new}(?= =)", name, old, flags=re.MULTILINE)
    assert old != text
    provider = load_provider(folder)
    file.write_text(old, encoding="utf-8")
    read = load_provider(folder)
    assert read.profile.operations == provider.profile.operations
    assert read.profile.key == provider.profile.key
    assert read.profile.retry.announce_retries


def test_both_names_at_once_are_refused(folder: Path) -> None:
    """It would be unclear which of the two counts."""
    file = folder / "profile.toml"
    text = file.read_text(encoding="utf-8")
    assert re.search(r"^dead_codes =", text, re.MULTILINE)
    file.write_text(re.sub(r"^(dead_codes =)", r"dead = []\n\1", text, flags=re.MULTILINE), encoding="utf-8")
    with pytest.raises(ProfileError, match="unknown key"):
        load_provider(folder)

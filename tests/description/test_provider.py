# SPDX-License-Identifier: Apache-2.0
"""Operations, rules and environments are looked up by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.core.rules.operations import OperationRule
from callwell.description.loading import load_provider
from callwell.description.names import to_identifier, to_pascal_case, to_snake_case
from callwell.errors import UnknownName
from tests.description.tiny import write

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.provider import Provider


@pytest.fixture
def tiny(tmp_path: Path) -> Provider:
    """A provider in a folder."""
    return load_provider(write(tmp_path / "tiny"))


def test_names(tiny: Provider) -> None:
    """Names are found; the only environment is the default, and its address has no slash at its end."""
    assert tiny.operation("things.list").path == "/things"
    assert tiny.rule("things.list").paging
    assert tiny.rule("things.delete") == OperationRule()
    assert tiny.environment().name == tiny.environment("production").name == "production"
    assert tiny.environment().base_url == "https://tiny.test/v1"


def test_unknown_names(tiny: Provider) -> None:
    """An unknown name is refused with the closest names."""
    with pytest.raises(UnknownName, match=r"unknown operation 'thing.list' of tiny: did you mean things.list"):
        tiny.operation("thing.list")
    with pytest.raises(UnknownName, match=r"things\.delete"):
        tiny.rule("things.deletes")
    with pytest.raises(UnknownName, match="unknown environment 'prod' of tiny"):
        tiny.environment("prod")


def test_the_default_environment(tmp_path: Path) -> None:
    """Of several environments, the one with `default = true` is the default."""
    folder = write(tmp_path / "tiny")
    with (folder / "profile.toml").open("a") as file:
        file.write('\n[environments.sandbox]\nbase_url = "https://sandbox.test"\ndefault = true\n')
    provider = load_provider(folder)
    assert provider.environment().name == "sandbox"
    assert provider.environment("production").base_url == "https://tiny.test/v1"


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("workspaceId", "workspace_id"),
        ("linkURL", "link_url"),
        ("URLName", "url_name"),
        ("per_page", "per_page"),
        ("X-Trace-Id", "x_trace_id"),
        ("filter[name]", "filter_name"),
        ("a1B", "a1_b"),
    ],
)
def test_snake_case(wire: str, python: str) -> None:
    """Names of the document are snake case in Python."""
    assert to_snake_case(wire) == python


def test_class_names_and_identifiers() -> None:
    """Classes are Pascal case; a keyword gets an underscore after it, a digit one before it."""
    assert to_pascal_case("recordings", "console_log", "linkURL") == "RecordingsConsoleLogLinkUrl"
    assert [to_identifier(name) for name in ("from", "4xx", "a b", "")] == ["from_", "_4xx", "a_b", "_"]

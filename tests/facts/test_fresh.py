# SPDX-License-Identifier: Apache-2.0
"""The facts kept here are those of the papers, where the papers lie beside the project; and none of their prose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callwell import providers
from tests.facts import document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def paper(shared: Path) -> dict[str, Any]:
    """The provider's own document."""
    file = shared / "providers" / "apivideo-openapi.yaml"
    if not file.is_file():
        pytest.skip("no document of api.video beside the project")
    return document.load(file)


def test_the_document(paper: dict[str, Any]) -> None:
    """What is kept is what the document says."""
    assert json.loads(document.FILE.read_text(encoding="utf-8")) == document.facts(paper)


def test_none_of_their_prose(paper: dict[str, Any]) -> None:
    """No line of ours is a line of theirs: structure only was taken."""
    ours = json.loads((providers.FOLDER / "apivideo" / "openapi.json").read_text(encoding="utf-8"))
    sentences = {text for text in _prose(paper) if " " in text}
    assert sentences
    assert {text for text in _prose(ours) if " " in text} & sentences == set()


def _prose(node: object) -> Iterator[str]:
    """The texts of a document under keys that hold prose."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"description", "summary", "title"} and isinstance(value, str):
                yield from (line.strip().rstrip(".").lower() for line in value.splitlines())
            yield from _prose(value)
    elif isinstance(node, list):
        for one in node:
            yield from _prose(one)

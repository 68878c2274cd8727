# SPDX-License-Identifier: Apache-2.0
"""The facts kept here are those of the papers, if these are beside the project, and hold none of their prose."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest

from callwell import providers
from tests.facts import document
from tests.facts.papers import PAPERS, Paper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEW_WORDS: Final = 6
"""A name may have as many; a piece of a paper that has more is prose."""


def read(shared: Path, paper: Paper) -> str:
    """A paper's text."""
    file = shared / "providers" / paper.name
    if not file.is_file():
        pytest.skip(f"no {paper.name} beside the project")
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_facts_are_those_of_the_paper(shared: Path, paper: Paper) -> None:
    """What is kept is what the paper says."""
    assert json.loads(paper.file.read_text(encoding="utf-8")) == paper.facts(read(shared, paper))


@pytest.mark.parametrize(
    "paper", [paper for paper in PAPERS if paper.file != document.FILE], ids=lambda item: item.name
)
def test_facts_are_no_prose(shared: Path, paper: Paper) -> None:
    """No sentence and no cell of a paper is kept: names, numbers and strings on the wire only."""
    pieces = {piece.strip() for piece in re.split(r"\. |\n| \| |; ", read(shared, paper))}
    prose = {piece for piece in pieces if len(piece.split()) > FEW_WORDS}
    assert prose
    assert set(_texts(json.loads(paper.file.read_text(encoding="utf-8")))) & prose == set()


def test_our_description_has_none_of_their_prose(shared: Path) -> None:
    """No line of ours is a line of theirs: structure only was taken."""
    (paper,) = (paper for paper in PAPERS if paper.file == document.FILE)
    ours = json.loads((providers.FOLDER / "apivideo" / "openapi.json").read_text(encoding="utf-8"))
    sentences = {text for text in _prose(document.load(read(shared, paper))) if " " in text}
    assert sentences
    assert {text for text in _prose(ours) if " " in text} & sentences == set()


def _texts(node: object) -> Iterator[str]:
    """All texts of a file of facts, keys among them."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from node
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)


def _prose(node: object) -> Iterator[str]:
    """The strings of a document under keys that hold prose."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"description", "summary", "title"} and isinstance(value, str):
                yield from (line.strip().rstrip(".").lower() for line in value.splitlines())
            yield from _prose(value)
    elif isinstance(node, list):
        for item in node:
            yield from _prose(item)

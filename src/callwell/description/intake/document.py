# SPDX-License-Identifier: Apache-2.0
"""Reads a published document into the facts that inference and comparison need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.description import openapi
from callwell.description.documents.external import include_files
from callwell.description.documents.reading import parse_document
from callwell.description.documents.repeated_keys import find_repeated_keys
from callwell.description.documents.swagger import translate
from callwell.description.infer.facts import DocumentFacts, read_facts

if TYPE_CHECKING:
    from pathlib import Path


class Intake(NamedTuple):
    """An imported document.

    Attributes:
        text: the document as published.
        file_name: its name in the folder of a provider.
        files: the files that it refers to, by their paths relative to its folder.
        facts: its facts.
        repeated: descriptions of keys that appear twice in one object, with their lines.
    """

    text: bytes
    file_name: str
    files: tuple[str, ...]
    facts: DocumentFacts
    repeated: tuple[str, ...] = ()


def read_intake(text: bytes, file: Path, *, address: str = "", without_siblings: bool = False) -> Intake:
    """Read a document.

    Args:
        text: the document as published.
        file: its file, or its name in errors.
        address: the URL that it came from; empty for a file.
        without_siblings: whether there are no files next to it.

    Raises:
        ProfileError: it is not an OpenAPI document.
    """
    document = parse_document(text, file)
    content = document.content
    beside = {} if without_siblings else include_files(content, file)
    repeated = find_repeated_keys(document)
    repeated += [f"{name}: {found}" for name, other in beside.items() for found in find_repeated_keys(other)]
    if str(content.get("swagger")) == "2.0":
        content = translate(content)
    api = openapi.read(content, file=str(file))
    name = "openapi.json" if document.is_json else "openapi.yaml"
    facts = read_facts(content, api, address)
    return Intake(text=text, file_name=name, files=tuple(beside), facts=facts, repeated=tuple(repeated))

# SPDX-License-Identifier: Apache-2.0
"""Merges the files that a document refers to into the document.

    {"$ref": "schemas/thing.yaml#/Thing"}  ──>  {"$ref": "#/x-callwell-files/schemas~1thing.yaml/Thing"}

Only files in and below the folder of the document are read: a document that someone else wrote must not read other
files or make requests. A reference to anything else stays unresolved, and is refused where it is used.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from callwell.description.documents.reading import MAX_BYTES, read_document
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.documents.reading import Document

FILES: Final = "x-callwell-files"
"""The key of the document under which the other files are merged."""

MAX_FILES: Final = 10_000
"""The most files of one document: DigitalOcean's consists of 2,900, of 1 KB each."""

_EXTERNAL_REFERENCE: Final = re.compile(rb"""\$ref["']?\s*+:\s*+(?!["']?#)""")
"""A reference that may lead out of the document. Without one, the document need not be walked for references, which
would be a third of the time to load GitHub's."""

_ESCAPED_DOLLAR: Final = (rb"\u0024", rb"\x24")
"""An escaped dollar sign in JSON or YAML, which may begin a reference that looks different."""


def read_with_files(file: Path) -> Document:
    """Read a document, with the files that it refers to under `FILES`, by their paths relative to its folder.

    Raises:
        ProfileError: the same as `read_document`.
    """
    document = read_document(file)
    if _EXTERNAL_REFERENCE.search(document.text) or any(dollar in document.text for dollar in _ESCAPED_DOLLAR):
        include_files(document.content, file)
    return document


def include_files(document: dict[str, Any], file: Path) -> dict[str, Document]:
    """Merge the files that a document refers to, and rewrite its references.

    Args:
        document: the document, changed in place.
        file: the file that it was read from.

    Returns:
        the files, by their paths relative to the folder of the document.
    """
    folder = file.parent.resolve()
    files: dict[str, Document] = {}
    size = 0
    waiting: list[tuple[str, Any]] = [(file.name, document)]
    while waiting:
        name, content = waiting.pop()
        for node in _references(content):
            target, _, pointer = node["$ref"].partition("#")
            other = _resolve_name(name, target) if target else name
            if other is None or (other == file.name and name == file.name):
                continue
            if other == file.name:
                node["$ref"] = f"#{pointer}"
                continue
            if other not in files:
                path = (folder / other).resolve()
                if not path.is_relative_to(folder) or not path.is_file() or len(files) >= MAX_FILES:
                    continue
                try:
                    read = read_document(path)
                except ProfileError:
                    continue
                size += len(read.text)
                if size > MAX_BYTES:
                    return {}
                files[other] = read
                waiting.append((other, read.content))
            node["$ref"] = f"#/{FILES}/{_escape(other)}{pointer.rstrip('/')}"
    if files:
        document[FILES] = {name: read.content for name, read in files.items()}
    return files


def _references(content: Any) -> list[dict[str, Any]]:
    """All objects with a reference. An object in two places, such as an alias in YAML, is found once."""
    found: dict[int, dict[str, Any]] = {}
    seen: set[int] = set()
    stack = [content]
    while stack:
        node = stack.pop()
        if isinstance(node, dict | list) and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    found[id(node)] = node
                stack.extend(node.values())
            else:
                stack.extend(node)
    return list(found.values())


def _resolve_name(name: str, target: str) -> str | None:
    """Resolve a reference from one file to another, relative to the document's folder; None for a URL."""
    if ":" in target or target.startswith(("/", "\\")):
        return None
    parts: list[str] = []
    for part in (PurePosixPath(name).parent / unquote(target)).parts:
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _escape(name: str) -> str:
    """Escape a key for a JSON Pointer in a URL (RFC 6901, sections 3 and 6)."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")

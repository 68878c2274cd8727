# SPDX-License-Identifier: Apache-2.0
"""Reads the file of an OpenAPI document, in JSON or YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.description.collection import without_gc
from callwell.description.documents.kinds import kind_of_text
from callwell.description.error import DescriptionError, found_value
from callwell.description.locate import json_line
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.error import KeyPath

DOCUMENT_NAMES: Final = ("openapi.json", "openapi.yaml", "openapi.yml")
"""File names of the document in the folder of a provider; the first that exists is read."""

MAX_BYTES: Final = 64 << 20
"""The most bytes of a document, with all its files. GitHub's, the largest known, has 13 MB."""

_BOM: Final = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8."""

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
"""The byte order marks of UTF-16, which editors on Windows write."""

_ERROR_POSITION: Final = re.compile(r"byte (\d+)")
"""The position in msgspec's messages about invalid JSON."""


class Document(NamedTuple):
    """A document as it was read.

    Attributes:
        content: the parsed document.
        text: the bytes of its file.
        is_json: whether it is JSON; otherwise YAML.
        yaml_repeats: whether it is YAML with a repeated key in an object. `repeated_keys` finds those of JSON.
    """

    content: dict[str, Any]
    text: bytes
    is_json: bool
    yaml_repeats: bool = False

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, from 1; if the key does not exist, the line of the nearest value around it."""
        text = self.text.decode("utf-8-sig", errors="replace")
        if self.is_json:
            return json_line(text, path)
        from callwell.description.documents.yaml_text import yaml_line

        return yaml_line(text, path)


def find_document(folder: Path) -> Path:
    """The path of the document in the folder of a provider; if there is none, the path where it should be."""
    return next((folder / name for name in DOCUMENT_NAMES if (folder / name).exists()), folder / DOCUMENT_NAMES[0])


def read_document(file: Path) -> Document:
    """Read a document from a file.

    Args:
        file: JSON or YAML, told apart by the first character.

    Raises:
        ProfileError: there is no such file, it is too large, or it is not an object in JSON or YAML.
    """
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            found = f"expected at most {MAX_BYTES >> 20} MiB, found {size / (1 << 20):.0f} MiB"
            raise ProfileError(str(file), "document", found)
        text = file.read_bytes()
    except OSError as error:
        raise ProfileError(
            str(file), "document", f"expected a file that can be read, found {error.strerror}"
        ) from error
    return parse_document(text, file)


@without_gc()
def parse_document(text: bytes, file: Path) -> Document:
    """Parse a document.

    Args:
        text: JSON or YAML, told apart by the first character.
        file: where it came from, for errors; its suffix may tell JSON from YAML.

    Raises:
        ProfileError: it is not an object in JSON or YAML.
    """
    if text.startswith(_UTF_16):
        text = text.decode("utf-16", errors="replace").encode()
    begins_as_json = text.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[")
    kind = "" if begins_as_json else kind_of_text(text.removeprefix(_BOM))
    if kind:
        raise ProfileError(str(file), "document", f"expected an OpenAPI document in JSON or YAML, found {kind}", line=1)
    is_json = file.suffix == ".json" or (begins_as_json and file.suffix not in (".yaml", ".yml"))
    content, repeats = (_parse_json(file, text), False) if is_json else _parse_yaml(file, text)
    if not isinstance(content, dict):
        raise ProfileError(str(file), "document", f"expected an object, {found_value(content)}", line=1)
    return Document(content=content, text=text, is_json=is_json, yaml_repeats=repeats)


def _parse_json(file: Path, text: bytes) -> object:
    try:
        return msgspec.json.decode(text.removeprefix(_BOM))
    except UnicodeDecodeError as error:
        line: int | None = text[: _undecodable(text)].count(b"\n") + 1
        raise ProfileError(
            str(file), "document", "expected JSON in UTF-8, found another encoding", line=line
        ) from error
    except msgspec.DecodeError as error:
        position = _ERROR_POSITION.search(str(error))
        line = text.count(b"\n", 0, int(position[1])) + 1 if position else None
        raise ProfileError(str(file), "document", f"expected JSON, found an error: {error}", line=line) from error
    except RecursionError as error:
        raise ProfileError(
            str(file), "document", "expected fewer levels, found JSON that is nested too deeply"
        ) from error


def _parse_yaml(file: Path, text: bytes) -> tuple[object, bool]:
    from callwell.description.documents.yaml_text import error_line, read_yaml

    try:
        return read_yaml(text)
    except DescriptionError as error:
        line = error_line(error.__cause__)
        raise ProfileError(str(file), "document", error.expected, line=line) from error


def _undecodable(text: bytes) -> int:
    """The position of the first byte that is not UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0

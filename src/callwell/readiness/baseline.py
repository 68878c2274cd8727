# SPDX-License-Identifier: Apache-2.0
"""The baseline: a file of accepted findings, each with a reason and the last day on which it is accepted."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell import folders
from callwell.errors import FileProblem, UsageError
from callwell.readiness.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NAME: Final = ".callwell-baseline.toml"
TABLE: Final = "accepted"
FIELDS: Final = ("check", "path", "identity", "reason", "until")

HEADER: Final = """\
# Findings of `callwell check` that are accepted, each with a reason and the last day on which it is.
# `callwell check --accept ID --reason TEXT --until DATE` adds one.
"""


class BaselineEntry(NamedTuple):
    """One entry.

    Attributes:
        identity: the finding that it accepts.
        reason: why.
        until: the last day on which it applies.
        origin: where it is, as `file:line`.
    """

    identity: Identity
    reason: str
    until: dt.date
    origin: str


def read_baseline(path: Path) -> tuple[BaselineEntry, ...]:
    """Read a baseline.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or an entry is not complete.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: expected TOML: {error}") from error
    entries = document.get(TABLE, [])
    if set(document) - {TABLE} or not isinstance(entries, list):
        raise UsageError(f"{path}: expected a list of tables, each below a line [[{TABLE}]]")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == f"[[{TABLE}]]"]
    return tuple(
        _read_entry(entry, f"{path}:{lines[index]}" if len(lines) == len(entries) else str(path))
        for index, entry in enumerate(entries)
    )


def _read_entry(entry: Any, origin: str) -> BaselineEntry:
    for name in FIELDS:
        expected = dt.date if name == "until" else str
        value = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(value, expected) or isinstance(value, dt.datetime):
            kind = "a date such as 2027-01-31, without quotes" if name == "until" else "a string"
            raise UsageError(f"{origin}: {TABLE}.{name}: expected {kind}, found {value!r}")
    unknown = sorted(set(entry) - set(FIELDS))
    if unknown:
        raise UsageError(f"{origin}: {TABLE}.{unknown[0]}: expected {', '.join(FIELDS)}, found an unknown key")
    if not entry["reason"].strip():
        raise UsageError(f"{origin}: {TABLE}.reason: expected why the finding is accepted, found nothing")
    identity = Identity(check=entry["check"], path=entry["path"], text=entry["identity"])
    return BaselineEntry(identity=identity, reason=entry["reason"].strip(), until=entry["until"], origin=origin)


def add_entries(path: Path, entries: Iterable[BaselineEntry]) -> None:
    """Append entries to a baseline; create the file if it does not exist.

    Args:
        path: the file.
        entries: the entries; their origins are not written.

    Raises:
        FileProblem: it cannot be written.
    """
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else HEADER
        text = "".join((old.rstrip("\n"), "\n", *map(_entry_text, entries)))
        folders.write(path.absolute(), [text.encode()])
    except OSError as error:
        raise FileProblem(f"{path} cannot be written: {error.strerror}") from error


def _entry_text(entry: BaselineEntry) -> str:
    return "".join(_entry_lines(entry))


def _entry_lines(entry: BaselineEntry) -> Iterator[str]:
    values = (*entry.identity, entry.reason)
    yield f"\n[[{TABLE}]]\n"
    for name, value in zip(FIELDS, values, strict=False):
        yield f"{name} = {_toml_string(value)}\n"
    yield f"until = {entry.until.isoformat()}\n"


def _toml_string(value: str) -> str:
    """A basic string of TOML 1.0: as in JSON, except that U+007F must be escaped, too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

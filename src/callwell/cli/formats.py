# SPDX-License-Identifier: Apache-2.0
"""Items as lines of JSON, one JSON list, CSV or a table.

Lines and lists are written as the items come. The columns of CSV and tables are those of all items together, so they
are written at the end, also when the walk broke off.
"""

from __future__ import annotations

import csv
from typing import Any, Final, Protocol

from callwell.cli import output
from callwell.cli.tables import GAP, WIDEST

VALUE: Final = "value"
"""The column of items that are no records."""


class ItemWriter(Protocol):
    """Where items go."""

    def add(self, item: Any) -> None:
        """Take one item."""
        ...

    def close(self) -> None:
        """Write what is still to be written."""
        ...


class JsonLinesWriter:
    """One item a line, as JSON."""

    def add(self, item: object) -> None:
        """Write it."""
        output.emit_data(f"{output.json_line(item)}\n")

    def close(self) -> None:
        """Nothing is left."""


class JsonArrayWriter:
    """One JSON list, an item a line."""

    def __init__(self) -> None:
        self._before = "["

    def add(self, item: object) -> None:
        """Write it."""
        output.emit_data(f"{self._before}\n{output.json_line(item)}")
        self._before = ","

    def close(self) -> None:
        """End the list."""
        output.emit("[]" if self._before == "[" else "\n]")


class ColumnWriter:
    """Items that are kept until all are there.

    Args:
        first: the field that names an item, which is the first column.
    """

    def __init__(self, first: str | None) -> None:
        self.items: list[dict[str, Any]] = []
        self._columns: dict[str, None] = {first: None} if first else {}

    def add(self, item: object) -> None:
        """Keep it."""
        record = item if isinstance(item, dict) else {VALUE: item}
        self.items.append(record)
        self._columns.update(dict.fromkeys(record))

    @property
    def columns(self) -> list[str]:
        """The fields of all items, in the order in which they came."""
        return [name for name in self._columns if any(name in item for item in self.items)]


class CsvWriter(ColumnWriter):
    """Comma-separated values with a line of names; what is no plain value is JSON."""

    def close(self) -> None:
        """Write them all."""
        columns = self.columns
        lines = csv.writer(_CsvSink(), lineterminator="\n")
        if columns:
            lines.writerow(columns)
        lines.writerows([_plain(item.get(name)) for name in columns] for item in self.items)


class _CsvSink:
    """Where the standard library's writer writes."""

    def write(self, text: str) -> None:
        """Write a line."""
        output.emit_data(text)


class TableWriter(ColumnWriter):
    """A table of the plain fields that the paper has room for; the others are counted on standard error."""

    def close(self) -> None:
        """Write them all."""
        columns = self.columns
        left, chosen = output.width(), list[str]()
        for name in columns:
            values = [item.get(name) for item in self.items]
            if any(isinstance(value, dict | list) for value in values) or all(value is None for value in values):
                continue
            need = min(WIDEST, max(len(name), *(len(output.shown(value)) for value in values))) + GAP
            if chosen and need > left:
                break
            left -= need
            chosen.append(name)
        if not chosen:
            return
        output.emit_table(chosen, ([item.get(name) for name in chosen] for item in self.items))
        if hidden := len(columns) - len(chosen):
            output.say(f"{hidden} more field{'s' * (hidden != 1)} of each item: --format jsonl, csv or json shows all")


def writer(form: str, *, first: str | None) -> ItemWriter:
    """Where items go in a format.

    Args:
        form: `jsonl`, `json`, `csv` or `table`.
        first: the field that names an item.
    """
    match form:
        case "jsonl":
            return JsonLinesWriter()
        case "json":
            return JsonArrayWriter()
        case "csv":
            return CsvWriter(first)
        case _:
            return TableWriter(first)


def _plain(value: Any) -> Any:
    return output.json_line(value) if isinstance(value, dict | list | bool) else value

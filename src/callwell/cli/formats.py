# SPDX-License-Identifier: Apache-2.0
"""Writes items as JSON lines, one JSON list, CSV or a table.

JSON is written as items arrive. The columns of CSV and tables depend on all items, so these are written at the end,
even if the walk stopped early.
"""

from __future__ import annotations

import csv
from typing import Any, Final, Protocol

from callwell.cli import output
from callwell.cli.tables import GAP, WIDEST

VALUE: Final = "value"
"""The column of items that are not objects."""


class ItemWriter(Protocol):
    """Receives items and prints them."""

    def add(self, item: Any) -> None:
        """Receive one item."""
        ...

    def close(self) -> None:
        """Write what has not been written yet."""
        ...


class JsonLinesWriter:
    """JSON lines: one item a line."""

    def add(self, item: object) -> None:
        """Write the item."""
        output.emit_data(f"{output.json_line(item)}\n")

    def close(self) -> None:
        """Do nothing: every item has been written."""


class JsonArrayWriter:
    """One JSON list, with one item a line."""

    def __init__(self) -> None:
        self._separator = "["

    def add(self, item: object) -> None:
        """Write the item."""
        output.emit_data(f"{self._separator}\n{output.json_line(item)}")
        self._separator = ","

    def close(self) -> None:
        """End the list."""
        output.emit("[]" if self._separator == "[" else "\n]")


class ColumnWriter:
    """Keeps all items until the end, because the columns depend on all of them.

    Args:
        first_column: the field that identifies an item.
    """

    def __init__(self, first_column: str | None) -> None:
        self.items: list[dict[str, Any]] = []
        self._columns: dict[str, None] = {first_column: None} if first_column else {}

    def add(self, item: object) -> None:
        """Keep the item."""
        record = item if isinstance(item, dict) else {VALUE: item}
        self.items.append(record)
        self._columns.update(dict.fromkeys(record))

    @property
    def columns(self) -> list[str]:
        """The fields of all items, in the order of their first appearance."""
        return [name for name in self._columns if any(name in item for item in self.items)]


class CsvWriter(ColumnWriter):
    """CSV with a header; nested values and booleans are JSON."""

    def close(self) -> None:
        """Write all items."""
        columns = self.columns
        rows = csv.writer(_CsvSink(), lineterminator="\n")
        if columns:
            rows.writerow(columns)
        rows.writerows([_csv_value(item.get(name)) for name in columns] for item in self.items)


class _CsvSink:
    """The file that `csv.writer` writes to."""

    def write(self, text: str) -> None:
        """Write one line."""
        output.emit_data(text)


class TableWriter(ColumnWriter):
    """A table of the plain fields that fit the terminal; standard error says how many do not."""

    def close(self) -> None:
        """Write all items."""
        columns = self.columns
        left = output.width()
        chosen: list[str] = []
        for name in columns:
            values = [item.get(name) for item in self.items]
            if any(isinstance(value, dict | list) for value in values) or all(value is None for value in values):
                continue
            longest = max(len(name), *(len(output.cell_text(value)) for value in values))
            need = min(WIDEST, longest) + GAP
            if chosen and need > left:
                break
            left -= need
            chosen.append(name)
        if not chosen:
            return
        output.emit_table(chosen, ([item.get(name) for name in chosen] for item in self.items))
        if hidden := len(columns) - len(chosen):
            fields = "1 field is" if hidden == 1 else f"{hidden} fields are"
            output.say(f"{fields} not shown; --format jsonl, csv or json prints all fields")


def open_writer(form: str, *, first_column: str | None) -> ItemWriter:
    """The writer of a format.

    Args:
        form: `jsonl`, `json`, `csv` or `table`.
        first_column: the field that identifies an item.
    """
    match form:
        case "jsonl":
            return JsonLinesWriter()
        case "json":
            return JsonArrayWriter()
        case "csv":
            return CsvWriter(first_column)
        case _:
            return TableWriter(first_column)


def _csv_value(value: Any) -> Any:
    return output.json_line(value) if isinstance(value, dict | list | bool) else value

# SPDX-License-Identifier: Apache-2.0
"""Reads manifests: CSV, JSON lines or Parquet, told apart by what is in them.

A row names a file and says what is to be known of it. A path is relative to the manifest's folder, or to one of the
folders that are given beside it.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.assess.rows import TEXT, AssessmentRow
from callwell.errors import FileProblem, ManifestError, UsageError
from callwell.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FILE: Final = "file"
COLUMNS: Final = (FILE, TEXT, "user", "accent", "operation")
PARQUET: Final = b"PAR1"
SEPARATORS: Final = ",;\t"
EXTRA: Final = "a manifest in Parquet needs packages that are not installed (no {name}): {install}"


def read(manifest: str | os.PathLike[str], places: Iterable[str | os.PathLike[str]] = ()) -> list[AssessmentRow]:
    """The rows of a manifest.

    Args:
        manifest: the file.
        places: folders in which its files are looked for, in place of its own; and files, to which it is narrowed.

    Raises:
        ManifestError: it cannot be understood, or has a column that nobody knows.
        FileProblem: it cannot be read.
        UsageError: a file that no row names, or Parquet without the extra.
    """
    path, folders, only = Path(manifest), list[Path](), dict[Path, Path]()
    for place in map(Path, places):
        if place.is_dir():
            folders.append(place)
        else:
            only[place.resolve()] = place
    rows = [_row(path, folders or [path.parent], number, record) for number, record in _records(path)]
    if not only:
        return rows
    named = [row for row in rows if row.file.resolve() in only]
    for resolved in only.keys() - {row.file.resolve() for row in named}:
        raise UsageError(f"{only[resolved]}: no row of {path} names this file")
    return named


def search(places: Iterable[str | os.PathLike[str]], *, apart: Iterable[Path] = ()) -> list[AssessmentRow]:
    """Rows for all files of some folders, hidden ones left out, and for single files.

    Args:
        places: folders and files.
        apart: files and folders that are not meant.

    Raises:
        UsageError: there is no file.
    """
    left_out = {one.resolve() for one in apart}
    found = [file for place in map(Path, places) for file in _files(place, left_out)]
    if not found:
        raise UsageError("there is no file to assess: name some, or a folder with some, or a manifest")
    return [AssessmentRow(file) for file in found]


def _files(place: Path, left_out: set[Path]) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    for folder, folders, names in os.walk(place):
        here = Path(folder)
        folders[:] = sorted(
            one for one in folders if not one.startswith(".") and (here / one).resolve() not in left_out
        )
        for name in sorted(names):
            if not name.startswith(".") and (here / name).resolve() not in left_out:
                yield here / name


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a manifest with their lines."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith(PARQUET):
        yield from _parquet(path, data)
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(str(path), "expected text in UTF-8, found other bytes", row=line) from error
    yield from (_lines if text.lstrip().startswith("{") else _table)(path, text)


def _table(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    head = text.partition("\n")[0]
    separator = max(SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: list[str] = []
    try:
        before = 0
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not columns:
                columns = [cell.strip() for cell in cells]
                _check_columns(path, columns)
            elif len(cells) > len(columns):
                raise ManifestError(str(path), f"{len(cells)} cells for {len(columns)} columns", row=line)
            elif any(cells):
                yield line, dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise ManifestError(str(path), f"no CSV: {error}", row=reader.line_num) from error
    if not columns:
        raise ManifestError(str(path), f"expected the columns {', '.join(COLUMNS)}, found nothing")


def _lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                record = msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise ManifestError(str(path), f"expected an object in JSON: {error}", row=number) from error
            _check_columns(path, list(record), row=number)
            yield number, record


def _parquet(path: Path, data: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise UsageError(EXTRA.format(name=error.name, install=install_command("parquet"))) from error
    try:
        table = parquet.read_table(pa.BufferReader(data))
        _check_columns(path, table.column_names)
        records: list[dict[str, Any]] = table.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ManifestError(str(path), f"damaged Parquet: {str(error).splitlines()[0]}") from error
    yield from enumerate(records, 1)


def _check_columns(path: Path, columns: Sequence[str], row: int | None = None) -> None:
    for place, name in enumerate(columns):
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.5) or [", ".join(COLUMNS)]
            raise ManifestError(str(path), f"unknown column {name!r}: expected {near[0]}", row=row)
        if name in columns[:place]:
            raise ManifestError(str(path), f"the column {name} is there twice", row=row)
    if FILE not in columns:
        raise ManifestError(str(path), f"expected a column {FILE}, found {', '.join(columns)}", row=row)


def _row(path: Path, folders: Sequence[Path], number: int, record: dict[str, Any]) -> AssessmentRow:
    values = {name: _value(path, name, record.get(name), number) for name in COLUMNS}
    file = values[FILE]
    if file is None:
        raise ManifestError(str(path), "no file is named", row=number)
    places = [folder / file for folder in folders]
    found = next((place for place in places if place.exists()), places[0])
    return AssessmentRow(found, values[TEXT], values["user"], values["accent"], values["operation"], str(path), number)


def _value(path: Path, name: str, value: object, number: int) -> str | None:
    """A text, or a whole number as one: ids are often numbers. Nothing, and an empty text, say nothing."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ManifestError(str(path), f"{name}: expected a text, found {value!r}", row=number)
    if isinstance(value, str) and "\0" in value:
        raise ManifestError(str(path), f"{name}: there is a null character in it", row=number)
    return value.strip() or None if value else None

# SPDX-License-Identifier: Apache-2.0
"""Reads manifests (CSV, JSON lines or Parquet, recognised by their contents) and finds recordings in folders.

A row names a file and the expected text, speaker and accent. Its path is relative to the manifest's folder, or to one
of the additional folders.
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
"""The first bytes of every Parquet file (Apache Parquet, "File Format")."""

SEPARATORS: Final = ",;\t"
NO_SUCH_FILE: Final = "{path}: there is no such file or folder"
NOT_INSTALLED: Final = "a Parquet manifest needs packages that are not installed ({name} is missing); run: {install}"


def read_manifest(
    manifest: str | os.PathLike[str], places: Iterable[str | os.PathLike[str]] = ()
) -> list[AssessmentRow]:
    """Read the rows of a manifest.

    Args:
        manifest: the file.
        places: folders that its files are in, instead of its own folder; and files, to use only their rows.

    Raises:
        ManifestError: it is not valid, or has an unknown column.
        FileProblem: it cannot be read, or one of `places` does not exist.
        UsageError: one of the files has no row, or a Parquet file needs the extra `parquet`.
    """
    path = Path(manifest)
    folders = list[Path]()
    only = dict[Path, Path]()
    for place in map(Path, places):
        if place.is_dir():
            folders.append(place)
        else:
            only[place.resolve()] = place
    rows = [_to_row(path, folders or [path.parent], number, record) for number, record in _records(path)]
    if not only:
        return rows
    named = [row for row in rows if row.file.resolve() in only]
    for resolved in only.keys() - {row.file.resolve() for row in named}:
        if not resolved.exists():
            raise FileProblem(NO_SUCH_FILE.format(path=only[resolved]))
        raise UsageError(f"{only[resolved]}: no row of {path} names this file")
    return named


def find_recordings(places: Iterable[str | os.PathLike[str]], *, exclude: Iterable[Path] = ()) -> list[AssessmentRow]:
    """Make a row for each file in some folders, except hidden ones, and for each single file.

    Args:
        places: folders and files.
        exclude: files and folders to leave out.

    Raises:
        FileProblem: one of `places` does not exist.
        UsageError: there is no file.
    """
    excluded = {path.resolve() for path in exclude}
    files = [file for place in map(Path, places) for file in _files(place, excluded)]
    if not files:
        raise UsageError("there is no file to assess: name files, folders or a manifest")
    return [AssessmentRow(file) for file in files]


def _files(place: Path, excluded: set[Path]) -> Iterator[Path]:
    if not place.exists():
        raise FileProblem(NO_SUCH_FILE.format(path=place))
    if not place.is_dir():
        yield place
        return
    for root, folders, files in os.walk(place):
        here = Path(root)

        def is_wanted(name: str, here: Path = here) -> bool:
            return not name.startswith(".") and (here / name).resolve() not in excluded

        folders[:] = sorted(filter(is_wanted, folders))  # in place: `os.walk` descends only into these
        yield from (here / name for name in sorted(files) if is_wanted(name))


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a manifest, each with its line number."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith(PARQUET):
        yield from _read_parquet(path, data)
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(str(path), "expected text in UTF-8, found other bytes", row=line) from error
    if text.lstrip().startswith("{"):
        yield from _read_json_lines(path, text)
    else:
        yield from _read_csv(path, text)


def _read_csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    head = text.partition("\n")[0]
    separator = max(SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: list[str] = []
    try:
        line_before = 0
        for cells in reader:
            line = line_before + 1  # a quoted cell may span several lines: the row begins on the first
            line_before = reader.line_num
            if not columns:
                columns = [cell.strip() for cell in cells]
                _check_columns(path, columns)
            elif len(cells) > len(columns):
                raise ManifestError(
                    str(path), f"it has {len(cells)} cells, but there are {len(columns)} columns", row=line
                )
            elif any(cells):
                yield line, dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise ManifestError(str(path), f"not valid CSV: {error}", row=reader.line_num) from error
    if not columns:
        raise ManifestError(str(path), f"expected the columns {', '.join(COLUMNS)}, found nothing")


def _read_json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                record = msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise ManifestError(str(path), f"expected a JSON object: {error}", row=number) from error
            _check_columns(path, list(record), row=number)
            yield number, record


def _read_parquet(path: Path, data: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise UsageError(NOT_INSTALLED.format(name=error.name, install=install_command("parquet"))) from error
    try:
        table = parquet.read_table(pa.BufferReader(data))
        _check_columns(path, table.column_names)
        records: list[dict[str, Any]] = table.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ManifestError(str(path), f"damaged Parquet: {str(error).splitlines()[0]}") from error
    yield from enumerate(records, 1)


def _check_columns(path: Path, columns: Sequence[str], row: int | None = None) -> None:
    for position, name in enumerate(columns):
        if name not in COLUMNS:
            expected = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.5) or [", ".join(COLUMNS)]
            raise ManifestError(str(path), f"unknown column {name!r}: expected {expected[0]}", row=row)
        if name in columns[:position]:
            raise ManifestError(str(path), f"the column {name} appears twice", row=row)
    if FILE not in columns:
        raise ManifestError(str(path), f"expected a column {FILE}, found {', '.join(columns)}", row=row)


def _to_row(path: Path, folders: Sequence[Path], number: int, record: dict[str, Any]) -> AssessmentRow:
    values = {name: _cell_text(path, name, record.get(name), number) for name in COLUMNS}
    file = values[FILE]
    if file is None:
        raise ManifestError(str(path), "it names no file", row=number)
    places = [folder / file for folder in folders]
    return AssessmentRow(
        file=next((place for place in places if place.exists()), places[0]),
        text=values[TEXT],
        user=values["user"],
        accent=values["accent"],
        operation=values["operation"],
        manifest=str(path),
        number=number,
    )


def _cell_text(path: Path, name: str, value: object, number: int) -> str | None:
    """A cell as text, including whole numbers, because user IDs are often numbers. None if it is empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ManifestError(str(path), f"{name}: expected a text, found {value!r}", row=number)
    if isinstance(value, str) and "\0" in value:
        raise ManifestError(str(path), f"{name}: it contains a null character", row=number)
    return (value or "").strip() or None

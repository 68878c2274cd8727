# SPDX-License-Identifier: Apache-2.0
"""Manifests in every form say the same, and what is wrong with one is reported with file and row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callwell.assess import AssessmentRow, find_recordings, read_manifest
from callwell.errors import FileProblem, ManifestError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

RECORDS: list[dict[str, Any]] = [
    {"file": "a.wav", "expected_text": 'She said "hi",\nthen left; Ünder 5 €', "user": "7", "accent": "us"},
    {"file": "sub/b.wav", "expected_text": None, "user": None, "accent": "uk"},
]


def csv(separator: str = ",", start: str = "") -> bytes:
    """The records as CSV; the first has two lines."""
    cells = ['a.wav{0}"She said ""hi"",\nthen left; Ünder 5 €"{0}7{0}us', "sub/b.wav{0}{0}{0}uk", ""]
    lines = [start + "file{0}expected_text{0}user{0}accent", *cells]
    return "\n".join(lines).format(separator).encode()


def lines() -> bytes:
    """The records as JSON lines, with an id that is a number."""
    return "".join(
        json.dumps({**record, "user": record["user"] and int(record["user"])}) + "\n" for record in RECORDS
    ).encode()


def parquet() -> bytes:
    """The records as Parquet."""
    pa = pytest.importorskip("pyarrow")
    out = pa.BufferOutputStream()
    pytest.importorskip("pyarrow.parquet").write_table(pa.Table.from_pylist(RECORDS), out)
    return bytes(out.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("made", "numbers"),
    [
        (csv, (2, 4)),
        (lambda: csv(";"), (2, 4)),
        (lambda: csv("\t", "\ufeff"), (2, 4)),
        (lambda: csv().replace(b"\n", b"\r\n"), (2, 4)),
        (lines, (1, 2)),
        (parquet, (1, 2)),
    ],
    ids=["commas", "semicolons", "tabs", "other line ends", "lines", "parquet"],
)
def test_forms(tmp_path: Path, made: Any, numbers: tuple[int, int]) -> None:
    """The content of a manifest shows its format; numbers of rows are those of its lines."""
    path = tmp_path / "manifest.of-any-name"
    path.write_bytes(made())
    first, second = read_manifest(path)
    text = RECORDS[0]["expected_text"].replace(
        "\n", first.text.partition(",")[2].partition("then")[0] if first.text else ""
    )
    assert first == AssessmentRow(tmp_path / "a.wav", text, "7", "us", None, str(path), numbers[0])
    assert second == AssessmentRow(tmp_path / "sub/b.wav", None, None, "uk", None, str(path), numbers[1])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"m: expected the columns file, expected_text, user, accent, operation, found nothing"),
        (b"file,expcted_text\n", r"m: unknown column 'expcted_text': expected expected_text"),
        (b"user,accent\n", r"m: expected a column file, found user, accent"),
        (b"file,file\n", r"m: the column file appears twice"),
        (b"file,user\na,b,c\n", r"m:2: it has 3 cells, but there are 2 columns"),
        (b"file,user\na,b\n,c\n", r"m:3: it names no file"),
        (b'file,user\na,"b\n', r"m:2: not valid CSV"),
        (b"file,user\na,\xff\n", r"m:2: expected text in UTF-8"),
        (b'{"file": "a"}\n{"file"\n', r"m:2: expected a JSON object"),
        (b'{"file": "a"}\n\n{"file": "b", "txt": ""}\n', r"m:3: unknown column 'txt'"),
        (b'{"file": "a", "user": 1.5}\n', r"m:1: user: expected a text, found 1.5"),
        (b'{"file": "a\\u0000"}\n', r"m:1: file: it contains a null character"),
        (b"PAR1 and no more", r"m: damaged Parquet"),
    ],
)
def test_what_cannot_be_understood(tmp_path: Path, data: bytes, message: str) -> None:
    """Nothing of a manifest that is wrong in itself is done."""
    path = tmp_path / "m"
    path.write_bytes(data)
    if data.startswith(b"PAR1"):
        pytest.importorskip("pyarrow")
    with pytest.raises(ManifestError, match=message) as caught:
        read_manifest(path)
    assert caught.value.file == str(path)


def test_places(tmp_path: Path) -> None:
    """Files are looked for beside the manifest, or in the folders that are named; single files narrow it."""
    path = tmp_path / "m.csv"
    other = tmp_path / "other"
    path.write_text("file\na.wav\nb.wav\n")
    other.mkdir()
    for file in (tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "c.wav", other / "b.wav"):
        file.touch()
    assert [row.file for row in read_manifest(path)] == [tmp_path / "a.wav", tmp_path / "b.wav"]
    assert [row.file for row in read_manifest(path, [other])] == [other / "a.wav", other / "b.wav"]
    assert [row.file for row in read_manifest(path, [tmp_path, other])] == [tmp_path / "a.wav", tmp_path / "b.wav"]
    assert [row.number for row in read_manifest(path, [tmp_path / "b.wav"])] == [3]
    with pytest.raises(UsageError, match=r"c\.wav: no row of .*m\.csv names this file"):
        read_manifest(path, [tmp_path / "c.wav"])
    with pytest.raises(FileProblem, match=r"d\.wav: there is no such file or folder"):
        read_manifest(path, [tmp_path / "d.wav"])
    with pytest.raises(FileProblem, match="No such file"):
        read_manifest(tmp_path / "none.csv")


def test_search(tmp_path: Path) -> None:
    """All files of folders, in order, but for hidden ones and what is set apart; and files as they are named."""
    for name in ("b.wav", "a/c.wav", ".hidden/d.wav", "a/.e.wav", "out/report.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [
        row.file.relative_to(tmp_path).as_posix() for row in find_recordings([tmp_path], exclude=[tmp_path / "out"])
    ]
    assert found == ["b.wav", "a/c.wav"]
    with pytest.raises(FileProblem, match=r"gone.wav: there is no such file or folder"):
        find_recordings([tmp_path / "gone.wav"])
    with pytest.raises(UsageError, match="there is no file to assess"):
        find_recordings([tmp_path / ".hidden" / "none"][:0])

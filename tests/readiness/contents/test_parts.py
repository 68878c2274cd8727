# SPDX-License-Identifier: Apache-2.0
"""Files are read as parts: themselves, and what archives have."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from callwell.readiness.contents import UnreadablePart, read_parts
from callwell.readiness.contents.archives import Unpacking
from callwell.readiness.contents.part import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from callwell.readiness.contents import ContentPart

TEXT = b"a string\n"


def as_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.mkdir("folder")
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def as_tar(files: dict[str, bytes]) -> bytes:
    """A TAR file, with a link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        archive.addfile(link)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def contents(parts: Iterable[ContentPart | UnreadablePart]) -> dict[str, bytes]:
    """The content of each part; of a problem the reason."""
    return {
        part.inside: part.reason.encode() if isinstance(part, UnreadablePart) else b"".join(part.chunks)
        for part in parts
    }


def read(tmp_path: Path, data: bytes) -> dict[str, bytes]:
    """What is in a file with some bytes, besides these bytes."""
    path = tmp_path / "file"
    path.write_bytes(data)
    parts = read_parts(path)
    assert contents([next(parts)]) == {"": data}
    return contents(parts)


def unpack(unpacking: Unpacking, data: bytes) -> dict[str, bytes]:
    """What is in an archive."""
    return contents(unpacking.unpack(io.BytesIO(data), ""))


ARCHIVES = {
    "zip": (as_zip({"a": TEXT, "b/c": b""}), {"a": TEXT, "b/c": b""}),
    "program": (b"#!/usr/bin/env python\n" + as_zip({"a": TEXT}), {"a": TEXT}),
    "tar": (as_tar({"a": TEXT}), {"a": TEXT}),
    "tar.gz": (gzip.compress(as_tar({"a": TEXT})), {"a": TEXT}),
    "tar.xz": (lzma.compress(as_tar({"a": TEXT})), {"a": TEXT}),
    "log.gz": (gzip.compress(TEXT), {"": TEXT}),
    "log.lzma": (lzma.compress(TEXT, lzma.FORMAT_ALONE), {"": TEXT}),
    "log.bz2": (bz2.compress(TEXT), {"": TEXT}),
    "wheel in tar.gz": (gzip.compress(as_tar({"w": as_zip({"a": TEXT})})), {"w > a": TEXT}),
    "large member": (as_zip({"a": TEXT * CHUNK}), {"a": TEXT * CHUNK}),
    "no archive": (TEXT, {}),
    "nothing": (b"", {}),
    "odd names": (as_tar({"a\x1b[31m": TEXT}), {"a\N{REPLACEMENT CHARACTER}[31m": TEXT}),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives(tmp_path: Path, case: str) -> None:
    """They are recognized by their content, not by their name."""
    data, expected = ARCHIVES[case]
    assert read(tmp_path, data) == expected


def encrypted(data: bytes) -> bytes:
    """A ZIP file with the flag of encryption on its members."""
    return data.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    )


DAMAGED = {
    "7-Zip": (b"7z\xbc\xaf\x27\x1c" + bytes(30), "", "7-Zip archive, which cannot be unpacked"),
    "Zstandard": (b"\x28\xb5\x2f\xfd" + bytes(30), "", "Zstandard archive"),
    "half a zip": (as_zip({"a": TEXT})[:-30], "", "the archive is damaged"),
    "half a gzip": (gzip.compress(os.urandom(5000))[:3000], "", "the archive is damaged"),
    "noise behind a signature": (b"\x1f\x8b\x08" + bytes(range(90)), "", "the archive is damaged"),
    "a changed member": (
        as_zip({"a": TEXT}, zipfile.ZIP_STORED).replace(TEXT, b"a tixt\n"),
        "a",
        "the archive is damaged",
    ),
    "a password": (encrypted(as_zip({"a": TEXT})), "a", "the archive cannot be opened"),
    "too deep": (
        as_zip({"1": as_zip({"2": as_zip({"3": as_zip({"4": as_zip({"5": TEXT})})})})}),
        "1 > 2 > 3 > 4",
        "nested in 4 archives",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_archives_that_cannot_be_read(tmp_path: Path, case: str) -> None:
    """It is said which, and why; nothing raises."""
    data, inside, reason = DAMAGED[case]
    found = read(tmp_path, data)
    assert reason in found[inside].decode()


def test_a_bomb_is_stopped() -> None:
    """By the bytes it unpacks to and by the number of its members, also through inner archives."""
    bomb = as_zip({"a": bytes(3 << 20), "b": gzip.compress(bytes(30 << 20)), "c": TEXT})
    found = unpack(Unpacking(max_bytes=8 << 20), bomb)
    assert len(found["a"]) == 3 << 20
    assert b"more than 8 MiB" in found["b"]
    assert "c" not in found
    many = as_zip({str(number): b"" for number in range(10)})
    found = unpack(Unpacking(max_members=5), many)
    assert b"more than 5 members" in found[""]


MAPS = {
    "sources": (
        b'{"sources": ["a.ts", null], "sourcesContent": ["x\\ny", "z", null, "w"], "version": 3}',
        {"": b'{"sources":["a.ts",null],"version":3}', "a.ts": b"x\ny", "source 2": b"z", "source 4": b"w"},
    ),
    "sections": (
        b'{"sections": [{"map": {"sources": ["a.ts"], "sourcesContent": ["x"]}}, 1]}',
        {"": b'{"sections":[{"map":{"sources":["a.ts"]}},1]}', "a.ts": b"x"},
    ),
    "odd texts": (b'{"sourcesContent": [1]}', {"": b'{"sourcesContent":[1]}'}),
    "a list": (b"[ 1 ]", {"": b"[ 1 ]"}),
    "broken": (b'{"sourcesContent": ["x"', {"": b'{"sourcesContent": ["x"'}),
    "no JSON": (b")]}'\n", {"": b")]}'\n"}),
}


@pytest.mark.parametrize("case", MAPS)
def test_source_maps(tmp_path: Path, case: str) -> None:
    """Their sources are parts with the names of the sources; what is not a source map is read as it is."""
    data, expected = MAPS[case]
    path = tmp_path / "app.js.map"
    path.write_bytes(data)
    assert contents(read_parts(path)) == expected


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    """A pipe is not waited for, and a link is not followed."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link", "absent"):
        with pytest.raises(OSError, match=r"regular|symbolic|No such"):
            next(read_parts(tmp_path / name))


def as_pdf(*streams: bytes) -> bytes:
    """A PDF file with compressed streams, and one of a picture."""
    parts = [b"%PDF-1.7\n"]
    for number, content in enumerate(streams, 1):
        parts.append(b"%d 0 obj\n<< /Filter /FlateDecode /DecodeParms << /Predictor 1 >> >>\nstream\r\n" % number)
        parts.append(zlib.compress(content) + b"\nendstream\nendobj\n")
    parts.append(b"9 0 obj\n<</Filter /DCTDecode>>\nstream\n\xff\xd8\nendstream\nendobj\n%%EOF\n")
    return b"".join(parts)


def test_streams_of_a_pdf(tmp_path: Path) -> None:
    """What is compressed with Flate is read, and a stream that is damaged is reported."""
    file = tmp_path / "a.pdf"
    file.write_bytes(as_pdf(TEXT, b"more"))
    read = contents(read_parts(file))
    assert {name: text for name, text in read.items() if name} == {"stream 1": TEXT, "stream 2": b"more"}
    file.write_bytes(as_pdf(TEXT).replace(zlib.compress(TEXT), b"no stream"))
    assert "damaged" in contents(read_parts(file))["stream 1"].decode()

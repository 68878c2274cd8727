# SPDX-License-Identifier: Apache-2.0
"""Forms are read the same however their bytes are cut, and never more of them is held than is needed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from callwell.emulator.form import Form, FormReader

MIB = 1 << 20
TYPE = "multipart/form-data; boundary=xx"
CONTENTS = st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b"\r\n--x", b"\r\n", b"--xx", b"\r\n--xy"])))


def body(content: bytes) -> bytes:
    """A field before a file."""
    field = b'--xx\r\nContent-Disposition: form-data; name="videoId"\r\n\r\nvi1\r\n'
    file = b'--xx\r\nContent-Disposition: form-data; name="f"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
    return b"preamble\r\n" + field + file + content + b"\r\n--xx--\r\n"


def read(pieces: list[bytes], folder: Path) -> Form:
    """The form in these pieces."""
    reader = FormReader(TYPE, folder)
    for piece in pieces:
        reader.feed(piece)
    return reader.close()


@given(CONTENTS, st.integers(1, 40))
def test_cut_anywhere(parts: list[bytes], size: int) -> None:
    """Field and file come out whole, whatever the pieces; also with what looks like a delimiter."""
    content = b"".join(parts).replace(b"\r\n--xx", b"")
    whole = body(content)
    with TemporaryDirectory() as folder:
        form = read([whole[start : start + size] for start in range(0, len(whole), size)], Path(folder))
        (file,) = form.files
        assert form.complete
        assert form.fields == {"videoId": "vi1"}
        assert (file.field, file.name, file.size, file.read()) == ("f", "a.mp4", len(content), content)
        assert file.sha256 == sha256(content).hexdigest()


def test_a_form_that_breaks_off(tmp_path: Path) -> None:
    """What came is there, but the form is not whole; discarding it leaves nothing behind."""
    form = read([body(b"x" * 1000)[:-200]], tmp_path)
    assert not form.complete
    assert len(list(tmp_path.iterdir())) == 1
    form.discard()
    assert list(tmp_path.iterdir()) == []


def test_little_is_held(tmp_path: Path) -> None:
    """Of a long file the reader holds less than a delimiter between two pieces."""
    reader = FormReader(TYPE, tmp_path)
    reader.feed(body(b"")[: -len(b"\r\n--xx--\r\n")])
    for _ in range(64):
        reader.feed(b"x" * MIB)
        assert len(reader._buffer) < 16
    reader.feed(b"\r\n--xx--")
    assert reader.close().files[0].size == 64 * MIB


def test_the_same_content_has_the_same_digest(tmp_path: Path) -> None:
    """The delimiter makes no difference, the range and the content do."""
    result = read([body(b"a")], tmp_path)
    other = FormReader("multipart/form-data; boundary=yyy", tmp_path)
    other.feed(body(b"a").replace(b"--xx", b"--yyy"))
    assert result.digest("part 1/2") == other.close().digest("part 1/2")
    assert result.digest("part 1/2") != result.digest("part 2/2")
    assert result.digest("") != read([body(b"b")], tmp_path).digest("")

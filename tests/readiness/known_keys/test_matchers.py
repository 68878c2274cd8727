# SPDX-License-Identifier: Apache-2.0
"""Both searches find every key in every form, nothing else, and give the same answer."""

from __future__ import annotations

import base64
import json
import random
import string
import urllib.parse
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callwell.keys import Key
from callwell.readiness.known_keys.digest_matcher import DigestMatcher
from callwell.readiness.known_keys.digests import make_digests
from callwell.readiness.known_keys.known_key import KeyHit, KnownKey
from callwell.readiness.known_keys.search import search
from callwell.readiness.known_keys.text_matcher import TextMatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%\\")
KEYS = st.one_of(
    st.text(string.ascii_letters + string.digits + "_-", min_size=12, max_size=60),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text(string.ascii_letters + string.digits + "+/=", min_size=24, max_size=60),
    st.text(PRINTABLE, min_size=16, max_size=40),
)
"""Keys of all kinds; the last kind has the characters that URLs and JSON escape, but for the signs of escapes."""

AROUND = st.one_of(
    st.binary(max_size=40),
    st.text(string.ascii_letters + string.digits + "+/=_-\n \"'\\%", max_size=60).map(str.encode),
)
SEED = random.Random(13)
SAMPLE = "".join(SEED.choices(string.ascii_letters + string.digits, k=41))


def known(text: str) -> KnownKey:
    """What a report may say of a key."""
    return KnownKey(fingerprint=Key(text).fingerprint, provider="userplane", environment="production", source="env:KEY")


class Matchers(NamedTuple):
    """Both searches for the same keys."""

    by_text: TextMatcher
    by_digest: DigestMatcher

    def find(self, data: bytes) -> list[KeyHit]:
        """The one answer of both."""
        hits = list(self.by_text.find(data))
        assert sorted(self.by_digest.find(data)) == sorted(hits)
        return hits


def matchers(*texts: str) -> Matchers:
    """Both searches for some keys."""
    keys = [(known(text), Key(text)) for text in texts]
    return Matchers(by_text=TextMatcher(keys), by_digest=DigestMatcher(make_digests(keys)))


def wide(text: bytes) -> bytes:
    """Latin text in UTF-16."""
    return text.decode("latin-1").encode("utf-16-le")


def wrapped(text: bytes) -> bytes:
    """In lines of 20 columns, indented."""
    return b"\n    ".join(text[start : start + 20] for start in range(0, len(text), 20))


def escaped(text: bytes) -> bytes:
    """Every character as JSON may write it."""
    return b"".join(b"\\u%04x" % code for code in text)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "in base64": base64.b64encode,
    "in base64 for URLs": base64.urlsafe_b64encode,
    "in base64 without padding": lambda text: base64.b64encode(text).rstrip(b"="),
    "in base64 with slashes escaped": lambda text: base64.b64encode(text).replace(b"/", b"\\/"),
    "in base64 in a URL": lambda text: urllib.parse.quote(base64.b64encode(text), safe="").encode(),
    "in hexadecimal": lambda text: text.hex().encode(),
    "in capital hexadecimal": lambda text: text.hex().upper().encode(),
    "in a URL": lambda text: urllib.parse.quote(text, safe="").encode(),
    "in a URL within a URL": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe="").encode(),
    "every character in a URL": lambda text: b"".join(b"%%%02X" % code for code in text),
    "in JSON": lambda text: json.dumps(text.decode("latin-1")).encode(),
    "in JSON within JSON": lambda text: json.dumps(json.dumps(text.decode("latin-1"))).encode(),
    "escaped": escaped,
    "in UTF-16": wide,
    "in base64, twice": lambda text: base64.b64encode(b"k: " + base64.b64encode(b"id:" + text + b":") + b"\n"),
    "in base64, twice, for URLs": lambda text: base64.urlsafe_b64encode(base64.urlsafe_b64encode(text)),
    "in base64, wrapped": lambda text: wrapped(base64.b64encode(text)),
    "in base64, wrapped, in JSON": lambda text: json.dumps(wrapped(base64.b64encode(text)).decode()).encode(),
}
"""Ways to write a string that holds a key."""


@settings(max_examples=3 * settings().max_examples)
@given(coding=st.sampled_from(list(CODINGS)), key=KEYS, before=AROUND, inside=AROUND, after=AROUND)
def test_a_key_is_found_in_every_coding(coding: str, key: str, before: bytes, inside: bytes, after: bytes) -> None:
    """At every phase and between any bytes; the text around the coded part is not a part of the coding."""
    coded = CODINGS[coding](inside + key.encode() + after)
    hits = matchers(key).find(before + b" " + coded + b" " + after)
    assert {hit.key for hit in hits} == {known(key)}


@settings(max_examples=3 * settings().max_examples)
@given(
    coding=st.sampled_from(list(CODINGS)), place=st.integers(0, len(SAMPLE) - 1), bit=st.integers(0, 2), inside=AROUND
)
def test_a_look_alike_is_not_found(coding: str, place: int, bit: int, inside: bytes) -> None:
    """Not even if it differs in one bit of one character, also at the ends, where base64 mixes bytes."""
    other = bytearray(SAMPLE.encode())
    other[place] ^= 1 << bit
    assert matchers(SAMPLE).find(inside + CODINGS[coding](inside + bytes(other) + inside)) == []


@given(data=st.binary(max_size=2000))
def test_random_bytes_hold_no_key(data: bytes) -> None:
    """No bytes stop the searches or look like a key to them."""
    assert matchers(SAMPLE, "short-one").find(data) == []


HALF = len(SAMPLE) // 2
LITERALS = {
    "Python": f'key = (\n    "{SAMPLE[:HALF]}"\n    "{SAMPLE[HALF:]}"\n)\n',
    "JavaScript": f"const key = '{SAMPLE[:HALF]}' +\n\t'{SAMPLE[HALF:]}';\n",
    "Java": f'String key = "{SAMPLE[:HALF]}"\n    + "{SAMPLE[HALF:]}";\n',
    "one line": f'key = "{SAMPLE[:HALF]}" + "{SAMPLE[HALF:]}"\n',
    "shell": f"KEY={SAMPLE[:HALF]}\\\n{SAMPLE[HALF:]}\n",
    "Windows": f"key = {SAMPLE[:HALF]}\r\n{SAMPLE[HALF:]}\r\n",
}


@pytest.mark.parametrize("language", LITERALS)
def test_a_key_in_two_literals(language: str) -> None:
    """The place is where its first part begins."""
    text = LITERALS[language]
    hits = matchers(SAMPLE).find(text.encode())
    assert hits == [KeyHit(key=known(SAMPLE), offset=text.index(SAMPLE[:HALF]), encoding="as it is, split over lines")]


def test_encodings_have_names() -> None:
    """A report says how the key is written there."""
    text = b" ".join([SAMPLE.encode(), base64.b64encode(b"ab" + SAMPLE.encode()), escaped(SAMPLE.encode())])
    text += b" " + wrapped(base64.b64encode(SAMPLE.encode())) + b" " + SAMPLE.encode().hex().encode()
    assert [hit.encoding for hit in sorted(matchers(SAMPLE).find(text), key=lambda hit: hit.offset)] == [
        "as it is",
        "in base64",
        "as it is, escaped",
        "in base64, split over lines",
        "in hexadecimal",
    ]
    assert matchers(SAMPLE).find(wide(SAMPLE.encode()))[0].encoding == "as it is, in wide characters"


def test_several_keys_in_one_pass() -> None:
    """Each is found under its own name, one inside the other too."""
    other = f"x{SAMPLE}y"
    hits = matchers(SAMPLE, other).find(f"{other} {SAMPLE}".encode())
    assert {(hit.key.fingerprint, hit.offset) for hit in hits} == {
        (Key(other).fingerprint, 0),
        (Key(SAMPLE).fingerprint, 1),
        (Key(SAMPLE).fingerprint, len(other) + 1),
    }


BLOCK = 5_000
"""A small block, as long as the overlap and a bit."""


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    """A stream of pieces."""
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("place", [0, BLOCK - 50, BLOCK - 1, BLOCK, 2 * BLOCK - 20, 3 * BLOCK])
@pytest.mark.parametrize("by", ["by_text", "by_digest"])
def test_a_stream_is_searched_across_its_blocks(place: int, by: str) -> None:
    """Each place is reported once, with its line, wherever the stream is cut."""
    lines = b"not a key\n" * (place // 10)
    data = lines + base64.b64encode(b"a" + SAMPLE.encode()) + b"\n" * (3 * BLOCK + 100 - place)
    found = list(search(getattr(matchers(SAMPLE), by), in_pieces(data, 999), block_bytes=BLOCK))
    assert [(match.key, match.line, match.encoding) for match in found] == [
        (known(SAMPLE), place // 10 + 1, "in base64")
    ]


def test_an_empty_stream_and_no_keys() -> None:
    """There is nothing to find."""
    assert list(search(matchers(SAMPLE).by_text, [])) == []
    assert matchers().find(SAMPLE.encode()) == []

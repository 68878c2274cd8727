# SPDX-License-Identifier: Apache-2.0
"""Events are parsed as the WHATWG HTML standard says, wherever the chunks of the stream end."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core.event_stream import EventParser, LineSplitter, ServerSentEvent, StreamTooLarge

MAX = 1 << 20


def parsed(stream: bytes, *cuts: int) -> tuple[list[ServerSentEvent], str, float | None]:
    """The events of a stream that is cut at these places, its last ID, and its retry time."""
    parser = EventParser(MAX)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    events = [event for start, stop in itertools.pairwise(places) for event in parser.feed(stream[start:stop])]
    return events, parser.last_id, parser.retry_s


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [("message", "a", "")]),
        (b"data:a\n\ndata:  b\n\n", [("message", "a", ""), ("message", " b", "")]),
        (b"data: a\ndata: b\n\n", [("message", "a\nb", "")]),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"\xef\xbb\xbfdata: a\r\n\r\ndata: b\r\r", [("message", "a", ""), ("message", "b", "")]),
        (b": comment\n\n:\nevent: add\ndata: 1\n\n", [("add", "1", "")]),
        (b"event: add\n\ndata: 1\n\n", [("message", "1", "")]),
        (b"id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [("message", x, y) for x, y in ("a7", "b7", ("c", ""))]),
        (b"id: x\0y\ndata: a\n\n", [("message", "a", "")]),
        (b"data: a\nfoo: b\nDATA: c\n\n", [("message", "a", "")]),
        ("data: \u20ac\n\n".encode(), [("message", "\u20ac", "")]),
        (b"data: \xff\n\n", [("message", "\ufffd", "")]),
        (b"data: a\n", []),
        (b"data: \xef\xbb\xbfa\n\n", [("message", "\ufeffa", "")]),
    ],
)
def test_a_stream_is_parsed_as_the_standard_says(stream: bytes, expected: list[tuple[str, str, str]]) -> None:
    """Lines of data are joined, comments and unknown fields ignored, and half an event is dropped."""
    assert [(event.event, event.text, event.id) for event in parsed(stream)[0]] == expected


@pytest.mark.parametrize(
    ("line", "retry_s"), [(b"retry: 1500", 1.5), (b"retry:x", None), (b"retry: -1", None), (b"retry: 1.5", None)]
)
def test_a_retry_time_is_a_number_of_milliseconds(line: bytes, retry_s: float | None) -> None:
    """Anything else is ignored."""
    assert parsed(line + b"\n\n")[2] == retry_s


MARKS = ("\u20ac".encode(), b"\xef\xbb\xbf")
PIECES = st.sampled_from(
    [
        b"data: a",
        b"data:",
        b"event: x",
        b"id: 1",
        b"id",
        b":c",
        b"\n",
        b"\r",
        b"\r\n",
        "\u20ac".encode(),
        b"\xef\xbb\xbf",
    ]
)


@given(stream=st.lists(PIECES, max_size=20).map(b"".join), cuts=st.lists(st.integers(0, 90), max_size=12))
def test_any_split_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    """Chunks may end inside a character, inside CR LF, and be empty."""
    assert parsed(stream, *cuts) == parsed(stream)


def test_an_endless_event_is_refused() -> None:
    """Neither a line nor many lines of data can fill the memory."""
    with pytest.raises(StreamTooLarge):
        LineSplitter(8).feed(b"123456789")
    splitter = LineSplitter(8)
    splitter.feed(b"12345")
    with pytest.raises(StreamTooLarge):
        splitter.feed(b"6789\n")
    parser = EventParser(20)
    with pytest.raises(StreamTooLarge):
        parser.feed(b"data: 1234\ndata: 1234\ndata: 1\n")

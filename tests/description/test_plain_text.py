# SPDX-License-Identifier: Apache-2.0
"""Descriptions become plain text, of their first paragraph, whatever markup they have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.description.plain_text import first_sentence, shorten, to_plain_text


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Plain words.", "Plain words."),
        ('<p>Lists <a href="/c">charges</a>.</p><p>More.</p>', "Lists charges."),
        ('<p>\n\nLists <a href="/c"\nid=c>charges</a>.</p>', "Lists charges."),
        ("<div>\n<p>Bold <b>and open", "Bold and open"),
        ("<ul><li>first</li><li>second</li></ul>", "first"),
        ("<h2></h2><p></p>After nothing", "After nothing"),
        ("<style>p { color: red }</style><p>Shown</p>", "Shown"),
        ("<!-- a comment -->Shown", "Shown"),
        ("one<br/>two<BR>three", "one two three"),
        ("See the [guide](https://a.b/c) and [this][1]\n\n[1]: https://a.b", "See the guide and this"),
        ("<https://a.b> and ![a picture](p.png)", "https://a.b and a picture"),
        ("A `code` in **bold** and _slanted_ snake_case", "A code in bold and slanted snake_case"),
        ("# Heading\n\nText", "Heading"),
        ("Soft\nwrapped\n\nsecond", "Soft wrapped"),
        ("One of:\n\n- a\n- b", "One of:"),
        ("The [guide](/a) has `more`.\n \n> [!NOTE]\n> Second", "The guide has more."),
        ("![](picture.png)\n\nShown under it", "Shown under it"),
        ("```\ncode\n\nmore\n```", "code more"),
        ("- first\n\n  still first\n- second", "first"),
        ("    not code", "not code"),
        ("a &lt; b &amp; c &mdash; d", "a < b & c — d"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("A Map<String, List<Item>> of `<p>`", "A Map<String, List<Item>> of <p>"),
        ("/repos/<owner>/<repo>", "/repos/<owner>/<repo>"),
        ("The </Value> of <Value attr='1'/>", "The </value> of <Value attr='1'/>"),
        ('Cut in a tag <a href="', 'Cut in a tag <a href="'),
        ("https://a.b/x_y_z?a=1&b=2", "https://a.b/x_y_z?a=1&b=2"),
        ("-1 or 0", "-1 or 0"),
        ("", ""),
        (" \n", ""),
        ("<p></p>", ""),
    ],
)
def test_markup(description: str, expected: str) -> None:
    """CommonMark and HTML are gone, and what only looks like a tag stays."""
    assert to_plain_text(description) == expected


@pytest.mark.parametrize("unit", ["[", "<a ", "<p>", "*a", "> ", "![[", "`a", "&", "- ", "<!--"])
def test_long_descriptions_take_no_time(unit: str) -> None:
    """Markup that is never closed is read up to a bound, into one line."""
    assert "\n" not in to_plain_text(unit * 100_000)


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("It fits.", 8, "It fits."),
        ("First one. Second one is long.", 20, "First one."),
        ("First. Second. Third is long.", 15, "First. Second."),
        ("Sent, e.g. A or BC. Then more of it.", 20, "Sent, e.g. A or BC."),
        ("By J. Smith and others", 15, "By J. Smith..."),
        ("no sentence ends here", 15, "no sentence..."),
        ("no sentence, ends", 15, "no sentence..."),
        ("nowordendsatallinthis", 10, "noworde..."),
    ],
)
def test_shortened(text: str, room: int, expected: str) -> None:
    """A string that is too long ends with a sentence, else with a word."""
    assert shorten(text, room) == expected


@given(st.text(alphabet="ab <>[]()*_`&;.!/\n\"'=-#", max_size=80), st.integers(min_value=10, max_value=60))
def test_any_text(text: str, room: int) -> None:
    """Any text becomes one line that fits where it must."""
    plain = to_plain_text(text)
    assert plain == " ".join(plain.split())
    assert len(shorten(plain, room)) <= room
    assert plain.startswith(first_sentence(plain))

# SPDX-License-Identifier: Apache-2.0
"""The `Link` header, as RFC 8288 and the servers that take liberties with it write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core import links
from callwell.core.links import Link, LinkHeader

OWN = frozenset({"https://h/a", "/a"})


def following(header: str) -> str | None:
    """Where the next page is, by a header."""
    return links.find_target(links.parse_link_header(header).links, "next", own=OWN)


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('</b>; rel="next"', "/b"),
        ("</b>;rel=next", "/b"),
        ('</b?a=1,2;c=3>; rel="next"', "/b?a=1,2;c=3"),
        ('</b>; REL="Next"', "/b"),
        ('</b>; rel="prev next"', "/b"),
        ('</b>; rel="http://rels.test/x  NEXT"', "/b"),
        ('</b> \t; \t rel = "next"', "/b"),
        ("< /b >;rel=next", "/b"),
        ("</b>; rel='next'", "/b"),
        ('</a>; rel="prev", </b>; rel="next"', "/b"),
        (',, </a>; rel=prev ,,</b>; rel="next",', "/b"),
        ('</b>; title="a, <c>; rel=prev"; rel="next"', "/b"),
        (r'</b>; title="a \"quoted\" \\"; rel="next"', "/b"),
        (r'</b>; rel="ne\xt"', "/b"),
        ("</b>; title*=UTF-8''n%c3%a4chste; rel=next; title=x", "/b"),
        ('</b>; hreflang; rel="next"; media', "/b"),
        ('</b>;; rel="next";', "/b"),
        ('</b>; rel="next"; anchor="https://h/a"', "/b"),
        ('</b>; rel="next"; anchor=""', "/b"),
        ('</b>; rel="next", </c>; rel="next"', "/b"),
        ('</b>; rel="next"; rel="prev"', "/b"),
        ('<>; rel="next"', ""),
    ],
)
def test_the_next_link_is_found(header: str, target: str) -> None:
    """Commas and semicolons in targets and quotes, lists of relations, any case, odd spaces: the link is found."""
    assert links.parse_link_header(header).is_complete
    assert following(header) == target


@pytest.mark.parametrize(
    "header",
    [
        "",
        " , ,",
        "</b>",
        "</b>; rel=prev; rel=next",
        "</b>; rel=next-archive",
        '</b>; rel="previous nextish"',
        '</b>; rel="prev"; title="rel=next"',
        '</b>; rel="prev"; foo="a, <x>; rel=next"',
        '</b>; rev="next"',
        "</b>; rel*=UTF-8''next",
        '</b>; rel="next"; anchor="/other"',
        '</b>; rel="next"; anchor="#part"',
        "</b>; rel=",
    ],
)
def test_other_links_lead_nowhere(header: str) -> None:
    """What only looks like it, or leads away from another place, is not a next page; all of it can be read."""
    assert links.parse_link_header(header).is_complete
    assert following(header) is None


@pytest.mark.parametrize(
    "header",
    ["next", "/b; rel=next", "</b; rel=next", '</b> x; rel="next"', '</b>; rel="next', "</b>; rel=prev, junk", "<"],
)
def test_what_cannot_be_read_is_noticed(header: str) -> None:
    """A header that is not what the RFC says may hide the next page."""
    assert not links.parse_link_header(header).is_complete
    assert following(header) is None


def test_a_broken_link_hides_no_other() -> None:
    """The list goes on behind the comma after what cannot be read."""
    found = links.parse_link_header('junk "a, b", </b>; rel=next, </c')
    assert found == LinkHeader((Link("/b", ("next",)),), is_complete=False)


plain = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
targets = st.text(alphabet="abc/?=&,;:%'()~", min_size=1, max_size=12)
types = st.sampled_from(["next", "NEXT", "prev", "last", "http://rels.test/a,b;c", "next-archive"])
spaces = st.sampled_from(["", " ", "\t ", "  "])


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str | None]:
    """A header of any number of links, and the first of them that leads on."""
    elements = []
    first = None
    for _ in range(draw(st.integers(0, 4))):
        target = draw(targets)
        related = draw(st.lists(types, min_size=1, max_size=3))
        elsewhere = draw(st.booleans())
        parameters = [f'{draw(st.sampled_from(["rel", "Rel", "REL"]))}="{" ".join(related)}"']
        parameters += [f"title{draw(st.sampled_from(['', '*']))}={quoted(text)}" for text in draw(st.lists(plain))]
        parameters += ['anchor="/elsewhere"'] if elsewhere else []
        parameters = draw(st.permutations(parameters))
        gap = draw(spaces)
        elements.append(f"<{target}>" + "".join(f"{gap};{gap}{parameter}" for parameter in parameters))
        if first is None and not elsewhere and "next" in [item.lower() for item in related]:
            first = target
    return f"{draw(spaces)},{draw(spaces)}".join(elements), first


def quoted(text: str) -> str:
    """A string as a quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(written())
def test_whatever_is_written_is_read(header: tuple[str, str | None]) -> None:
    """Any header that keeps to the grammar is read whole, and the first link that leads on is found."""
    text, target = header
    assert links.parse_link_header(text).is_complete
    assert following(text) == target


@given(st.text(alphabet='<>;,="\\ relnxt*/', max_size=40))
def test_whatever_comes_is_survived(header: str) -> None:
    """No header raises, and each target stood between angle brackets."""
    for link in links.parse_link_header(header).links:
        assert ">" not in link.target
        assert link.target in header


@pytest.mark.parametrize(
    ("rel", "expected"), [("next", 1), ("Prev NEXT", 1), ("nextish", 0), (None, 0), (["next"], 0), (5, 0)]
)
def test_links_of_a_body(rel: object, expected: int) -> None:
    """The relations of links in a body are read as those in a header."""
    assert len(links.filter_by_relation(["odd", {}, {"rel": rel}], "next")) == expected

# SPDX-License-Identifier: Apache-2.0
"""The checks of `make docs`: a site loads nothing from elsewhere, and the reference has all public names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import docs_site

if TYPE_CHECKING:
    from pathlib import Path

STRICT = """<meta http-equiv="Content-Security-Policy" content="default-src 'self'; img-src data:">"""
NAMES = "".join(f'<h2 id="callwell.{name}"></h2>' for name in docs_site.public())


def complaints(folder: Path, page: str, style: str = "") -> list[str]:
    """The complaints about a site of one page and one style sheet."""
    (folder / "a.html").write_text(page, encoding="utf-8")
    (folder / "a.css").write_text(style, encoding="utf-8")
    return docs_site.check(folder)


def test_a_good_site(tmp_path: Path) -> None:
    """Addresses of the site itself are fine, and so are links that a reader has to follow."""
    page = STRICT + NAMES + '<img src="x.svg"><a href="https://example.org">there</a><link href="../a.css">'
    assert complaints(tmp_path, page, "@import 'b.css'; a { background: url(data:image/png;base64,AA) }") == []


@pytest.mark.parametrize(
    "loading",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<img src="HTTPS://pixel.example/1.gif">',
        '<p style="background: url(https://pixel.example/1.gif)"></p>',
        '<form action="http://example.org/"></form>',
    ],
)
def test_a_foreign_address_in_a_page(tmp_path: Path, loading: str) -> None:
    """Whatever a page loads from elsewhere, or sends there, is found."""
    (complaint,) = complaints(tmp_path, STRICT + NAMES + loading)
    assert complaint.startswith("a.html loads ")


@pytest.mark.parametrize("style", ["@import 'https://x.example/a.css';", "a { src: url( //x.example/a.woff2 ) }"])
def test_a_foreign_address_in_a_style_sheet(tmp_path: Path, style: str) -> None:
    """Fonts and style sheets from elsewhere are found."""
    (complaint,) = complaints(tmp_path, STRICT + NAMES, style)
    assert complaint.startswith("a.css loads ")


def test_a_page_that_forbids_nothing(tmp_path: Path) -> None:
    """Every page makes the browser load from the site alone."""
    assert complaints(tmp_path, NAMES) == ["a.html does not forbid foreign addresses"]


def test_a_name_without_a_place(tmp_path: Path) -> None:
    """A public name that is missing in the reference is reported."""
    page = STRICT + NAMES.replace('"callwell.OutcomeUnknown"', '"callwell.Outcome"')
    assert complaints(tmp_path, page) == ["the reference does not have OutcomeUnknown"]


def test_what_the_reference_must_have() -> None:
    """Public are what the package exports, and the classes and functions of the modules that users import."""
    names = docs_site.public()
    assert {"Client", "OutcomeUnknown", "PortInUse", "ScriptedTransport", "PagingRule", "Waiting"} <= set(names)
    assert {"TYPE_CHECKING", "annotations", "_rebuild"} & set(names) == set()

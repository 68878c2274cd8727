# SPDX-License-Identifier: Apache-2.0
"""Output goes wherever the caller has pointed standard output."""

from __future__ import annotations

import contextlib
import io
import json
import re

import pytest

from callwell.cli import output


def test_a_replaced_standard_output_takes_any_text() -> None:
    """An `io.StringIO` has no encoding, and holds every character as it is."""
    replaced = io.StringIO()
    with contextlib.redirect_stdout(replaced):
        output.emit_json({"name": "Zoë"})
        output.emit_table(("name",), [("Zoë",)])
    assert replaced.getvalue() == '{"name":"Zoë"}\nname\n────\nZoë\n'


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u200e", "\u200f", "\u061c", "\u202e", "\u2066"])
def test_a_terminal_gets_no_characters_that_it_obeys(character: str) -> None:
    """Neither control characters nor any of those that change the direction of text, in messages and in tables."""
    assert output.clean(f"a{character}b") == "a\ufffdb"
    assert output.cell_text(f"a{character}b") == "a\ufffdb"


class Terminal(io.StringIO):
    """A standard output that a person reads."""

    def isatty(self) -> bool:
        """Whether it is a terminal: yes."""
        return True


def test_json_on_a_terminal_has_escapes_in_their_place() -> None:
    """JSON can name every character by its escape, so the document stays the same value."""
    terminal = Terminal()
    value = {"name": "Zoë\x9b2J\u202e\x7f\u200f"}
    with contextlib.redirect_stdout(terminal):
        output.emit_json(value)
    assert r"Zoë\u009b2J\u202e\u007f\u200f" in terminal.getvalue()
    assert json.loads(re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())) == value

# SPDX-License-Identifier: Apache-2.0
"""Output goes wherever the caller has pointed standard output."""

from __future__ import annotations

import contextlib
import io

from callwell.cli import output


def test_a_replaced_standard_output_takes_any_text() -> None:
    """An `io.StringIO` has no encoding, and holds every character as it is."""
    replaced = io.StringIO()
    with contextlib.redirect_stdout(replaced):
        output.emit_json({"name": "Zoë"})
        output.emit_table(("name",), [("Zoë",)])
    assert replaced.getvalue() == '{"name":"Zoë"}\nname\n────\nZoë\n'

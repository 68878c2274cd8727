# SPDX-License-Identifier: Apache-2.0
"""Callwell refuses to start in a browser, where anyone who opens the page could read the key."""

from __future__ import annotations

import subprocess
import sys

import pytest

ATTEMPT = """
import sys

sys.platform = "emscripten"
try:
    {statement}
except ImportError as error:
    print(type(error).__name__, error)
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("callwell", "pyreqwest", "msgspec")))
"""

SENTENCE = (
    "callwell does not run in a browser, where anyone who opens the page could read the key: "
    "let a back end make the calls, and the page ask the back end"
)


@pytest.mark.parametrize(
    "statement",
    ["import callwell", "from callwell import Client", "import callwell.client", "from callwell.providers import load"],
)
def test_a_browser_is_refused(statement: str) -> None:
    """Whatever is imported first, one sentence is raised before anything that could send or hold a key is loaded."""
    code = ATTEMPT.format(statement=statement)
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [
        f"InBrowser {SENTENCE}",
        "['callwell.errors', 'callwell.lazy_exports']",
    ]

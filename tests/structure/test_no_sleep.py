# SPDX-License-Identifier: Apache-2.0
"""Tests of the core take time as an argument, so that they never sleep."""

from __future__ import annotations

import ast

import pytest

from file_cache import read_files
from tests.structure import tree


def find_sleeps(_: str, source: str) -> list[int]:
    """The lines that sleep: a call of any `sleep`, by whatever name it was imported."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr == "sleep")
        or (isinstance(node, ast.ImportFrom) and any(alias.name == "sleep" for alias in node.names))
    ]


def test_core_tests_do_not_sleep() -> None:
    """No test of the core sleeps."""
    found = read_files(find_sleeps, tree.python_files("tests/core"))
    assert found
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source", ["import time\ntime.sleep(1)", "from time import sleep as nap\nnap(1)", "await_ = asyncio.sleep"]
)
def test_sleeping_is_noticed(source: str) -> None:
    """Every spelling of sleeping is found."""
    assert len(find_sleeps("", source)) == 1

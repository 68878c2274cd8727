# SPDX-License-Identifier: Apache-2.0
"""Writes the page about the command line: the help of every command, as text of a fixed width."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperGroup

from callwell.cli.commands import COMMANDS, load, root

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path("docs/commands.md")
WIDTH: Final = 100

HEAD: Final = """\
# Commands

<!-- Written by tools/generate.py from the commands themselves; do not edit. -->

What each command prints with `--help`. Results go to standard output, everything else to standard error. `callwell
config` shows each setting and where it comes from. [Errors](errors.md) says more about the exit codes.
"""


@cache
def page() -> str:
    """The text of the page, which is made once."""
    sections = [section for name in COMMANDS for section in _sections(f"callwell {name}", load(name))]
    return "\n".join([HEAD, _section("callwell", root()), *sections])


def _sections(path: str, command: Any) -> Iterator[str]:
    """The help of a command, and of its subcommands."""
    yield _section(path, command)
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _sections(f"{path} {name}", inner)


def _section(path: str, command: Any) -> str:
    context = command.make_context(path, [], resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH)
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return "\n".join([f"## {path}", "", "```text", *lines, "```", ""])

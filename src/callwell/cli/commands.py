# SPDX-License-Identifier: Apache-2.0
"""The table of commands, and the group that loads a command's module only when that command runs.

`callwell --help` prints the table and loads none of the modules, so it is quick.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from callwell.cli.shells import SCRIPTS, Shell, install
from callwell.errors import UnknownName
from callwell.version import VERSION

COMMANDS: Final = {
    "demo": "run real work against an emulator that fails on purpose, and check the result",
    "providers": "list the providers, their environments, and whether a key is present",
    "operations": "list the operations of a description, and those that are left out of it",
    "call": "make one call and print its result as JSON, or save the file it leads to",
    "list": "print all pages of a list as a table, jsonl, csv or json, with a verdict",
    "assess": "assess recordings from a folder or a manifest: results, scores and a report; resumable",
    "export": "download every object and asset of a provider into a folder; resumable, incremental",
    "upload": "upload large files in pieces, several in parallel; resumable",
    "ledger": "list, show, settle or resume calls with an unknown outcome",
    "check": "check a project before it goes live: leaks, keys, code, configuration, drills",
    "config": "print the settings in effect and where each one comes from",
    "keys": "show where keys are kept, whether they are present and when they were used",
    "state": "show what a state holds, drop what is old, or bring its schema up to date",
    "users": "count the end users of each month, as a provider bills them",
    "init": "write the description of any API from its OpenAPI document, or compare it with a newer one",
    "generate": "write a typed client from your own description of an API",
    "emulate": "run emulated providers on this machine until Ctrl-C",
}
"""Command → one line of help. The module of the same name next to this file defines it as `app`."""

EXIT_CODES: Final = """\
\b
Exit codes:
  0   done
  1   partly done: the verdict is not `complete`; for `init --check`: a change breaks callers;
      for `check`: there are findings
  2   wrong usage: change the command; for `check`: a check is incomplete
  3   the key is missing, malformed or refused
  4   the provider answered with an error
  5   no answer from the network
  6   outcome unknown: see `callwell ledger`, or check with the provider before you repeat it
  7   a problem on this machine: files, disk, state, ports
  8   the deadline passed
  9   the file behind an operation is not available
  11  the file cannot be sent as it is
  70  a bug in Callwell
  130 interrupted by Ctrl-C
  141 the reader of the output closed the pipe
  143 terminated by SIGTERM

\b
Environment:
  CALLWELL_CONFIG      the callwell.toml to use instead of the nearest one
  CALLWELL_<SETTING>, CALLWELL_<PROVIDER>_<SETTING>, <PROVIDER>_BASE_URL,
  <PROVIDER>_<ENVIRONMENT>_BASE_URL
                       settings: see `callwell config --help`
  CALLWELL_CLOCK       a faster clock for tests, as `callwell emulate` prints it
  CALLWELL_DEBUG       1 prints tracebacks
  CALLWELL_DRILL       set by a drill: the providers that must not be called now
  NO_COLOR             turns colours off
"""


class LazyGroup(TyperGroup):
    """The commands of the table, each loaded on demand."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - the contract's
        """All command names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup:  # noqa: ARG002 - the contract's
        """The command with this name.

        Raises:
            UnknownName: there is none.
        """
        if cmd_name not in COMMANDS:
            raise UnknownName("command", cmd_name, COMMANDS)
        return load(cmd_name)

    def format_commands(self, ctx: object, formatter: Any) -> None:  # noqa: ARG002 - typer's own is private
        """Write the table without loading a module."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@cache
def root() -> TyperGroup:
    """The command `callwell`, which is made once: typer takes 3 ms for it."""
    app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, add_completion=False, epilog=EXIT_CODES)
    app.callback()(_callwell)
    group = get_command(app)
    if not isinstance(group, TyperGroup):
        raise TypeError("the root command is not a group")
    return group


@cache
def load(name: str) -> TyperCommand | TyperGroup:
    """One command of the table, which is made once: typer takes up to 10 ms for it.

    Args:
        name: one of `COMMANDS`.
    """
    module = import_module(f"callwell.cli.{name}")
    command = get_command(module.app)
    if not isinstance(command, TyperCommand | TyperGroup):
        raise TypeError(f"{name}: `app` is not a command")
    return command


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"callwell {VERSION}")
        raise typer.Exit


def _show_completion(shell: Shell | None) -> None:
    if shell is not None:
        typer.echo(SCRIPTS[shell], nl=False)
        raise typer.Exit


def _install_completion(shell: Shell | None) -> None:
    if shell is not None:
        for path in install(shell, Path("~").expanduser()):
            typer.echo(f"wrote {path}")
        typer.echo(f"Completion starts with your next {shell} session.")
        raise typer.Exit


def _callwell(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    install_completion: Annotated[
        Shell | None,
        typer.Option(
            "--install-completion",
            callback=_install_completion,
            is_eager=True,
            help="Install completion for a shell.",
        ),
    ] = None,
    show_completion: Annotated[
        Shell | None,
        typer.Option(
            "--show-completion",
            callback=_show_completion,
            is_eager=True,
            help="Print the completion script of a shell.",
        ),
    ] = None,
) -> None:
    """Call other people's HTTP APIs well: Callwell handles quotas, retries, keys, pages and files."""

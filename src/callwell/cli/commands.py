# SPDX-License-Identifier: Apache-2.0
"""The table of commands, and the group that loads a command's module only when it is called.

`callwell --help` prints the table; it loads none of the modules.
"""

from __future__ import annotations

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
    "demo": "the main job against the embedded emulator, with a verdict",
    "providers": "what is known, in which environments, and whether there is a key",
    "call": "one call, JSON out; or the file that an operation leads to",
    "list": "all pages of a list as table, jsonl, csv or json, with a verdict",
    "assess": "recordings from a folder or a manifest: results, scores and a report; resumable",
    "export": "every object and asset of a provider into a folder; resumable, incremental",
    "upload": "large files in pieces, several at once; resumed by the same command",
    "ledger": "calls that may have been done: list, look, settle, resume",
    "config": "what is set and from where: options, variables, callwell.toml",
    "keys": "where keys are, whether they are there and when they were used, never their text",
    "users": "how many end users there were in each month, as a provider bills them",
    "generate": "a typed client from a description of your own",
    "emulate": "emulate the providers on this machine, until Ctrl-C",
}
"""Command → one line about it. The module of the same name beside this file has it as `app`."""

EXIT_CODES: Final = """\
\b
Exit codes:
  0   done
  1   done, but not all of it: the verdict is not `complete`
  2   the command must be changed
  3   the key is missing, malformed or refused
  4   the provider answered with an error
  5   no answer from the network
  6   unknown whether it was done: see `callwell ledger`, or look before you repeat it
  7   this machine: files, disk, state, ports
  8   the deadline did not suffice
  9   the file behind an operation could not be had
  11  a file that cannot be sent as it is
  70  a mistake in Callwell
  130 interrupted with Ctrl-C
  141 whoever read the output went away
  143 ended by SIGTERM

\b
Environment:
  CALLWELL_CONFIG      a callwell.toml, instead of the nearest one
  CALLWELL_<SETTING>, CALLWELL_<PROVIDER>_<SETTING>, <PROVIDER>_BASE_URL,
  <PROVIDER>_<ENVIRONMENT>_BASE_URL
                       settings: see `callwell config --help`
  CALLWELL_CLOCK       a faster clock, as `callwell emulate` prints it; for tests
  CALLWELL_DEBUG       1 shows tracebacks
  NO_COLOR             no colours
"""


class LazyGroup(TyperGroup):
    """The commands of the table, each loaded when it is asked for."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - the contract's
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup:  # noqa: ARG002 - the contract's
        """The command of a name.

        Raises:
            UnknownName: there is none.
        """
        if cmd_name not in COMMANDS:
            raise UnknownName("command", cmd_name, COMMANDS)
        return load(cmd_name)

    def format_commands(self, ctx: object, formatter: Any) -> None:  # noqa: ARG002 - typer's own is private
        """The table, from which no module is loaded."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def root() -> TyperGroup:
    """The command `callwell`."""
    app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, add_completion=False, epilog=EXIT_CODES)
    app.callback()(_callwell)
    made = get_command(app)
    if not isinstance(made, TyperGroup):
        raise TypeError("the root is a group")
    return made


def load(name: str) -> TyperCommand | TyperGroup:
    """One command of the table.

    Args:
        name: one of `COMMANDS`.
    """
    module = import_module(f"callwell.cli.{name}")
    made = get_command(module.app)
    if not isinstance(made, TyperCommand | TyperGroup):
        raise TypeError(f"{name}: `app` makes no command")
    return made


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"callwell {VERSION}")
        raise typer.Exit


def _show_completion(shell: Shell | None) -> None:
    if shell is not None:
        typer.echo(SCRIPTS[shell], nl=False)
        raise typer.Exit


def _install_completion(shell: Shell | None) -> None:
    if shell is not None:
        for path in install(shell, Path("~").expanduser()):
            typer.echo(f"written: {path}")
        typer.echo(f"It takes effect in the next {shell}.")
        raise typer.Exit


def _callwell(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
    install_completion: Annotated[
        Shell | None,
        typer.Option(
            "--install-completion",
            callback=_install_completion,
            is_eager=True,
            help="Let a shell complete command lines.",
        ),
    ] = None,
    show_completion: Annotated[
        Shell | None,
        typer.Option(
            "--show-completion", callback=_show_completion, is_eager=True, help="Print what the former would install."
        ),
    ] = None,
) -> None:
    """Call other people's HTTP APIs well: quotas, retries, keys, pages and files are taken care of."""

# SPDX-License-Identifier: Apache-2.0
"""`callwell call`: make one call and print its result, or save the file it leads to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callwell.cli import operation_table, output
from callwell.cli.flags import ClientFlags, OperationArgument, ProviderArgument, ValuesArgument, takes_client_flags
from callwell.errors import InvalidOption, UsageError

if TYPE_CHECKING:
    from callwell.client import Answer, Asset
    from callwell.description.model import Operation

STDOUT = "-"

EXAMPLES = """\
\b
Examples:
  callwell call PROVIDER                                  list the operations
  callwell call PROVIDER things.get thing_id=42
  callwell call PROVIDER things.list tag=new tag=blue     repeat an argument to give a list
  callwell call PROVIDER things.create title=One meta:='{"a": "b"}'
  callwell call PROVIDER things.create title=One --call-id order-4711
  callwell call PROVIDER things.video thing_id=42 --out video.webm
"""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog=EXAMPLES)
@takes_client_flags
def call(
    provider: ProviderArgument,
    operation: OperationArgument = None,
    arguments: ValuesArgument = None,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Print the whole response body, unchanged.")] = False,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Save the file the operation leads to; - writes it to stdout."),
    ] = None,
    call_id: Annotated[
        str | None,
        typer.Option(
            "--call-id",
            metavar="NAME",
            help="Your own name for the object: it is created exactly once, even if the command runs again.",
        ),
    ] = None,
    flags: ClientFlags,
) -> None:
    """Make one call and print its result as JSON; text and files as they are. Without OPERATION, list the operations.

    If the operation leads to a file, print the file's details without its signed URL; --out downloads it.
    """
    from callwell.cli.arguments import parse_arguments  # imports the client, which `--help` does not need

    if out is not None and raw:
        raise UsageError("--raw prints a body and --out saves a file: use one of them")
    if out is not None and Path(out).is_dir():
        raise InvalidOption("--out", out, "a file, not a folder")
    if operation is None:
        operation_table.print_operations(flags, provider)
        return
    with flags.client(provider, operation) as opened:
        client = opened if call_id is None else opened.with_options(exactly_once=call_id)
        values = parse_arguments(client.provider.operation(operation), arguments or ())
        if raw:
            _print_raw(client.call_raw(operation, **values))
        elif out is not None:
            _save(client.asset(operation, **values), out)
        elif client.provider.rule(operation).asset:
            output.emit_json(client.asset(operation, **values).info()._asdict())
        else:
            _print_result(client.call(operation, **values), described=client.provider.operation(operation))


def _print_result(result: object, *, described: Operation) -> None:
    if isinstance(result, bytes):
        output.emit_bytes(result)
    elif isinstance(result, str) and described.media:
        output.emit_data(result)
    else:
        output.emit_json(result)


def _print_raw(answer: Answer) -> None:
    if answer.json is not None and output.on_terminal():
        output.emit_json(answer.json)
    else:
        output.emit_bytes(answer.body)


def _save(asset: Asset, out: str) -> None:
    if out == STDOUT:
        for chunk in asset.iter_bytes():
            output.emit_bytes(chunk)
        return
    saved = asset.save(out)
    output.emit_json({"path": str(saved.path), "size": saved.size, "sha256": saved.sha256, "type": saved.type})

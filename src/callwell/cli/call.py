# SPDX-License-Identifier: Apache-2.0
"""`callwell call`: one call, its result as JSON; or the file that an operation leads to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callwell.cli import operations, output
from callwell.cli.flags import ClientFlags, OperationArgument, ProviderArgument, ValuesArgument, takes_client_flags
from callwell.errors import InvalidOption, UsageError

if TYPE_CHECKING:
    from callwell.client import Answer, Asset

STDOUT = "-"

EXAMPLES = """\
\b
Examples:
  callwell call PROVIDER                                  what there is to call
  callwell call PROVIDER things.get thing_id=42
  callwell call PROVIDER things.list tag=new tag=blue     a list: by repeating it
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
    raw: Annotated[bool, typer.Option("--raw", help="Print the whole body as it came, not only the result.")] = False,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Save the file that the operation leads to; - to print it."),
    ] = None,
    call_id: Annotated[
        str | None,
        typer.Option(
            "--call-id",
            metavar="NAME",
            help="Your own name for what the call creates: exactly once, also when the command is run again.",
        ),
    ] = None,
    flags: ClientFlags,
) -> None:
    """Make one call and print its result as JSON. Without OPERATION, list the operations.

    Of an operation that leads to a file, print what the provider says about it, without its address; --out gets it.
    """
    from callwell.cli.arguments import parse  # brings the client with it, which no help needs

    if out is not None and raw:
        raise UsageError("--raw prints a body and --out saves a file: give one of them")
    if out is not None and Path(out).is_dir():
        raise InvalidOption("--out", out, "a file, not a folder")
    if operation is None:
        operations.show(flags, provider)
        return
    with flags.client(provider) as opened:
        client = opened if call_id is None else opened.with_options(exactly_once=call_id)
        given = parse(client.provider.operation(operation), arguments or ())
        if raw:
            _print_raw(client.call_raw(operation, **given))
        elif out is not None:
            _save(client.asset(operation, **given), out)
        elif client.provider.rule(operation).asset:
            output.emit_json(client.asset(operation, **given).info()._asdict())
        else:
            output.emit_json(client.call(operation, **given))


def _print_raw(answer: Answer) -> None:
    if answer.json is not None and output.on_terminal():
        output.emit_json(answer.json)
    else:
        output.emit_bytes(answer.body)


def _save(asset: Asset, out: str) -> None:
    if out == STDOUT:
        for piece in asset.iter_bytes():
            output.emit_bytes(piece)
        return
    saved = asset.save(out)
    output.emit_json({"path": str(saved.path), "size": saved.size, "sha256": saved.sha256, "type": saved.type})

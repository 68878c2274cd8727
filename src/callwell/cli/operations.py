# SPDX-License-Identifier: Apache-2.0
"""`callwell operations`: list the operations of a provider, say why others are left out, explain one of them."""

from __future__ import annotations

from typing import Annotated

import typer

from callwell.cli import operation_table, output
from callwell.cli.flags import ClientFlags, EnvironmentOption, JsonOption, OperationArgument, ProviderArgument

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def operations(
    provider: ProviderArgument,
    operation: OperationArgument = None,
    *,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="List the operations that have no method, each with its reason.")
    ] = False,
    environment: EnvironmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the operations of a provider, and count those that are left out of its description; or explain one.

    An explanation has the arguments and the result, paging and quotas, and what happens after a 5xx or without an
    answer.

    Left-out operations need something that Callwell cannot send or read. `client.request` in code still makes it.
    """
    flags = ClientFlags(environment=environment)
    described, chosen = flags.load(provider)
    if operation is not None:
        from callwell.cli.operation_page import print_operation

        print_operation(described, chosen, operation, provider, as_json=as_json)
        return
    api = described.api
    own = [name for name in api.operations if described.rule(name).like is None]
    total = len(own) + len(api.left_out)
    if as_json:
        reasons = [{"operation": skipped.operation, "reason": skipped.reason} for skipped in api.left_out]
        output.emit_json({"provider": described.name, "operations": total, "callable": len(own), "left_out": reasons})
        return
    if left_out:
        output.emit_table(
            ("operation", "request", "reason"),
            [
                (skipped.operation, f"{skipped.method} {skipped.path}".strip(), skipped.reason)
                for skipped in api.left_out
            ],
            empty=f"{described.name}: nothing is left out",
        )
    else:
        operation_table.print_operations(flags, provider)
    output.say(f"{described.name}: {len(own)} of {total} operations can be called, {len(api.left_out)} are left out")

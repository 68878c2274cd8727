# SPDX-License-Identifier: Apache-2.0
"""`callwell list`: print all pages of a list; the last line on standard error is the verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callwell.cli import operation_table, output
from callwell.cli.flags import ClientFlags, OperationArgument, ProviderArgument, ValuesArgument, takes_client_flags
from callwell.cli.formats import open_writer
from callwell.core.signed_fields import replace_fields
from callwell.core.verdict import End, Verdict
from callwell.errors import UsageError

if TYPE_CHECKING:
    from callwell.cli.formats import ItemWriter
    from callwell.client import Pager

EXAMPLES = """\
\b
Examples:
  callwell list PROVIDER things.list
  callwell list PROVIDER things.list tag=new --format csv > things.csv
  callwell list PROVIDER things.list --format jsonl | jq .id

The verdict is `complete` (every item the provider has), `drifted` (the list changed while it was read, so an item may
be missing) or `truncated` (not read to the end). The exit code is 0 if the list is complete or --limit cut it, else 1.
"""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Format(StrEnum):
    """How items are printed."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"
    JSON = "json"


@app.command("list", epilog=EXAMPLES)
@takes_client_flags
def list_(
    provider: ProviderArgument,
    operation: OperationArgument = None,
    arguments: ValuesArgument = None,
    *,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Default: a table on a terminal, jsonl elsewhere.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Stop after N items.")] = None,
    depth: Annotated[int, typer.Option("--depth", min=0, max=64, metavar="N", help="Pages requested ahead.")] = 1,
    flags: ClientFlags,
) -> None:
    """Print all items of a list, page by page. Without OPERATION, list the operations that have pages.

    Signed URLs are not printed: their fields name the operation that leads to the file.
    """
    from callwell.cli.arguments import parse_arguments  # imports the client, which `--help` does not need

    if as_json and form not in (None, Format.JSON):
        raise UsageError(f"--json and --format {form} contradict each other: use one of them")
    if operation is None:
        operation_table.print_operations(flags, provider, paged=True)
        return
    if as_json:
        form = Format.JSON
    elif form is None:
        form = Format.TABLE if output.on_terminal() else Format.JSONL
    with flags.client(provider, operation, priority="batch") as client:
        values = parse_arguments(client.provider.operation(operation), arguments or ())
        pager = client.pages(operation, **values).ahead(depth)
        rule = client.provider.rule(operation)
        out = open_writer(form, first_column=rule.paging.key if rule.paging else None)
        try:
            verdict, limited = _walk(pager, out, rule.signed, limit)
        finally:
            out.close()
    _print_verdict(verdict)
    if verdict.end is not End.COMPLETE and not limited:
        raise typer.Exit(1)


def _walk(pager: Pager[Any], out: ItemWriter, signed: dict[str, str], limit: int | None) -> tuple[Verdict, bool]:
    """Write the items; return the verdict, and whether the limit cut them."""
    count = 0
    for page in pager.pages():
        wanted = page if limit is None else page[: limit - count]
        for item in wanted:
            out.add(replace_fields(item, {place: operation or None for place, operation in signed.items()}))
        count += len(wanted)
        if count == limit and (len(wanted) < len(page) or pager.verdict.end is End.TRUNCATED):
            return Verdict(End.TRUNCATED, pager.walk.pages, count, reason=f"stopped at --limit {limit}"), True
    return pager.verdict, False


def _print_verdict(verdict: Verdict) -> None:
    items = f"{verdict.items} item{'s' * (verdict.items != 1)}"
    pages = f"{verdict.pages} page{'s' * (verdict.pages != 1)}"
    output.say(f"{verdict.end}: {items} on {pages}{f'; {verdict.reason}' if verdict.reason else ''}")

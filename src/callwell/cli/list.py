# SPDX-License-Identifier: Apache-2.0
"""`callwell list`: all pages of a list, with a verdict as the last line on standard error."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callwell.cli import operations, output
from callwell.cli.flags import ClientFlags, OperationArgument, ProviderArgument, ValuesArgument, takes_client_flags
from callwell.cli.formats import writer
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

The verdict is `complete` (all that the provider has), `drifted` (the list moved while it was read, so that
something may be missing) or `truncated` (not read to its end). Only `complete` ends with exit code 0, and what you cut
yourself by --limit.
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
        typer.Option("--format", help="Unless said: a table on a terminal, jsonl elsewhere.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Stop after N items.")] = None,
    depth: Annotated[int, typer.Option("--depth", min=0, max=64, metavar="N", help="Pages fetched at once.")] = 1,
    flags: ClientFlags,
) -> None:
    """Print all items of a list, page after page. Without OPERATION, list the operations that have pages.

    Where a field would hold a signed address, the operation that leads to the file stands instead.
    """
    from callwell.cli.arguments import parse  # brings the client with it, which no help needs

    if as_json and form not in (None, Format.JSON):
        raise UsageError(f"--json and --format {form} are two formats: give one of them")
    if operation is None:
        operations.show(flags, provider, paged=True)
        return
    chosen = Format.JSON if as_json else form or (Format.TABLE if output.on_terminal() else Format.JSONL)
    with flags.client(provider, priority="batch") as client:
        given = parse(client.provider.operation(operation), arguments or ())
        pager = client.pages(operation, **given).ahead(depth)
        rule = client.provider.rule(operation)
        out = writer(chosen, first=rule.paging.key if rule.paging else None)
        try:
            verdict, limited = _walk(pager, out, rule.signed, limit)
        finally:
            out.close()
    _tell(verdict)
    if verdict.end is not End.COMPLETE and not limited:
        raise typer.Exit(1)


def _walk(pager: Pager[Any], out: ItemWriter, signed: dict[str, str], limit: int | None) -> tuple[Verdict, bool]:
    """Write the items, and give the verdict and whether the limit cut them."""
    count = 0
    for page in pager.pages():
        wanted = page if limit is None else page[: limit - count]
        for item in wanted:
            out.add(replace_fields(item, {place: operation or None for place, operation in signed.items()}))
        count += len(wanted)
        if count == limit and (len(wanted) < len(page) or pager.verdict.end is End.TRUNCATED):
            return Verdict(End.TRUNCATED, pager.walk.pages, count, reason=f"stopped at --limit {limit}"), True
    return pager.verdict, False


def _tell(verdict: Verdict) -> None:
    items = f"{verdict.items} item{'s' * (verdict.items != 1)}"
    pages = f"{verdict.pages} page{'s' * (verdict.pages != 1)}"
    output.say(f"{verdict.end}: {items} on {pages}{f'; {verdict.reason}' if verdict.reason else ''}")

# SPDX-License-Identifier: Apache-2.0
"""`callwell upload`: large files to a provider, each once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from msgspec.structs import replace

from callwell.cli import output
from callwell.cli.flags import ClientFlags, ProviderArgument, clock, takes_client_flags
from callwell.errors import InvalidOption, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callwell.batch import FileResult, PlannedFile, UploadReport
    from callwell.cli.progress import ProgressDisplay
    from callwell.client.uploads.options import UploadOptions
    from callwell.description.provider import Provider

TITLE: Final = "title"
TAGS: Final = "tags"
"""The arguments that --title and --tag give, where the operation that makes an object has them."""

TitleOption = Annotated[
    str | None,
    typer.Option("--title", metavar="TEXT", help="Of one file; its name without the extension unless said."),
]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Anything else that the provider takes; NAME:=JSON too."),
]
WaitOption = Annotated[
    str | None,
    typer.Option("--wait", metavar="STATE", help="Wait until each file is in this state, as ingested or playable."),
]

ForceOption = Annotated[
    bool, typer.Option("--force", help="Send the files again, as new objects, if the same command has just ended.")
]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
@takes_client_flags
def upload(
    provider: ProviderArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files.", show_default=False)],
    *,
    title: TitleOption = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TEXT", help="May be given again.")] = None,
    values: ValuesOption = None,
    wait: WaitOption = None,
    pieces: Annotated[
        int | None, typer.Option("--pieces", min=1, metavar="N", help="Pieces of one file that are sent at once.")
    ] = None,
    piece_size: Annotated[
        int | None, typer.Option("--piece-size", min=1, metavar="BYTES", help="Of a piece; chosen unless said.")
    ] = None,
    force: ForceOption = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Send files whatever they are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    flags: ClientFlags,
) -> None:
    """Send large files, several at once. Run the same again to go on where it stopped.

    What is done when all files are there is known for an hour: until then the same command sends nothing, and prints
    the same report, unless --force is given; later it makes new objects. Ends with exit code 1 if a file could not be
    sent; the others are.
    """
    from callwell.cli.progress import ProgressDisplay
    from callwell.client.concurrency import event_loop

    if title is not None and len(files) > 1:
        raise UsageError("--title is for one file: without it, each gets the name of its file")
    texts = [*(values or ()), *(f"{TAGS}={one}" for one in tag or ())]
    texts += [] if title is None else [f"{TITLE}={title}"]
    how: UploadOptions = {"piece_size": piece_size, "check": not no_check, "wait": wait, "deadline_s": flags.deadline}
    if pieces is not None:
        how["pieces"] = pieces
    live = ProgressDisplay(clock(), quiet=quiet)
    try:
        report = event_loop.run(
            _run(provider, files, texts, how=how, force=force, as_json=as_json, flags=flags, live=live)
        )
    except KeyboardInterrupt:
        live.say("what has arrived is kept: run the same again to go on")
        raise
    if report.verdict != "complete":
        raise typer.Exit(1)


async def _run(
    provider: str,
    paths: Sequence[Path],
    texts: Sequence[str],
    *,
    how: UploadOptions,
    force: bool,
    as_json: bool,
    flags: ClientFlags,
    live: ProgressDisplay,
) -> UploadReport:
    from callwell.batch import UploadBatch
    from callwell.cli.progress import upload_view

    async with flags.async_client(provider, on_notice=live.notice) as client:
        operation = _operation(client.provider)
        planned = _planned(client.provider, operation, paths, texts)
        batch = UploadBatch(
            client,
            operation,
            planned,
            how=how,
            anew=force,
            show=lambda: live.update(lambda: upload_view(batch.progress), client.spent),
        )
        try:
            with live:
                report = await batch.run()
        except BaseException:
            for line in _complaints(batch.ended.values()):
                live.say(line)
            raise
        _tell(report, as_json=as_json)
        if batch.known:
            output.say("all of it was sent before; to send it again, as new objects: --force")
        if report.verdict == "complete":
            batch.end()
        return report


def _operation(provider: Provider) -> str:
    """The operation that takes large files from whoever has the key."""
    from callwell.client.calls.operations import upload_operations

    for name in upload_operations(provider):
        rule = provider.rule(name).upload
        if rule is not None and rule.token is None:
            return name
    raise UsageError(f"{provider.name} takes no large files: none of its operations is described as an upload")


def _planned(provider: Provider, operation: str, paths: Sequence[Path], texts: Sequence[str]) -> list[PlannedFile]:
    """The files with their arguments: those of the operation, and of the one that makes the object."""
    from callwell.batch import PlannedFile
    from callwell.cli.arguments import parse

    described, rule = provider.operation(operation), provider.rule(operation).upload
    if rule is None:
        raise InvalidOption("operation", operation, "one that takes large files")
    making = provider.operation(rule.create).parameters if rule.create else ()
    taken = (one for one in (*described.parameters, *making) if one.name not in (rule.file, rule.range))
    free = tuple(replace(one, required=False) for one in taken)
    given = parse(replace(described, parameters=free), texts)
    target = rule.target in given
    if target and len(paths) > 1:
        raise UsageError(f"{rule.target} names the object of one file: give one FILE")
    titled = not target and any(one.name == TITLE and one.required for one in making)
    return [PlannedFile(path, ({TITLE: path.stem} if titled else {}) | given) for path in paths]


def _complaints(ended: Iterable[FileResult]) -> list[str]:
    """A line for each file that failed: it may name the file itself."""
    return [f"{one.file}: {one.error.removeprefix(f'{Path(one.file).name}: ')}" for one in ended if one.error]


def _tell(report: UploadReport, *, as_json: bool) -> None:
    for line in _complaints(report.files):
        output.say(line)
    if as_json:
        output.emit_json({"verdict": report.verdict, "files": [_row(sent) for sent in report.files]})
        return
    rows = [
        (sent.file, sent.target, f"{sent.size:,}", sent.pieces, f"{sent.resent:,}", _what(sent))
        for sent in report.files
    ]
    output.emit_table(("file", "id", "bytes", "pieces", "resent", "end"), rows)


def _what(sent: FileResult) -> str:
    return "failed" if sent.error else "; ".join(["there", *(one.message for one in sent.warnings)])


def _row(sent: FileResult) -> dict[str, Any]:
    row = sent._asdict()
    named = {"file": row.pop("file"), "id": row.pop("target"), "bytes": row.pop("size")}
    return {**named, **row, "warnings": [one._asdict() for one in sent.warnings], "error": sent.error or None}

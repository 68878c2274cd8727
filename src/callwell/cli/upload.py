# SPDX-License-Identifier: Apache-2.0
"""`callwell upload`: upload large files, each exactly once."""

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
"""The arguments that --title and --tag set, if the operation that creates an object has them."""

TitleOption = Annotated[
    str | None,
    typer.Option(
        "--title", metavar="TEXT", help="The title of a single file. Default: its name without the extension."
    ),
]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other argument of the operation; or NAME:=JSON. Repeatable."),
]
WaitOption = Annotated[
    str | None,
    typer.Option("--wait", metavar="STATE", help="Wait until each file has this state, such as ingested or playable."),
]

ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Upload files again, as new objects, even if the same command has just finished."),
]

PieceSizeOption = Annotated[
    int | None,
    typer.Option("--piece-size", min=1, metavar="BYTES", help="The size of a piece. Default: chosen by file size."),
]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
@takes_client_flags
def upload(
    provider: ProviderArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files to upload.", show_default=False)],
    *,
    title: TitleOption = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TEXT", help="A tag for every file. Repeatable.")
    ] = None,
    values: ValuesOption = None,
    wait: WaitOption = None,
    pieces: Annotated[
        int | None, typer.Option("--pieces", min=1, metavar="N", help="Pieces of one file sent concurrently.")
    ] = None,
    piece_size: PieceSizeOption = None,
    force: ForceOption = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Upload files without checking that they are media files.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    flags: ClientFlags,
) -> None:
    """Upload large files, several in parallel. Run the same command again to continue where it stopped.

    A finished upload is remembered for an hour: until then, the same command sends nothing and prints the same report,
    unless --force is given. Later it creates new objects. The exit code is 1 if a file could not be uploaded; this does
    not stop the others.
    """
    from callwell.cli.progress import ProgressDisplay
    from callwell.client.concurrency import event_loop

    if title is not None and len(files) > 1:
        raise UsageError("--title needs a single FILE; without it, each file is titled after its name")
    texts = [*(values or ()), *(f"{TAGS}={text}" for text in tag or ())]
    if title is not None:
        texts.append(f"{TITLE}={title}")
    options: UploadOptions = {
        "piece_size": piece_size,
        "check": not no_check,
        "wait": wait,
        "deadline_s": flags.deadline,
    }
    if pieces is not None:
        options["pieces"] = pieces
    display = ProgressDisplay(clock(), quiet=quiet)
    try:
        report = event_loop.run(
            _run(provider, files, texts, options=options, force=force, as_json=as_json, flags=flags, display=display)
        )
    except KeyboardInterrupt:
        display.say("finished pieces are kept; run the same command again to continue")
        raise
    if report.verdict != "complete":
        raise typer.Exit(1)


async def _run(
    provider: str,
    paths: Sequence[Path],
    texts: Sequence[str],
    *,
    options: UploadOptions,
    force: bool,
    as_json: bool,
    flags: ClientFlags,
    display: ProgressDisplay,
) -> UploadReport:
    from callwell.batch import UploadBatch
    from callwell.cli.progress import upload_view

    async with flags.async_client(provider, on_notice=display.notice) as client:
        operation = _upload_operation(client.provider)
        planned = _plan(client.provider, operation, paths, texts)
        batch = UploadBatch(
            client,
            operation,
            planned,
            options=options,
            force=force,
            on_progress=lambda: display.update(lambda: upload_view(batch.progress), client.spent),
        )
        try:
            with display:
                report = await batch.run()
        except BaseException:
            for line in _failures(batch.results.values()):
                display.say(line)
            raise
        _print_report(report, as_json=as_json)
        if batch.was_complete:
            output.say("all files were uploaded before; --force uploads them again, as new objects")
        if report.verdict == "complete":
            batch.mark_complete()
        return report


def _upload_operation(provider: Provider) -> str:
    """The operation that takes large files and is called with the key, not with a token for one upload."""
    from callwell.client.calls.operations import upload_operations

    for name in upload_operations(provider):
        rule = provider.rule(name).upload
        if rule is not None and rule.token is None:
            return name
    raise UsageError(f"{provider.name} has no operation for large files: its profile describes no upload")


def _plan(provider: Provider, operation: str, paths: Sequence[Path], texts: Sequence[str]) -> list[PlannedFile]:
    """The files with the arguments of the operation, and of the operation that creates the object."""
    from callwell.batch import PlannedFile
    from callwell.cli.arguments import parse_arguments

    described = provider.operation(operation)
    rule = provider.rule(operation).upload
    if rule is None:
        raise InvalidOption("operation", operation, "one that takes large files")
    creating = provider.operation(rule.create).parameters if rule.create else ()
    optional = tuple(
        replace(parameter, required=False)
        for parameter in (*described.parameters, *creating)
        if parameter.name not in (rule.file, rule.range)
    )
    arguments = parse_arguments(replace(described, parameters=optional), texts)
    has_target = rule.target in arguments
    if has_target and len(paths) > 1:
        raise UsageError(f"{rule.target} names the object of one file: give a single FILE")
    needs_title = not has_target and any(parameter.name == TITLE and parameter.required for parameter in creating)
    if not needs_title:
        return [PlannedFile(path, arguments) for path in paths]
    return [PlannedFile(path, {TITLE: path.stem, **arguments}) for path in paths]


def _failures(results: Iterable[FileResult]) -> list[str]:
    """A line for each file that failed. Some errors begin with the file's name already."""
    failed = (result for result in results if result.error)
    return [f"{result.file}: {result.error.removeprefix(f'{Path(result.file).name}: ')}" for result in failed]


def _print_report(report: UploadReport, *, as_json: bool) -> None:
    for line in _failures(report.files):
        output.say(line)
    if as_json:
        output.emit_json({"verdict": report.verdict, "files": [_json_row(result) for result in report.files]})
        return
    rows = [
        (result.file, result.target, f"{result.size:,}", result.pieces, f"{result.resent:,}", _describe_status(result))
        for result in report.files
    ]
    output.emit_table(("file", "id", "bytes", "pieces", "resent", "status"), rows)


def _describe_status(result: FileResult) -> str:
    if result.error:
        return "failed"
    return "; ".join(["uploaded", *(warning.message for warning in result.warnings)])


def _json_row(result: FileResult) -> dict[str, Any]:
    return {
        "file": result.file,
        "id": result.target,
        "bytes": result.size,
        "pieces": result.pieces,
        "resent": result.resent,
        "warnings": [warning._asdict() for warning in result.warnings],
        "error": result.error or None,
    }

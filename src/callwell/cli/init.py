# SPDX-License-Identifier: Apache-2.0
"""`callwell init`: write the description of any API from its OpenAPI document, or compare it with a newer document."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from callwell.cli import output
from callwell.cli.flags import JsonOption
from callwell.errors import InvalidOption, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from callwell.cli.document_source import SourceText
    from callwell.description.infer.inference import Inferred
    from callwell.description.intake.changes import Change
    from callwell.description.intake.document import Intake

BREAKING: Final = 1
"""The exit code of `--check` if a change breaks callers."""

MAX_REASONS: Final = 5
"""Reasons that the summary names, the most frequent first: more would push the next steps off the screen."""

PROVIDER_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
GENERIC_FILE_NAME: Final = re.compile(
    r"(open-?api|swagger|api|spec|schema|index|standard input)([._-].*)?", re.IGNORECASE
)
"""Names of files that say nothing about the provider."""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def init(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE", help="An OpenAPI document: a file, an https address, or -.", show_default=False
        ),
    ] = None,
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="The folder to write. Default: ./NAME.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The provider's name in code and commands.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Write although the folder has a profile, which is kept as profile.toml.old."),
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="DIR", help="Compare the document in DIR with SOURCE, and write nothing."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="With --check: write the newer document. The profile stays as it is.")
    ] = False,
    proxy: Annotated[
        str | None, typer.Option("--proxy", metavar="URL", help="A proxy's address, or `environment`, for SOURCE.")
    ] = None,
    ca_file: Annotated[
        str | None, typer.Option("--ca-file", metavar="FILE", help="PEM certificates to trust as well, for SOURCE.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a folder with the unchanged OpenAPI document, and a profile with everything that can be inferred from it.

    `Client("./NAME")` and all commands accept the folder immediately. The profile says for each part whether it is
    documented or assumed, and has the open questions as comments.

    --check compares the document in a folder with a newer one: by default that at the address in its profile. It exits
    with code 1 if a change breaks callers.
    """
    if check is not None:
        _check(check, source, _Network(proxy, ca_file), update=update, as_json=as_json)
        return
    if source is None:
        raise UsageError("name the OpenAPI document: a file, an https address, or -")
    if name is not None and not PROVIDER_NAME.fullmatch(name):
        raise InvalidOption("--name", name, "lower-case letters, digits and underscores, starting with a letter")
    _write(source, to, name, _Network(proxy, ca_file), force=force, as_json=as_json)


class _Network:
    """How addresses are read: the options, or else the settings of all providers."""

    def __init__(self, proxy: str | None, ca_file: str | None) -> None:
        self._options = {"proxy": proxy, "ca_file": ca_file}

    def read(self, source: str) -> SourceText:
        """The text of a document."""
        from callwell.cli.document_source import read_source
        from callwell.cli.settings import Settings

        settings = Settings.discover()
        values = {key: option or settings.general(key).value for key, option in self._options.items()}
        texts = {key: None if value is None else str(value) for key, value in values.items()}
        return read_source(source, proxy=texts["proxy"], ca_file=texts["ca_file"])


def _read(source: SourceText) -> Intake:
    from callwell.description.intake.document import read_intake

    is_file = source.file.is_file() and not source.address
    return read_intake(source.text, source.file, address=source.address, without_siblings=not is_file)


def _write(source: str, to: Path | None, name: str | None, network: _Network, *, force: bool, as_json: bool) -> None:
    from callwell.description import profile
    from callwell.description.infer.inference import infer
    from callwell.description.infer.profile_text import write_profile
    from callwell.description.intake import folder as provider_folder

    text = network.read(source)
    intake = _read(text)
    inferred = infer(intake.facts, name or _name_from(to, text))
    folder = to or Path(inferred.name)
    if not force:
        provider_folder.check_free(folder, intake)
    profile_text = write_profile(inferred)
    profile.parse(profile_text, intake.facts.api, file=str(folder / provider_folder.PROFILE))
    provider_folder.write_folder(folder, intake, text.file.parent, profile_text)
    if as_json:
        output.emit_json(_as_json(folder, intake, inferred, profile_text))
        return
    for line in _summary(folder, intake, inferred, profile_text):
        output.emit(line)


def _name_from(to: Path | None, source: SourceText) -> str:
    """The name of the folder, else of the file; empty if the title of the document says more."""
    if to is not None:
        return to.resolve().name
    stem = source.file.name.partition(".")[0]
    return "" if source.address or GENERIC_FILE_NAME.fullmatch(stem) else stem


def _as_json(folder: Path, intake: Intake, inferred: Inferred, profile_text: str) -> dict[str, Any]:
    api = intake.facts.api
    key = inferred.key.rule
    return {
        "path": str(folder),
        "name": inferred.name,
        "title": inferred.title,
        "version": api.version,
        "operations": len(api.operations) + len(api.left_out),
        "callable": len(api.operations),
        "left_out": [{"operation": skipped.operation, "reason": skipped.reason} for skipped in api.left_out],
        "assumed": list(api.assumed),
        "repeated_keys": list(intake.repeated),
        "lists": len(inferred.lists) + len(inferred.unclear),
        "paged": len(inferred.lists),
        "environments": {name: found.value.base_url for name, found in inferred.environments.by_name.items()},
        "key": {"scheme": key.value.scheme, "header": key.value.header, "env": key.value.env, "level": key.level},
        "errors": inferred.errors is not None,
        "questions": profile_text.count("\n# ? "),
    }


def _summary(folder: Path, intake: Intake, inferred: Inferred, profile_text: str) -> Iterator[str]:
    """What was written, and what to do next."""
    from callwell.description.infer.environments import PLACEHOLDER

    api = intake.facts.api
    facts = _as_json(folder, intake, inferred, profile_text)
    shown = f"./{folder}" if not folder.is_absolute() and folder.parts[:1] not in ((".",), ("..",)) else str(folder)
    yield f"{shown}: {inferred.title} {api.version}".rstrip()
    yield f"  operations    {facts['operations']}, {facts['callable']} can be called"
    if api.left_out:
        yield f"  left out      {len(api.left_out)}: `callwell operations {shown} --left-out` lists them"
        reasons = Counter(skipped.reason.partition(": ")[2] or skipped.reason for skipped in api.left_out)
        for reason, count in reasons.most_common(MAX_REASONS):
            yield f"  {count:>12}  {reason}"
    yield from _some("assumed", api.assumed)
    yield from _some("repeated", intake.repeated)
    yield f"  lists         {facts['lists']}, {facts['paged']} are read page by page"
    for index, (name, address) in enumerate(facts["environments"].items()):
        shown_address = "no server is documented; set its base_url" if address == PLACEHOLDER else address
        yield f"  {'environments' if index == 0 else '':<12}  {name}: {shown_address}"
    key = inferred.key.rule
    scheme = "none" if key.value.scheme == "none" else f"{key.value.scheme}, in the variable {key.value.env}"
    yield f"  key           {scheme} ({key.level})"
    yield f"  questions     {facts['questions']}, in {shown}/profile.toml after `?`"
    yield ""
    if key.value.scheme != "none":
        yield f"export {key.value.env}=…"
    yield f"callwell operations {shown}"
    first = next(iter(inferred.lists), None) or inferred.canary or next(iter(api.operations), None)
    if first is not None:
        yield f"callwell operations {shown} {first}"


def _some(label: str, texts: Sequence[str]) -> Iterator[str]:
    """The first strings in lines of the summary, and how many more there are."""
    for index, text in enumerate(texts[:MAX_REASONS]):
        yield f"  {'' if index else label:<12}  {text}"
    if len(texts) > MAX_REASONS:
        yield f"  {'':<12}  and {len(texts) - MAX_REASONS} more: --json lists them"


def _check(folder: Path, source: str | None, network: _Network, *, update: bool, as_json: bool) -> None:
    from callwell.cli.document_source import SourceText
    from callwell.description.documents.reading import find_document, read_document
    from callwell.description.intake import changes
    from callwell.description.intake import folder as provider_folder

    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; callwell init SOURCE --to {folder} makes one")
    document = find_document(folder)
    old = _read(SourceText(read_document(document).text, document))
    text = network.read(source or _source_of(folder))
    new = _read(text)
    found = changes.find_changes(old.facts, new.facts, _names_of(folder))
    breaking = sum(change.breaking for change in found)
    if update:
        provider_folder.write_folder(folder, new, text.file.parent, None)
    if as_json:
        rows = [
            {"operation": change.operation or None, "change": change.what, "breaking": change.breaking}
            for change in found
        ]
        output.emit_json({"path": str(folder), "breaking": breaking, "changes": rows})
    else:
        _print_changes(folder, found, breaking)
    if breaking:
        raise typer.Exit(BREAKING)


def _source_of(folder: Path) -> str:
    """The address in the profile of a folder."""
    source = _read_profile(folder).get("source")
    if not isinstance(source, str) or not source:
        file = folder / "profile.toml"
        raise UsageError(f"{file} has no `source`; name the newer document: callwell init --check {folder} SOURCE")
    return source


def _names_of(folder: Path) -> dict[str, str]:
    """The operations that the profile of a folder renames, each with its new name; none if there is no profile."""
    if not (folder / "profile.toml").exists():
        return {}
    names = _read_profile(folder).get("names")
    return {key: name for key, name in names.items() if isinstance(name, str)} if isinstance(names, dict) else {}


def _read_profile(folder: Path) -> dict[str, Any]:
    import tomllib

    file = folder / "profile.toml"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}; name the newer document") from error


def _print_changes(folder: Path, found: list[Change], breaking: int) -> None:
    if found:
        rows = [("yes" if change.breaking else "no", change.operation or "document", change.what) for change in found]
        output.emit_table(("breaks", "operation", "change"), rows)
    counted = "1 change" if len(found) == 1 else f"{len(found) or 'no'} changes"
    output.say(f"{folder}: {counted}" + (f", {breaking} breaking" if found else ""))

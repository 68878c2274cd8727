# SPDX-License-Identifier: Apache-2.0
"""`callwell generate`: write a typed client from a description, as a package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from callwell.cli import output
from callwell.cli.flags import JsonOption
from callwell.description.collection import without_gc
from callwell.errors import FileProblem, UnknownName

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def generate(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="The folder with openapi.json or openapi.yaml, and profile.toml.", show_default=False
        ),
    ],
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="PACKAGE",
            help="The folder of the package, which will use the description in FOLDER. [default: FOLDER]",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a typed client of the API described in FOLDER, as a package with a module for each group of operations.

    Run it again when the description changes. It never overwrites a file that it did not write.
    """
    from callwell.codegen.package_code import package_code
    from callwell.codegen.package_files import write_package
    from callwell.description.catalog import why_not_a_folder
    from callwell.description.loading import load_provider

    if not folder.is_dir():
        raise UnknownName("provider", str(folder), (), why=why_not_a_folder(folder))
    target = folder if to is None else to
    description = os.path.relpath(folder.resolve(), target.resolve())
    with without_gc():
        provider = load_provider(folder)
        package = package_code(provider, "" if description == "." else Path(description).as_posix())
    try:
        write_package(target, package.files)
    except OSError as error:
        raise FileProblem(f"{error.filename or target} cannot be written: {error.strerror}") from error
    count = len(provider.api.operations)
    if as_json:
        output.emit_json(
            {
                "path": str(target),
                "client": package.client_class,
                "async_client": f"Async{package.client_class}",
                "operations": count,
                "files": sorted(package.files),
            }
        )
        return
    output.emit(f"{target}: {package.client_class} and Async{package.client_class}, {count} operations")

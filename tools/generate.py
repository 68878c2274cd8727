#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes all that is generated: the sync side, the typed clients, the page of commands and the picture of the rooms.

`--check` writes nothing and reports what is not fresh. Each generated file is made again in an empty folder and
compared byte for byte, and files that nothing generates are found as well.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

import commands
import rooms
import unasync
from callwell.codegen.generate import write_all
from callwell.description import compiled

ROOT: Final = unasync.ROOT
PROVIDERS: Final = Path("src/callwell/providers")


def main() -> int:
    """Write, or check; the exit code is 1 if a file is not fresh or is in the way."""
    if "--check" in sys.argv[1:]:
        complaints = unasync.differences(ROOT) + client_differences() + compiled_differences() + document_differences()
    else:
        complaints = unasync.write(ROOT)
        write_all(ROOT / PROVIDERS)
        for path, content in compiled_files().items():
            unasync.put(ROOT / path, content)
        for path, text in documents().items():
            unasync.put(ROOT / path, text.encode())
    for complaint in complaints:
        print(f"generated code: {complaint}")
    if not complaints:
        print("generated code: ok")
    return bool(complaints)


def documents() -> dict[Path, str]:
    """The generated files of the documentation, by their path in the project.

    The picture shows the imports as they are, so it is drawn after all code has been written.
    """
    return {commands.PAGE: commands.page(), rooms.PICTURE: rooms.picture()}


def client_differences() -> list[str]:
    """How the clients of the providers differ from what would be written now."""
    written = [*(ROOT / PROVIDERS).glob("*/*client.py"), ROOT / PROVIDERS / "typed.py"]
    there = {path.relative_to(ROOT / PROVIDERS) for path in written}
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        write_all(fresh)
        generated = {path.relative_to(fresh) for path in fresh.rglob("*.py")}
        return [f"{PROVIDERS}/{line}" for line in unasync.compare(fresh, generated, ROOT / PROVIDERS, there)]


def compiled_files() -> dict[Path, bytes]:
    """The compiled descriptions of the bundled providers, by their path in the project."""
    folders = sorted(path.parent for path in (ROOT / PROVIDERS).glob("*/profile.toml"))
    return {PROVIDERS / folder.name / compiled.FILE: compiled.compile_provider(folder) for folder in folders}


def compiled_differences() -> list[str]:
    """Which compiled descriptions differ from what would be written now."""
    return [
        f"{path}: differs from its documents; run `make generate`"
        for path, content in compiled_files().items()
        if not (ROOT / path).is_file() or (ROOT / path).read_bytes() != content
    ]


def document_differences() -> list[str]:
    """Which files of the documentation differ from what would be written now."""
    return [
        f"{path}: differs from the code; run `make generate`"
        for path, text in documents().items()
        if not (ROOT / path).is_file() or (ROOT / path).read_bytes() != text.encode()
    ]


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes all that is generated: the sync side of the client, each provider's typed client, the page about commands.

`--check` writes nothing and says what is not fresh: each generated file is made anew in an empty folder and compared
byte for byte, and files that nothing generates are found as well.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

import commands
import unasync
from callwell.codegen.generate import write_all

ROOT: Final = unasync.ROOT
PROVIDERS: Final = Path("src/callwell/providers")


def main() -> int:
    """Write, or check; the exit code is 1 if something is not fresh or in the way."""
    if "--check" in sys.argv[1:]:
        complaints = unasync.differences(ROOT) + client_differences() + page_differences()
    else:
        complaints = unasync.write(ROOT)
        write_clients(ROOT / PROVIDERS)
        unasync.put(ROOT / commands.PAGE, commands.page().encode())
    for complaint in complaints:
        print(f"generated code: {complaint}")
    if not complaints:
        print("generated code: ok")
    return bool(complaints)


def write_clients(into: Path) -> None:
    """Write the modules of every provider's client, and `typed.py`, into a folder."""
    write_all(into)


def client_differences() -> list[str]:
    """How the providers' clients differ from what would be written now."""
    written = [*(ROOT / PROVIDERS).glob("*/*client.py"), ROOT / PROVIDERS / "typed.py"]
    there = {path.relative_to(ROOT / PROVIDERS) for path in written}
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        write_clients(fresh)
        made = {path.relative_to(fresh) for path in fresh.rglob("*.py")}
        return [f"{PROVIDERS}/{line}" for line in unasync.compare(fresh, made, ROOT / PROVIDERS, there)]


def page_differences() -> list[str]:
    """Whether the page about commands is the one that would be written now."""
    written = ROOT / commands.PAGE
    if written.is_file() and written.read_bytes() == commands.page().encode():
        return []
    return [f"{commands.PAGE}: differs from the commands; run `make generate`"]


if __name__ == "__main__":
    sys.exit(main())

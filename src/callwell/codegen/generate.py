# SPDX-License-Identifier: Apache-2.0
"""Writes the typed client of each bundled provider, and `typed.py`, which maps their names to them for type checkers.

The result depends on the descriptions alone. `python -m callwell.codegen.generate` writes in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell import folders
from callwell.codegen.bundled_code import bundled_code
from callwell.codegen.typed_code import typed_code
from callwell.description import catalog
from callwell.description.loading import load_provider

if TYPE_CHECKING:
    from pathlib import Path


def write_all(into: Path | None = None) -> list[Path]:
    """Write the modules of every bundled provider's client, and `typed.py`.

    Args:
        into: the folder to write into; `callwell/providers` if None.

    Returns:
        All files, in the order of writing. A file that is up to date is not touched.
    """
    folder = catalog.FOLDER if into is None else into
    files = {
        folder / name / file: code
        for name in catalog.bundled_names()
        for file, code in bundled_code(load_provider(catalog.FOLDER / name)).items()
    }
    files[folder / "typed.py"] = typed_code(catalog.bundled_names())
    for file, code in files.items():
        if not file.is_file() or file.read_bytes() != code.encode():
            folders.write(file, [code.encode()], make=True)
    return list(files)


if __name__ == "__main__":
    write_all()

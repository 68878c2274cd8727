# SPDX-License-Identifier: Apache-2.0
"""The papers beside the project, and the files here that hold their facts without their prose.

So descriptions and emulators are compared in a clone that has no papers beside it. `python -m tests.facts.papers`
writes the files again from the papers; `test_fresh.py` compares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.facts import apivideo, document, language_confidence, userplane

if TYPE_CHECKING:
    from collections.abc import Callable


class Paper(NamedTuple):
    """A paper, how its facts are read, and the file that holds them."""

    name: str
    file: Path
    facts: Callable[[str], dict[str, Any]]


PAPERS: Final = [
    Paper("userplane.md", userplane.FILE, userplane.facts),
    Paper("apivideo.md", apivideo.FILE, apivideo.facts),
    Paper("apivideo-openapi.yaml", document.FILE, lambda text: document.facts(document.load(text))),
    Paper("language-confidence.md", language_confidence.FILE, language_confidence.facts),
]


def main() -> None:
    """Write every file again."""
    folder = Path(__file__).parents[3] / "shared" / "providers"
    for paper in PAPERS:
        found = paper.facts((folder / paper.name).read_text(encoding="utf-8"))
        paper.file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The checks of code, each on a table of sources: what it must find, and what it must not take for a fault.

A table is `code/NAME.txt`. Its sources begin with a line `### found PATH`, `### innocent PATH`, or `### part PATH` for
what others refer to; `{random}` is the random part of a key.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from callwell.readiness import registry
from callwell.readiness.project import Project
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check

if TYPE_CHECKING:
    from callwell.readiness.report import CheckResult

TABLES: Final = Path(__file__).parent / "code"
MIN_SOURCES: Final = 12
CHECKS: Final = [
    check_id for check_id in registry.CHECKS if check_id.startswith("code.") and check_id != "code.ignore-comments"
]
PYTHON_CHECKS: Final = [check_id for check_id in CHECKS if "front-end" not in check_id]


def random_part(name: str) -> str:
    """The random part of a key: the same in each run."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def write_table(check_id: str, root: Path) -> dict[str, str]:
    """Write the sources of a check's table.

    Args:
        check_id: the check.
        root: the folder of the project.

    Returns:
        Each source's name, with what it is.
    """
    table = TABLES / f"{registry.CHECKS[check_id].partition('.')[2]}.txt"
    kinds = {}
    for kind, name, text in re.findall(
        r"^### (\w+) (\S+)\n(.*?)(?=^### |\Z)", table.read_text(), re.DOTALL | re.MULTILINE
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{random}", random_part(name)))
        kinds[name] = kind
    return kinds


def run(root: Path, check_id: str) -> CheckResult:
    """Run one check on a folder."""
    return run_check(Project(root), registry.load(check_id))


@pytest.mark.parametrize("check_id", CHECKS)
def test_what_is_found_and_what_is_not(tmp_path: Path, check_id: str) -> None:
    """Each source with a fault has a finding, and no other one has."""
    kinds = write_table(check_id, tmp_path)
    result = run(tmp_path, check_id)
    found = {finding.place.path for finding in result.findings if finding.place and finding.severity != "note"}
    assert found == {name for name, kind in kinds.items() if kind == "found"}
    assert result.unchecked == ()
    for kind in ("found", "innocent"):
        assert sum(other == kind for other in kinds.values()) >= MIN_SOURCES


@pytest.mark.parametrize("check_id", CHECKS)
def test_nothing_to_look_at(tmp_path: Path, check_id: str) -> None:
    """A project without Python, or without a front end, has nothing that a check of it could find."""
    (tmp_path / "README.md").write_text("Nothing to see here.")
    assert run(tmp_path, check_id).outcome is CheckOutcome.NOT_APPLICABLE


BROKEN: Final = {
    "syntax.py": (b"import callwell\n\ndef call(:\n", 3),
    "old.py": (b"import requests\nprint 'https://api.userplane.io'\n", 2),
    "latin.py": ('import callwell\nNAME = "é"\n'.encode("latin-1"), 2),
    "utf16.py": ("import callwell\n".encode("utf-16"), 1),
    "null.py": (b"import callwell\nx = 1\0\n", 1),
    "deep.py": (b"import callwell\nx = " + b"(" * 3000 + b")" * 3000, 2),
    "chain.py": (b"import callwell\nx = " + b"+".join([b"a"] * 20_000) + b"\n", None),
    "cell.ipynb": (b'{"cells": [\n {"cell_type": "code",\n "source": ["import callwell\\n",\n "x = ="]}]}', 4),
    "notebook.ipynb": (b'{"cells": "callwell"', None),
}
"""Sources that cannot be parsed, each with the line to name."""


@pytest.mark.parametrize("check_id", ["code.calls-around-callwell", "code.retries-4xx"])
def test_what_cannot_be_parsed_is_said(tmp_path: Path, check_id: str) -> None:
    """A file that cannot be parsed is named with its line, and hides nothing of the others."""
    for name, (data, _) in BROKEN.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "good.py").write_text("import callwell\nclient = callwell.Client('userplane')\nclient.me.get()\n")
    result = run(tmp_path, check_id)
    assert result.outcome is CheckOutcome.INCOMPLETE
    places = {item.place.path: item.place.line for item in result.unchecked if item.place}
    expected = {name: line for name, (_, line) in BROKEN.items()}
    if check_id != "code.calls-around-callwell":
        del expected["utf16.py"]  # no term can be found in it: the first check says that it cannot be read
    assert places == expected


@pytest.mark.parametrize("check_id", CHECKS)
def test_files_that_cannot_be_read_are_said(tmp_path: Path, check_id: str) -> None:
    """A broken link is said to be unreadable, by the checks that it concerns."""
    name = "view.py" if check_id in PYTHON_CHECKS else "view.vue"
    (tmp_path / name).symlink_to(tmp_path / "nothing")
    assert run(tmp_path, check_id).outcome is CheckOutcome.INCOMPLETE


def test_a_broken_source_map_is_said(tmp_path: Path) -> None:
    """Half a source map is not a pass."""
    (tmp_path / "app.js.map").write_text('{"sources": ["a.ts"], "sourcesContent": ["https://api.userplane.io')
    for check_id in ("code.front-end-calls", "code.front-end-keys"):
        assert run(tmp_path, check_id).outcome is CheckOutcome.INCOMPLETE


def test_a_key_is_named_by_its_fingerprint_only(tmp_path: Path) -> None:
    """No finding has the text of a key in it."""
    write_table("code.key-literal", tmp_path)
    result = run(tmp_path, "code.key-literal")
    for finding in result.findings:
        assert finding.place is not None
        assert random_part(finding.place.path) not in repr(finding)


def test_a_finding_in_a_notebook_names_cell_and_line(tmp_path: Path) -> None:
    """The line is that of the file, so that a comment can stand there; the cell is what a person looks for."""
    write_table("code.calls-around-callwell", tmp_path)
    result = run(tmp_path, "code.calls-around-callwell")
    (finding,) = (one for one in result.findings if one.place and one.place.path == "notebook.ipynb")
    assert finding.place is not None
    assert finding.place.line == 2
    assert finding.what.endswith("in cell 3")


def test_urls_of_public_objects_are_a_note(tmp_path: Path) -> None:
    """A URL that expires for private objects only is advice, and makes no check fail."""
    write_table("code.signed-urls-kept", tmp_path)
    result = run(tmp_path, "code.signed-urls-kept")
    notes = [finding.place.path for finding in result.findings if finding.place and finding.severity == "note"]
    assert notes == ["public_player.py"]


@pytest.mark.parametrize("check_id", PYTHON_CHECKS)
def test_values_that_are_made_of_themselves(tmp_path: Path, check_id: str) -> None:
    """Names that are bound thirty times, each time to themselves, are looked at once."""
    lines = [
        "import httpx, callwell",
        "client = callwell.Client('userplane')",
        "url, other = 'https://api.userplane.io', 'x'",
        "data = httpx.get(url).json()",
        "try:\n    client.me.get()\nexcept callwell.ApiError as error:\n    text = str(error)",
        *(
            "url, other = other, url\nurl = url + other\nclient = client.with_options(for_user=other)\n"
            "data = data['resource']['url']\ndata = data.get('resource')\ntext = text.lower() or text"
            for _ in range(30)
        ),
        "if 'gone' in text:\n    open('x').write(data['url'])",
    ]
    (tmp_path / "tangled.py").write_text("\n".join(lines))
    assert run(tmp_path, check_id).unchecked == ()

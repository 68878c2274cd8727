# SPDX-License-Identifier: Apache-2.0
"""mypy and pyright, both strict, accept right use of the typed clients, and find each mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from callwell.codegen.package_code import package_code
from callwell.codegen.package_files import write_package
from callwell.description.loading import load_provider
from tests.codegen import nasty
from tests.description.tiny import write
from tests.processes.type_check import mypy

if TYPE_CHECKING:
    from pathlib import Path

WITH_MORE: Final = '# mypy: warn-unreachable, enable-error-code="ignore-without-code,redundant-expr,truthy-bool"\n'
"""What the project itself has mypy find beyond `--strict`."""

MISTAKES: Final = f"""\
{WITH_MORE}from callwell.providers.typed import AsyncClient, Client
from callwell.providers.userplane.client import Userplane

api = Client("userplane")
api.recordings.list(workspace_id="w", project_id=3)  # arg-type
api.recordings.list(workspace_id="w", project_id=[3])  # list-item
api.recordings.list(workspace_id="w", project="p")  # call-arg
api.recordings.list()  # call-arg
api.recordings.list("w")  # call-arg
api.recordings.lst(workspace_id="w")  # attr-defined
api.recording  # attr-defined
api.recordings.list(workspace_id="w", sort_by="name")  # arg-type
api.links.create(workspace_id="w", domain_id="d", link_meta={{"n": 1}})  # dict-item
api.links.create(workspace_id="w", domain_id=None)  # arg-type
api.me.get()["usr"]  # typeddict-item
api.search.search(workspace_id="w", q="x", type="recordings")  # arg-type
Client("userplane", kye="x")  # call-overload
Client(3)  # call-overload
AsyncClient("userplane").recordings.video(workspace_id="w")  # call-arg
video = Client("apivideo")
video.videos.create(title="t", language="xx")  # arg-type
video.videos.create(title="t", metadata=[{{"kye": "a"}}])  # typeddict-unknown-key
video.videos.upload_thumbnail(video_id="v", file=3)  # arg-type
video.analytics.breakdown(metric="play", breakdown="city")  # arg-type
video.videos.status(video_id="v")["ingest"]["status"]  # index


async def f(api: Userplane) -> None:
    await api.me.get()  # misc
"""
"""Each line with a mistake ends with the codes by which mypy names it."""

_ERROR: Final = re.compile(r"(?m)^(.*?):(\d+): error: .*\[([a-z-]+)\]$")


@pytest.fixture(scope="module")
def files(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The sample code, the mistakes, and generated clients of two providers full of oddities."""
    folder = tmp_path_factory.mktemp("types")
    mistakes = folder / "mistakes.py"
    mistakes.write_text(MISTAKES, encoding="utf-8")
    packages = [write(folder / "tiny"), nasty.write(folder / "nasty")]
    for package in packages:
        files = package_code(load_provider(package)).files
        write_package(package, {path: WITH_MORE + text for path, text in files.items()})
    return [str(file) for file in (root / "tests/typing/api.py", mistakes, *sorted(folder.glob("*/**/*.py")))]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory, files: list[str]) -> dict[str, set[tuple[int, str]]]:
    """The errors that mypy finds: file → lines and codes."""
    folder = tmp_path_factory.mktemp("mypy")
    answer = mypy(folder, "--no-error-summary", *files)
    assert answer.stderr == ""
    found: dict[str, set[tuple[int, str]]] = {}
    for file, line, code in _ERROR.findall(answer.stdout):
        found.setdefault(file.replace("\\", "/").rpartition("/")[2], set()).add((int(line), code))
    return found


def test_right_use_is_accepted(errors: dict[str, set[tuple[int, str]]]) -> None:
    """Neither the sample code nor a generated client of a provider full of oddities has an error."""
    assert {file for file in errors if file != "mistakes.py"} == set()


def test_every_mistake_is_found(errors: dict[str, set[tuple[int, str]]]) -> None:
    """Each mistake is found where it is made, and nothing else."""
    expected = {
        (number, code)
        for number, line in enumerate(MISTAKES.splitlines(), 1)
        if "  # " in line
        for code in line.rpartition("  # ")[2].split()
    }
    assert errors["mistakes.py"] == expected


def test_pyright_agrees(root: Path, files: list[str], tmp_path: Path) -> None:
    """It finds each mistake where it is made, and nothing else, under whatever name."""
    settings = {
        "typeCheckingMode": "strict",
        "include": files,
        "extraPaths": [str(root / "src")],
    }
    config = tmp_path / "pyrightconfig.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    answer = subprocess.run([*command, "--project", str(config)], capture_output=True, text=True, check=False)
    report = json.loads(answer.stdout)
    assert report["summary"]["filesAnalyzed"] == len(files)
    assert {
        (found["file"].replace("\\", "/").rpartition("/")[2], found["range"]["start"]["line"] + 1)
        for found in report["generalDiagnostics"]
    } == {("mistakes.py", number) for number, line in enumerate(MISTAKES.splitlines(), 1) if "  # " in line}

# SPDX-License-Identifier: Apache-2.0
"""The page about `callwell check` is true: its hook and CI jobs are valid and run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import check_jsonschema
import pytest
import yaml
from click.testing import CliRunner

from callwell.readiness.baseline import read_baseline
from callwell.readiness.formats.as_json import to_document
from callwell.readiness.registry import CHECKS
from tests.docs import pages
from tests.processes.commands import Commands
from tests.readiness.reports import REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = pages.DOCS / "how" / "check.md"
HOOKS = pages.ROOT / ".pre-commit-hooks.yaml"
JOBS = {block.title: block.text for block in pages.blocks(PAGE, "yaml")}
WORKFLOW = ".github/workflows/callwell.yml"
GITLAB = ".gitlab-ci.yml"


def job(name: str) -> Any:
    """The only job of an example."""
    document = yaml.safe_load(JOBS[name])
    return document["jobs"]["check"] if name == WORKFLOW else document["callwell"]


def commands(name: str) -> list[str]:
    """The lines of an example that a shell runs, in their order."""
    if name == GITLAB:
        return list(job(name)["script"])
    return [step["run"] for step in job(name)["steps"] if "run" in step]


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """A shell of a CI server."""
    with Commands() as found:
        yield Shell(found.folder)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Path:
    """A project in git, with one staged fault: a comment that gives no reason.

    In it, the jobs have run but for their last lines. A line that both have has run once.
    """
    folder = tmp_path_factory.mktemp("sample")
    (folder / "app.py").write_text(
        'from callwell import Client\n\nx = Client("userplane")  # callwell: ignore=keys.file-mode\n', encoding="utf-8"
    )
    (folder / "requirements.txt").write_text("# those of the project\n", encoding="utf-8")
    digests = "callwell keys digests known-keys.json --provider userplane"
    lines = [f"USERPLANE_API_KEY=a-key-that-is-plainly-not-real {digests}", "git init --quiet", "git add ."]
    for name in (WORKFLOW, GITLAB):
        lines += commands(name)[:-1]
    for line in dict.fromkeys(lines):
        assert shell.run(line, folder).returncode == 0, line
    return folder


@pytest.fixture
def sample(project: Path, tmp_path: Path) -> Path:
    """A copy of the project."""
    return shutil.copytree(project, tmp_path / "sample")


class Shell:
    """Runs lines as CI does: with this `callwell` first in its path, and no settings of the person who tests.

    The search by shape is as if it were not installed: a new home has none of its compiled rules, and they take ten
    seconds.

    Args:
        commands: the folder of `callwell` and `python`.
    """

    def __init__(self, commands: Path) -> None:
        self._path = f"{commands}{os.pathsep}{os.environ['PATH']}"

    def run(self, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a line in a folder, which is the home too."""
        hidden = folder / ".hidden"
        hidden.mkdir(exist_ok=True)
        (hidden / "kingfisher.py").write_text("raise ImportError\n", encoding="utf-8")
        return subprocess.run(
            ["/bin/bash", "-e", "-o", "pipefail", "-c", line],
            cwd=folder,
            env={"PATH": self._path, "HOME": str(folder), "PYTHONPATH": str(hidden)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.parametrize(("name", "schema"), [(WORKFLOW, "vendor.github-workflows"), (GITLAB, "vendor.gitlab-ci")])
def test_the_jobs_are_valid(tmp_path: Path, name: str, schema: str) -> None:
    """By the schemas that the services publish."""
    file = tmp_path / "job.yml"
    file.write_text(JOBS[name], encoding="utf-8")
    ran = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", schema, str(file)])
    assert ran.exit_code == 0, ran.output


def test_actions_are_pinned() -> None:
    """Each to a commit, with its version beside it: a tag can be moved."""
    uses = re.findall(r"uses: (.*)", JOBS[WORKFLOW])
    assert len(uses) == sum("uses" in step for step in job(WORKFLOW)["steps"])
    for use in uses:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)
    assert yaml.safe_load(JOBS[WORKFLOW])["permissions"] == {"contents": "read"}
    assert job(WORKFLOW)["steps"][0]["with"]["fetch-depth"] == 0


@pytest.mark.parametrize("name", [WORKFLOW, GITLAB])
def test_the_jobs_run_as_they_stand(shell: Shell, sample: Path, name: str) -> None:
    """Every line of a shell, in a project with a fault: the last one finds it, and leaves the files to publish."""
    last = commands(name)[-1]
    ended = shell.run(last, sample)
    assert ended.returncode == 1, ended
    published = re.findall(r"check\.\w+", JOBS[name].partition(last)[2])
    assert published
    assert all((sample / file).is_file() for file in published)


def test_the_hook_runs_as_it_stands(shell: Shell, sample: Path) -> None:
    """Its manifest has what pre-commit needs, and its entry finds the staged fault."""
    (hook,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert hook["pass_filenames"] is False
    (used,) = yaml.safe_load(JOBS[".pre-commit-config.yaml"])["repos"][0]["hooks"]
    assert used["id"] == hook["id"]
    ended = shell.run(" ".join([hook["entry"], *used["args"]]), sample)
    assert ended.returncode == 1, ended
    assert "code.ignore-comments" in ended.stdout


def test_the_baseline_is_valid(tmp_path: Path) -> None:
    """The entry on the page can be read, and its check exists."""
    (block,) = pages.blocks(PAGE, "toml")
    (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    (entry,) = read_baseline(tmp_path / block.title)
    assert entry.identity.check in CHECKS


def test_the_json_fields_are_named() -> None:
    """Every field of the document, of a check, and of what a check has found."""
    text = pages.read(PAGE)
    document = to_document(REPORT)
    fields = set(document)
    for check in document["checks"]:
        fields |= set(check)
        for name in ("findings", "accepted", "unchecked", "asked_by"):
            fields |= {field for item in check[name] for field in item}
    assert {field for field in fields if f"`{field}`" not in text} == set()


def test_the_checks_that_are_named_exist() -> None:
    """In comments and in text."""
    named = set(re.findall(r"`((?:leaks|keys|code|life|drills)\.[a-z-]+)`|ignore=([a-z.-]+)", pages.read(PAGE)))
    assert {name for pair in named for name in pair if name} <= set(CHECKS)

# SPDX-License-Identifier: Apache-2.0
"""Every Python sample in the documentation passes a strict type checker; complete programs run.

The samples of the tutorial, of the page about descriptions and of the walk through a quota shape have tests of their
own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from callwell.cli.main import main
from tests.docs import pages, tutorial
from tests.processes.program import run
from tests.processes.type_check import mypy

if TYPE_CHECKING:
    import pytest

APART = (tutorial.PAGE, pages.DOCS / "how" / "contribute-a-quota-shape.md")
"""The code of these fits what they have the reader write first."""

STUBS = Path(__file__).with_name("stubs")
"""Stubs of packages that samples use and that are not installed."""

SAMPLES = [block for page in pages.PAGES if page not in APART for block in pages.blocks(page, "python")]


def test_samples_are_well_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a sample imports and calls exists, with the types that the sample expects."""
    monkeypatch.setenv("MYPYPATH", str(STUBS))
    for block in SAMPLES:
        name = f"{block.page.stem.replace('-', '_').lower()}_{block.line}.py"
        (tmp_path / name).write_text(block.text, encoding="utf-8")
    ran = mypy(tmp_path, ".")
    assert ran.returncode == 0, ran.stdout
    assert f"{len(SAMPLES)} source files" in ran.stdout


def test_samples_of_tests_pass(tmp_path: Path) -> None:
    """The tests on the page about testing pass."""
    for block in pages.blocks(pages.DOCS / "how" / "testing.md", "python"):
        (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    ran = run(pytest, folder=tmp_path)
    assert "2 passed" in ran.stdout, ran.stdout


def test_the_settings_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The callwell.toml on the page is valid, with the tutorial's description as a provider."""
    (block,) = pages.blocks(pages.DOCS / "how" / "configuration.md", "toml")
    (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    for part in pages.blocks(tutorial.PAGE):
        if part.title in ("openapi.json", "invoices/profile.toml"):
            file = tmp_path / "descriptions" / "invoices" / part.title.removeprefix("invoices/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(part.text, encoding="utf-8")
    monkeypatch.setenv("CALLWELL_CONFIG", str(tmp_path / block.title))
    for provider, account in (("userplane", "team-a"), ("invoices", "default")):
        assert main(["config", provider, "--json"]) == 0
        reported = json.dumps(json.loads(capsys.readouterr().out))
        assert f'"{account}"' in reported
        assert "30" in reported

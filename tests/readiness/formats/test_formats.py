# SPDX-License-Identifier: Apache-2.0
"""Each format says all that a report has, in valid form, and no file name breaks out of it."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from callwell.cli.check_terminal import render_report
from callwell.readiness.formats.as_json import to_document
from callwell.readiness.formats.junit import render_junit
from callwell.readiness.formats.page import render_page
from callwell.readiness.formats.sarif import to_sarif
from callwell.readiness.formats.words import verdict_of
from callwell.readiness.report import CheckOutcome, CheckReport
from tests.readiness.reports import EMPTY_HANDED, HOSTILE, PASSED, REPORT

SCHEMA = Path(__file__).with_name("sarif-2.1.0.schema.json")
"""The schema of SARIF 2.1.0 from the npm package @microsoft/jest-sarif 1.0.0-beta.0 (MIT), without its descriptions."""

VERDICTS = {
    1: (REPORT, "not ready: there are findings"),
    2: (EMPTY_HANDED, "not shown to be ready: some checks are incomplete"),
    0: (PASSED, "ready: every check that applies has passed"),
}

JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "time", "tests", "failures", "errors"}, {"testcase"}),
    "testcase": ({"name", "time", "classname"}, {"skipped", "error", "failure", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}
"""Element → its attributes and children, within what junit-10.xsd of Jenkins' xunit plugin and GitLab accept."""


FIELDS = {
    *("id", "group", "title", "severity", "outcome", "reason", "why", "fix", "asked_by"),
    *("findings", "accepted", "unchecked", "took_s"),
}
"""The fields of a check in JSON."""


def test_sarif_is_valid(tmp_path: Path) -> None:
    """By the published schema, whatever the outcome."""
    files = []
    for code, (report, _) in VERDICTS.items():
        files.append(tmp_path / f"{code}.sarif")
        files[-1].write_text(json.dumps(to_sarif(report), ensure_ascii=False), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--regex-variant", "python", "--schemafile", SCHEMA, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_sarif_says() -> None:
    """Places as addresses, accepted findings as suppressed, what could not be seen as a failed execution."""
    (run,) = to_sarif(REPORT)["runs"]
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    assert [part["level"] for part in invocation["toolExecutionNotifications"]] == ["error", "error"]
    assert to_sarif(PASSED)["runs"][0]["invocations"][0]["executionSuccessful"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert places[0] == "app/my%20settings.py"
    assert places[2].startswith("a%1B%5B31m%3Cscript%3E")
    assert "%E9%0A" in places[2]
    assert places[3:6] == [".", ".", "file:///etc/shop/key%20file"]
    assert [len(result.get("suppressions", ())) for result in run["results"]] == [0, 0, 0, 0, 0, 0, 1, 1]
    assert [kind["suppressions"][0]["kind"] for kind in run["results"][6:]] == ["external", "inSource"]
    prints = [result["partialFingerprints"]["callwellFinding/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert rules[0]["helpUri"].startswith("https://")


def test_junit_is_valid() -> None:
    """Well-formed, with the elements and attributes that servers read, and right counts."""
    for report, _ in VERDICTS.values():
        root = ET.fromstring(render_junit(report))  # noqa: S314 - our own text
        for element in root.iter():
            attributes, children = JUNIT[element.tag]
            assert set(element.attrib) <= attributes
            assert {child.tag for child in element} <= children
    root = ET.fromstring(render_junit(REPORT))  # noqa: S314 - our own text
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "1", "1")
    assert [len(root.findall(f".//{name}")) for name in ("failure", "error", "skipped", "system-out")] == [1, 1, 2, 1]
    for finding in REPORT.results[0].findings[:1]:
        assert finding.what in (root.findtext(".//failure") or "")


def test_json_says_everything() -> None:
    """Its fields are stable, and UTF-8 can hold it."""
    document = to_document(REPORT)
    json.dumps(document, ensure_ascii=False).encode()
    assert (document["format"], document["verdict"], document["exit_code"]) == (1, "found", 1)
    assert document["counts"] == {
        "passed": 2,
        "found": 1,
        "incomplete": 1,
        "not-applicable": 1,
        "skipped": 1,
        "left-out": 0,
        "findings": 6,
        "accepted": 2,
    }
    first = document["checks"][0]
    assert set(first) == FIELDS
    assert sorted(first["findings"][0]) == ["commit", "fix", "id", "line", "path", "severity", "what"]
    assert {check["outcome"] for check in document["checks"]} == set(CheckOutcome)


class Page(HTMLParser):
    """Reads a page: its tags must be closed in order."""

    VOID = ("meta", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        """Remember the tag, its ID and its links."""
        if tag not in self.VOID:
            self.open.append(tag)
        values = dict(attrs)
        assert "src" not in values
        assert tag not in ("script", "link", "img", "iframe")
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []

    def handle_endtag(self, tag: str) -> None:
        """It closes the last one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data


@pytest.mark.parametrize("code", VERDICTS)
def test_the_page_is_whole(code: int) -> None:
    """Valid HTML with nothing from elsewhere but links; names of files are text in it."""
    report, verdict = VERDICTS[code]
    page = Page()
    page.feed(render_page(report))
    page.close()
    assert not page.open
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.links) <= {"https://docs.example/best?a=1&b=2"}
    assert verdict in page.text
    assert "shop" in page.text


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("color", [True, False])
def test_the_table_fits(width: int, *, color: bool) -> None:
    """Every line fits the terminal, the verdict is last, and colours are there only if wanted."""
    text = render_report(REPORT, width=width, color=color)
    assert ("\x1b[" in text) == color
    if not color:
        assert max(map(len, text.splitlines())) <= width
        words = " ".join(text.split())
        assert words.endswith(
            "not ready: there are findings (6 findings in 1 check, 2 accepted, 1 incomplete, 2 passed, "
            "1 not applicable, 1 skipped; 2.5 s)"
        )
        assert "accepted until 2027-01-31: app/my settings.py:3: a sample & <more>" in words


def render_sarif(report: CheckReport) -> str:
    """SARIF as it is written."""
    return json.dumps(to_sarif(report), ensure_ascii=False)


@pytest.mark.parametrize(
    "render", [render_page, render_junit, render_sarif, lambda report: render_report(report, width=99, color=False)]
)
def test_no_name_breaks_out(render: Any) -> None:
    """No control character, no change of direction, no markup of a file name is in the text as it is."""
    text = render(REPORT)
    text.encode()
    assert HOSTILE not in text
    assert not any(character in text for character in "\x1b\x07\u202e\udce9")
    if render in (render_page, render_junit):
        assert "<script>" not in text


@pytest.mark.parametrize(
    ("report", "ready"),
    [
        (PASSED, True),
        (PASSED._replace(left_out=1), False),
        (PASSED._replace(results=(*PASSED.results, REPORT.results[5])), False),
    ],
)
def test_only_the_whole_list_is_ready(report: CheckReport, *, ready: bool) -> None:
    """Checks that were left out or skipped show nothing, though the exit code is 0."""
    assert report.exit_code == 0
    assert verdict_of(report).startswith("ready") is ready

# SPDX-License-Identifier: Apache-2.0
"""What an export leaves on disk, and what a second one does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from callwell.errors import InvalidOption
from callwell.export.file_names import MAX_LENGTH, safe_name
from callwell.state import open_state
from tests.export.emulated import ITEMS, check_manifest, check_truth, contents, notes, records

if TYPE_CHECKING:
    from tests.export.emulated import Site

LISTS = ["recordings.list", "workspaces.list"]
FILES = {"video.webm", "thumbnail.webp", "console-log.json", "network-log.json", "action.json"}


def test_a_whole_export(site: Site) -> None:
    """The recordings of two workspaces: layout, records, files, manifest, report and progress are as the truth."""
    report = site.export()
    truth = site.truth()
    check_truth(site.tree, truth)
    manifest = check_manifest(site.tree)
    assets = [asset for item in truth.values() for asset in item["assets"].values() if asset]
    size = sum(asset["size"] for asset in assets)
    assert report == ("complete", ITEMS, len(assets), size, ITEMS, 0, {}, {})
    assert (manifest["verdict"], manifest["items"], manifest["gone"]) == ("complete", ITEMS, 0)
    assert site.shown[-1] == (2, 2, 3, ITEMS, ITEMS, ITEMS, len(assets), size, 0, 0)
    paths = contents(site.tree)
    workspaces = {item["workspace"] for item in truth.values()}
    plain = {"callwell-export.json", "manifest.json", "workspaces.jsonl", "gone.jsonl"}
    assert {path for path in paths if "/" not in path} == plain
    assert {path.split("/")[0] for path in paths} - plain == workspaces
    files = {path for path in paths if path.count("/") > 1}
    assert len(files) == len(assets)
    assert {(path.split("/")[1], path.split("/")[3] in FILES) for path in files} == {("recordings", True)}
    for workspace in workspaces:
        lines = (site.tree / workspace / "recordings.jsonl").read_text().splitlines()
        keys = [json.loads(line)["recordingId"] for line in lines]
        assert keys == sorted(name for name, item in truth.items() if item["workspace"] == workspace)


def test_progress_only_grows(site: Site) -> None:
    """No number goes back, what is done is never more than there is, and the last one is the whole."""
    site.export()
    for before, after in zip(site.shown, site.shown[1:], strict=False):
        assert all(a <= b for a, b in zip(before, after, strict=True))
    assert all(shown.items + shown.failed <= shown.items_total for shown in site.shown if shown.items_total)


def test_records_name_files_and_not_addresses(exported: Site) -> None:
    """A record has what list and detail say, and its files; a field that held a signed URL holds the file's name."""
    site = exported
    for record in records(site.tree).values():
        assert record["meta"]["link"]["linkId"].startswith("lnk_")
        assert record["recordingThumbnail"] == record["assets"]["thumbnail"]["file"]
        for asset in record["assets"].values():
            missing = asset["file"] is None
            assert missing == (asset["size"] is None) == (asset["sha256"] is None) == (asset["type"] is None)


def test_what_was_not_captured_differs_from_what_is_not_there(exported: Site) -> None:
    """`captured` is false for what was never made, true for files that have expired or are still to come."""
    site = exported
    found = records(site.tree)
    absent = [
        {kind: asset["captured"] for kind, asset in record["assets"].items() if asset["file"] is None}
        for record in found.values()
    ]
    assert sorted(map(len, filter(None, absent))) == [1, 5]
    assert {value for kinds in absent if len(kinds) == 1 for value in kinds.values()} == {False}
    assert {value for kinds in absent if len(kinds) == 5 for value in kinds.values()} == {True}


def test_no_secret_is_kept_anywhere(site: Site) -> None:
    """Neither keys nor signed URLs are in the tree or in the state: not at the end, and not half-way."""
    secret = re.compile(rb"X-Amz|uspl_|Signature|" + site.key.encode())
    site.broken_off(ITEMS // 2)
    for half in (True, False):
        state = open_state(f"sqlite:///{site.state}")
        assert bool(state.keys("export:")) == half
        state.close()
        for path in (*site.tree.rglob("*"), *site.folder.glob("state.db*")):
            if path.is_file():
                assert not secret.search(path.read_bytes()), path
        if half:
            site.export()
    check_manifest(site.tree)


def test_a_second_run_fetches_nothing(exported: Site) -> None:
    """It reads the lists, asks not even for files that have expired, and leaves every byte as it is."""
    site = exported
    before = contents(site.tree)
    report, called = site.watched(site.export)
    expired = [name for name, record in records(site.tree).items() if record["assets"]["video"]["file"] is None]
    assert len(expired) == 1
    assert [name for name in called if name not in LISTS] == []
    assert (report.verdict, report.fetched, report.files) == ("complete", 0, len(before) - 6)
    assert contents(site.tree) == before


def test_only_what_is_new_is_fetched(exported: Site) -> None:
    """Recordings that were made since the last run cost six calls each."""
    site = exported
    site.faults({"operation": "recordings.list", "fault": "shifted_page", "rate": 1.0, "seed": 1, "limit": 1})
    workspace = min(item["workspace"] for item in site.truth().values())
    site.call("GET", f"/public/workspace/{workspace}/recordings")
    new = {name for name, item in site.truth().items() if item["state"] == "created"}
    assert len(new) == 1
    report, called = site.watched(site.export)
    assert (report.verdict, report.items, report.fetched) == ("complete", ITEMS + 1, 1)
    assert len([name for name in called if name not in LISTS]) == 6
    assert new <= records(site.tree).keys()
    check_truth(site.tree, site.truth())
    check_manifest(site.tree)


def test_deleted_recordings_are_noted_and_kept(exported: Site) -> None:
    """What was fetched stays, the note says 410, and no request is made again; a run from nothing does not have it."""
    site = exported
    first = sorted(records(site.tree))
    mine = [name for name in first if site.truth()[name]["workspace"] == min_admin(site)]
    site.delete(mine[0], mine[5])
    report, called = site.watched(site.export)
    assert (report.items, report.gone, report.verdict) == (ITEMS, 2, "complete")
    assert notes(site.tree) == {mine[0]: 410, mine[5]: 410}
    assert called.count("recordings.get") == 2
    assert sorted(records(site.tree)) == first
    manifest = check_manifest(site.tree)
    assert (manifest["items"], manifest["gone"]) == (ITEMS, 2)
    before = contents(site.tree)
    report, called = site.watched(site.export)
    assert (called.count("recordings.get"), report.gone, contents(site.tree)) == (0, 2, before)
    assert site.export(site.folder / "anew").items == ITEMS - 2


def min_admin(site: Site) -> str:
    """The workspace in which recordings may be deleted: the bigger one."""
    kept: list[str] = [item["workspace"] for item in site.truth().values()]
    return max(set(kept), key=kept.count)


def test_never_found_differs_from_deleted_and_may_turn_up(site: Site) -> None:
    """An item that the list names and the provider does not know gets a note with 404; the next run tries again."""
    site.faults(
        {"operation": "recordings.get", "fault": "error_before", "nth": 5, "code": "RECORDING_NOT_FOUND"},
        {"operation": "recordings.get", "fault": "error_before", "nth": 9, "code": "RECORDING_GONE"},
        {"operation": "recordings.action", "fault": "error_before", "nth": 6, "code": "RECORDING_GONE"},
    )
    report = site.export()
    assert (report.verdict, report.items, report.gone) == ("complete", ITEMS - 3, 3)
    assert sorted(notes(site.tree).values()) == [404, 410, 410]
    assert site.shown[-1][4:] == (ITEMS, ITEMS, *site.shown[-1][6:8], 3, 0)
    check_manifest(site.tree)
    site.faults()
    report = site.export()
    assert (report.items, report.gone, report.fetched) == (ITEMS, 0, 3)
    check_truth(site.tree, site.truth())
    check_manifest(site.tree)


def test_one_workspace(site: Site) -> None:
    """`only` walks and fetches that one; a run for another keeps the first; a run for all gets the rest."""
    small, big = sorted({item["workspace"] for item in site.truth().values()}, key=lambda w: w != min_admin(site))[::-1]
    count = sum(item["workspace"] == small for item in site.truth().values())
    report, called = site.watched(lambda: site.export(only=[small]))
    assert (report.items, called.count("recordings.list")) == (count, 1)
    assert not (site.tree / big).exists()
    check_manifest(site.tree)
    kept = contents(site.tree / small)
    report, called = site.watched(lambda: site.export(only=[big]))
    assert (report.items, called.count("recordings.list")) == (ITEMS, 2)
    assert (contents(site.tree / small), check_manifest(site.tree)["items"]) == (kept, ITEMS)
    result = contents(site.tree)
    site.export(site.folder / "all")
    assert contents(site.folder / "all") == result
    lines = (site.tree / "workspaces.jsonl").read_text().splitlines()
    assert [json.loads(line)["workspaceId"] for line in lines] == sorted([small, big])


def test_a_workspace_that_is_not_there(site: Site) -> None:
    """The message names those that are."""
    known = {item["workspace"] for item in site.truth().values()}
    with pytest.raises(InvalidOption) as raised:
        site.export(only=["ws_nowhere"])
    assert all(name in str(raised.value) for name in (*known, "ws_nowhere"))


@pytest.mark.parametrize(
    "name", ["a/b", "..", ".", "", "é", "a b", "CON:", "x" * 500, "a\x00b", "%2E", "\udc80"[:0] + "~", "-rf", ".hidden"]
)
def test_names_are_safe(name: str) -> None:
    """Whatever a provider calls a thing: a file name that stays in its folder, and two things have two."""
    result = safe_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", result)
    assert not result.startswith(".")
    assert len(result) <= MAX_LENGTH
    assert safe_name(name + "x") != result

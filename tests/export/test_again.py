# SPDX-License-Identifier: Apache-2.0
"""Trees that somebody or something has damaged are made whole, and nothing that was had is lost on the way."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from callwell.errors import FileProblem
from tests.export.emulated import ITEMS, check_manifest, check_truth, contents, notes, records

if TYPE_CHECKING:
    from pathlib import Path

    from tests.export.emulated import Site


def videos(site: Site) -> list[Path]:
    """All videos in the tree."""
    return sorted(site.tree.glob("*/recordings/*/video.webm"))


def test_files_that_are_gone_or_cut_are_fetched_again(exported: Site) -> None:
    """And only these: one call for the record, one for the file."""
    site = exported
    before = contents(site.tree)
    gone, cut, grown = videos(site)[:3]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:100])
    grown.write_bytes(grown.read_bytes() + b"x")
    report, called = site.watched(site.export)
    assert (report.verdict, report.fetched) == ("complete", 3)
    assert called.count("recordings.video") == 3
    assert called.count("recordings.thumbnail") == 0
    assert contents(site.tree) == before


def test_a_folder_that_was_deleted_comes_anew(exported: Site) -> None:
    """An item's folder, the records of a workspace, a whole workspace, the manifest."""
    site = exported
    before = contents(site.tree)
    workspaces = sorted(path.parent for path in site.tree.glob("*/recordings.jsonl"))
    shutil.rmtree(videos(site)[0].parent)
    (workspaces[0] / "recordings.jsonl").unlink()
    (site.tree / "manifest.json").unlink()
    site.export()
    shutil.rmtree(workspaces[1])
    site.export()
    assert contents(site.tree) == before


def test_a_damaged_file_of_a_deleted_recording(exported: Site) -> None:
    """What cannot be had again is no more in the record; the rest of it stays, and so does the note."""
    site = exported
    video = next(path for path in videos(site) if len(list(path.parent.iterdir())) == 5 and path.parts[-4] == big(site))
    name = video.parent.name
    site.delete(name)
    video.unlink()
    for _ in range(2):
        report = site.export()
        assert (report.items, report.gone, notes(site.tree)) == (ITEMS, 1, {name: 410})
        record = records(site.tree)[name]
        assert [kind for kind, asset in record["assets"].items() if asset["file"] is None] == ["video"]
        assert len(list(video.parent.iterdir())) == 4
        check_manifest(site.tree)


def big(site: Site) -> str:
    """The workspace in which recordings may be deleted."""
    return max(site.tree.glob("*/recordings.jsonl"), key=lambda path: len(path.read_text())).parent.name


def test_an_item_that_fails_keeps_what_it_had(exported: Site) -> None:
    """A file was lost and cannot be fetched now: the item is named, its other files and its record stay."""
    site = exported
    before = contents(site.tree)
    videos(site)[0].unlink()
    name = videos(site)[0].parent.name
    lost = next(path for path in before if path.endswith("video.webm") and not (site.tree / path).exists())
    site.faults({"operation": "recordings.video", "fault": "error_before", "rate": 1.0, "max_in_row": 100})
    report = site.export()
    assert report.verdict == "failed"
    assert f"{lost.split('/')[0]}/{lost.split('/')[2]}" in report.failed
    assert report.items == ITEMS
    assert name in records(site.tree)
    assert check_manifest(site.tree)["verdict"] == "failed"
    assert contents(site.tree).keys() == before.keys() - {lost}
    site.faults()
    assert site.export().verdict == "complete"
    assert contents(site.tree) == before


def test_items_that_fail_for_good_are_named_and_the_rest_goes_on(site: Site) -> None:
    """A detail that is refused, a file that the storage never gives: two names, and the next run gets both."""
    victims = sorted(name for name, item in site.truth().items() if all(item["assets"].values()))[:1]
    site.faults(
        {"operation": "recordings.get", "fault": "error_before", "nth": 3, "code": "FORBIDDEN", "status": 403},
        {"operation": "recordings.network_log", "fault": "error_before", "nth": list(range(7, 13)), "status": 500},
    )
    report = site.export()
    assert report.verdict == "failed"
    assert 1 <= len(report.failed) <= 4
    assert any("403" in reason for reason in report.failed.values())
    assert report.items == ITEMS - len(report.failed)
    assert site.shown[-1].items + site.shown[-1].failed == site.shown[-1].items_total == ITEMS
    assert {name.split("/")[1] for name in report.failed}.isdisjoint(records(site.tree))
    check_manifest(site.tree)
    site.faults()
    report = site.export()
    assert report.verdict == "complete"
    check_truth(site.tree, site.truth())
    assert victims[0] in records(site.tree)


def test_a_run_for_one_workspace_forgets_nothing_of_the_others(site: Site) -> None:
    """The journal of a broken-off export outlives a run that visits another workspace."""
    site.broken_off(ITEMS - 3)
    first, second = sorted({item["workspace"] for item in site.truth().values()})
    site.export(only=[first])
    report, called = site.watched(site.export)
    assert report.verdict == "complete"
    assert called.count("recordings.get") < ITEMS // 2
    check_truth(site.tree, site.truth())
    assert second in {item["workspace"] for item in site.truth().values()}


@pytest.mark.parametrize("name", ["workspaces.jsonl", "gone.jsonl", "records"])
def test_damaged_lists_are_named(exported: Site, name: str) -> None:
    """A file of records that is not JSON any more ends the run with its name, line and what to do; then it works."""
    site = exported
    before = contents(site.tree)
    path = next(site.tree.glob("*/recordings.jsonl")) if name == "records" else site.tree / name
    path.write_bytes(path.read_bytes() + b'{"half": \n')
    line = path.read_bytes().count(b"\n")
    with pytest.raises(FileProblem) as raised:
        site.export()
    assert str(raised.value).startswith(f"{path}:{line}: damaged")
    path.unlink()
    assert site.export().verdict == "complete"
    assert contents(site.tree) == before


def test_an_old_manifest_is_true_until_the_new_one(exported: Site) -> None:
    """While the next run is under way, or after it broke off, what the manifest says is still so."""
    site = exported
    site.delete(*[path.parent.name for path in videos(site) if path.parts[-4] == big(site)][:3])
    site.broken_off(ITEMS - 1)
    manifest = json.loads((site.tree / "manifest.json").read_bytes())
    there = contents(site.tree)
    assert all(there[file["path"]] == file["sha256"] for file in manifest["files"])

# SPDX-License-Identifier: Apache-2.0
"""A provider that fails, shifts and expires under the export: in the end everything that lasted is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.errors import KeyProblem, NoAnswer
from tests.export.emulated import ITEMS, check_manifest, check_truth, contents, records

if TYPE_CHECKING:
    from tests.export.emulated import Site

SHIFT = {"operation": "recordings.list", "fault": "shifted_page"}

MANY = 18
"""Recordings of a world with lists of three pages and of one."""


def walks(site: Site) -> dict[str, int]:
    """How often each workspace's list was begun."""
    firsts = [
        row for row in site.arrivals() if row["operation"] == "recordings.list" and "page=1&" in row["query"] + "&"
    ]
    paths = [row["path"] for row in firsts]
    return {path: paths.count(path) for path in paths}


def test_a_list_that_moves_once_is_walked_until_two_walks_agree(site: Site) -> None:
    """A recording is deleted behind the walk's back, so that another slips through: three walks, and it is complete."""
    site.reset(recordings=MANY)
    site.faults({**SHIFT, "nth": 2, "seed": 0, "limit": 1})
    report = site.export()
    assert (report.verdict, report.reasons) == ("complete", {})
    assert sorted(walks(site).values()) == [1, 3]
    assert report.gone == 0
    check_truth(site.tree, site.truth())
    check_manifest(site.tree)


def test_a_list_that_never_rests_is_walked_five_times(site: Site) -> None:
    """Every page shifts: the verdict says so, what lasted is there, and what was deleted meanwhile is noted."""
    site.reset(recordings=MANY)
    site.faults({**SHIFT, "rate": 1.0, "seed": 4, "max_in_row": 1_000})
    report = site.export()
    assert report.verdict == "drifted"
    assert max(walks(site).values()) == 5
    assert report.reasons.keys() <= {row["workspace"] for row in site.truth().values()}
    assert all("total changed" in reason or "twice" in reason for reason in report.reasons.values())
    assert report.gone > 0
    check_truth(site.tree, site.truth())
    check_manifest(site.tree)
    site.faults()
    assert site.export().verdict == "complete"
    check_truth(site.tree, site.truth())


def test_pages_that_are_empty_and_say_there_is_more(site: Site) -> None:
    """They end no walk."""
    site.faults({"operation": "recordings.list", "fault": "empty_page", "nth": [2], "limit": 1})
    assert site.export().items == ITEMS
    check_truth(site.tree, site.truth())


def test_a_list_of_workspaces_that_moves_is_part_of_the_verdict(site: Site) -> None:
    """An empty page that says there is more ends well; the list is read again until it is read in peace."""
    site.faults({"operation": "workspaces.list", "fault": "empty_page", "nth": [1], "limit": 1})
    report = site.export()
    assert (report.verdict, report.items) == ("complete", ITEMS)


@pytest.mark.parametrize(
    "faults",
    [
        [{"operation": "*", "fault": "error_before", "rate": 0.15, "seed": 1}],
        [{"operation": "*", "fault": "reset", "rate": 0.1, "seed": 2}],
        [{"operation": "*", "fault": "lost_reply", "rate": 0.1, "seed": 3}],
        [{"operation": "*", "fault": "truncated", "rate": 0.1, "seed": 4}],
        [{"operation": "*", "fault": "early_expiry", "rate": 0.3, "seed": 5}],
        [{"operation": "storage", "fault": "truncated", "rate": 0.3, "seed": 6}],
        [{"operation": "storage", "fault": "early_expiry", "rate": 0.2, "seed": 7}],
        [{"operation": "storage", "fault": "error_before", "rate": 0.1, "seed": 8}],
        [{"operation": "storage", "fault": "reset", "rate": 0.2, "seed": 9}],
        [{"operation": "*", "fault": "throttle_after", "rate": 0.02, "seed": 10, "retry_after_s": 2}],
    ],
    ids=lambda faults: f"{faults[0]['operation']} {faults[0]['fault']}",
)
def test_every_fault_is_survived(site: Site, calm: dict[str, str], faults: list[dict[str, object]]) -> None:
    """The tree is whole, right to the byte, and the same as without faults."""
    site.faults(*faults)
    report = site.export()
    assert (report.verdict, report.items, report.failed) == ("complete", ITEMS, {})
    assert sum(site.counts()["by_fault"].values()) > 0
    check_truth(site.tree, site.truth())
    assert contents(site.tree) == calm


def test_urls_that_live_for_a_moment(site: Site) -> None:
    """Every signed URL lives one second: it is used at once, so that this is nothing special."""
    site.reset(url_life_s=10)
    assert site.export().verdict == "complete"
    check_truth(site.tree, site.truth())


def test_a_file_that_the_storage_never_gives(site: Site) -> None:
    """A file that breaks off for ever fails by itself; the items beside it are fetched."""
    site.faults({"operation": "storage", "fault": "error_before", "status": 403, "nth": list(range(20, 31))})
    report = site.export()
    assert report.items + len(report.failed) == ITEMS
    assert report.verdict == ("failed" if report.failed else "complete")
    check_manifest(site.tree)
    site.faults()
    assert site.export().verdict == "complete"
    check_truth(site.tree, site.truth())


def test_a_dead_key_ends_the_export_and_a_new_one_goes_on(site: Site) -> None:
    """It stops with the key as the reason, and keeps what it has."""
    done = ITEMS // 3
    site.broken_off(done)
    new = site.control("/keys/rotate", {})["key"]
    with pytest.raises(KeyProblem):
        site.export()
    site.key_file.write_text(new)
    report, called = site.watched(site.export)
    assert (report.verdict, report.items) == ("complete", ITEMS)
    assert called.count("recordings.get") <= ITEMS - done + 3
    check_truth(site.tree, site.truth())
    assert site.counts()["keys_seen_elsewhere"] == 0


def test_a_provider_that_is_not_there(site: Site) -> None:
    """It stops with the network as the reason; a folder that was made is an export of ours that never began."""
    with pytest.raises(NoAnswer):
        site.export(base_url="http://127.0.0.1:9/api/v1")
    assert contents(site.tree).keys() == {"callwell-export.json"}


def test_a_resumed_walk_delivers_every_page_once(site: Site) -> None:
    """Broken off before the first file, it goes on with what was walked and asks for no page twice."""
    site.reset(recordings=MANY)
    site.broken_off(1)
    pages = len([row for row in site.arrivals() if row["operation"] == "recordings.list"])
    report, called = site.watched(site.export)
    assert (report.verdict, report.items) == ("complete", MANY)
    assert (pages, called.count("recordings.list")) == (4, 0)
    assert len(records(site.tree)) == MANY

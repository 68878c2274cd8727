# SPDX-License-Identifier: Apache-2.0
"""The faults of the script strike here too, and what they leave behind is what they say."""

from __future__ import annotations

from http.client import BadStatusLine, RemoteDisconnected
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.apivideo.harness import PIECE, Site, error_slug
from tests.emulator.harness import fetch

if TYPE_CHECKING:
    from tests.emulator.harness import HttpResponse, Json


def struck(site: Site, fault: str, **more: Any) -> None:
    """Let the next creation suffer."""
    site.emulated.faults({"operation": "videos.create", "fault": fault, "nth": 1, **more})


def create(site: Site) -> HttpResponse:
    """Make a container."""
    return site.call("POST", "/videos", {"title": "x"})


def there(site: Site) -> int:
    """How many videos there are."""
    return len(site.call("GET", "/videos").json["data"])


@pytest.mark.parametrize(("fault", "left"), [("lost_reply", 1), ("reset", 0)])
def test_connections_that_break(site: Site, fault: str, left: int) -> None:
    """After a lost reply the video is there, after a reset it is not."""
    struck(site, fault)
    with pytest.raises((ConnectionResetError, RemoteDisconnected, BadStatusLine)):
        create(site)
    assert there(site) == left


def test_an_effect_that_comes_late(site: Site) -> None:
    """The connection ends at once, and the video is there when the clock has come so far, not before."""
    struck(site, "late_effect", delay_s=40)
    with pytest.raises((ConnectionResetError, RemoteDisconnected, BadStatusLine)):
        create(site)
    assert there(site) == 0
    site.emulated.control("/clock", {"advance_s": 39})
    assert there(site) == 0
    site.emulated.control("/clock", {"advance_s": 2})
    assert any(there(site) for _ in range(500))
    counts = site.emulated.control("/ledger")["apivideo/production"]["counts"]
    assert (counts["by_fault"], counts["commits"]) == ({"late_effect": 1}, 1)


@pytest.mark.parametrize(("fault", "left"), [("error_before", 0), ("error_after", 1)])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_errors_before_and_after(site: Site, fault: str, left: int, status: int) -> None:
    """An error says nothing about whether something was done."""
    struck(site, fault, status=status)
    answer = create(site)
    assert answer.status == status
    assert answer.headers["x-ratelimit-limit"]
    assert there(site) == left


def test_a_part_whose_reply_was_lost_is_there(site: Site) -> None:
    """The status shows it, and sending it again is an error that costs its bytes."""
    video_id = site.video()
    path = f"/videos/{video_id}/source"
    site.emulated.faults({"operation": "videos.upload", "fault": "lost_reply", "nth": 1})
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        site.upload_form(path, b"x" * PIECE, part="part 1/2")
    assert site.status(video_id)["ingest"]["receivedParts"] == {"parts": [1], "total": 2}
    again = site.upload_form(path, b"x" * PIECE, part="part 1/2")
    assert error_slug(again) == "video-content-range-by-part-part-already-sent"
    assert site.counts()["resent_bytes"] == PIECE


def test_the_same_part_is_one_call(site: Site) -> None:
    """A part that is sent again after an error is the same call, though its delimiter is another."""
    video_id = site.video()
    site.emulated.faults({"operation": "videos.upload", "fault": "error_before", "nth": 1})
    for _ in range(2):
        site.upload_form(f"/videos/{video_id}/source", b"x" * PIECE, part="part 1/2")
    counts = site.counts()
    assert (counts["attempts"], counts["calls"]) == (3, 2)


@pytest.mark.parametrize(("fault", "header"), [("throttle", None), ("throttle_after", "7")])
def test_storms(site: Site, fault: str, header: str | None) -> None:
    """A 429 of the script names no time, or its own; nothing is done."""
    struck(site, fault, **({"retry_after_s": 7} if header else {}))
    answer = create(site)
    assert (answer.status, error_slug(answer)) == (429, "too-many-requests")
    assert answer.headers.get("x-ratelimit-retry-after") == header
    assert "retry-after" not in answer.headers
    assert there(site) == 0


@pytest.mark.parametrize(
    ("value", "header"), [("past", "0"), ("huge", "99999999999999"), ("negative", "-60"), ("text", "soon")]
)
def test_times_that_nobody_can_obey(site: Site, value: str, header: str) -> None:
    """The quota headers are false."""
    struck(site, "lying_header", value=value)
    answer = create(site)
    assert (answer.status, answer.headers["x-ratelimit-retry-after"]) == (429, header)


def test_spoiled_bodies(site: Site) -> None:
    """A body that breaks off, or is garbage, comes after the effect."""
    struck(site, "garbage_body")
    with pytest.raises(ValueError, match=r"decode|Expecting|utf"):
        assert create(site).json
    assert there(site) == 1


def test_storage_faults_strike_assets(site: Site) -> None:
    """Assets are struck by the rules for storage, and by no rule for operations."""
    video_id = site.video()
    url = site.call("GET", f"/videos/{video_id}").json["assets"]["player"]
    site.emulated.faults(
        {"operation": "storage", "fault": "error_before", "nth": 1, "status": 503},
        {"operation": "*", "fault": "error_before", "rate": 1, "max_in_row": 99},
    )
    assert [fetch(url).status, fetch(url).status] == [503, 200]
    rows: Json = [row for row in site.emulated.rows() if row["place"] == "storage"]
    assert [row["fault"] for row in rows] == ["error_before", None]


def test_codes_of_the_script(site: Site) -> None:
    """Any documented error can be scripted."""
    struck(site, "error_before", code="authorization-suspended-account")
    assert (create(site).status, there(site)) == (403, 0)


def test_faults_that_it_does_not_have(site: Site) -> None:
    """A fault about pages is refused: it could never strike."""
    rule = {"operation": "videos.list", "fault": "cycle", "nth": 1, "provider": "apivideo"}
    answer = site.emulated.control_response("/faults", [rule])
    assert (answer.status, "nothing here" in answer.json["error"]) == (400, True)


def test_faults_strike_one_environment(site: Site) -> None:
    """A rule that names an environment leaves the other alone."""
    struck(site, "error_before", provider="apivideo/sandbox")
    assert create(site).status == 201
    assert create(Site(site.emulated, "sandbox")).status >= 500

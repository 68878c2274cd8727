# SPDX-License-Identifier: Apache-2.0
"""The emulated api.video against the recovered facts, row by row: operations, filters, limits, quotas, errors, choices.

What a row says is asked of the emulator, here or by the test that is named; a row that nobody looks at fails.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell.emulator.apivideo import (
    ingest,
    languages,
    live,
    news,
    options,
    players,
    probe,
    ranges,
    thumbnails,
    webhooks,
)
from callwell.emulator.apivideo.account import DISCARDED_KEPT_S, SANDBOX_KEPT_S, UNFINISHED_KEPT_S
from callwell.emulator.apivideo.deliveries import BETWEEN_S, TRIES
from callwell.emulator.apivideo.problems import SLUGS
from callwell.emulator.apivideo.routes import ROUTES
from callwell.emulator.apivideo.upload_tokens import LONGEST_S
from clips import clip
from tests.emulator.apivideo import test_problems
from tests.emulator.apivideo.playing import JPEG, VTT, Site, slug
from tests.emulator.apivideo.schemas import operations
from tests.emulator.apivideo.test_operations import perform

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CELLS: Final = re.compile(r"(?<= )\|(?= )")
WORDS: Final = re.compile(r"GET|POST|PATCH|PUT|DELETE|same|/[\w{}/-]+")
FAMILIES: Final = ("uploaded-file", "video-source", "video-content-range")
"""What the short forms of the table of errors are short for."""


@pytest.fixture(scope="module")
def facts(shared: Path) -> str:
    """The recovered facts."""
    file = shared / "providers" / "apivideo.md"
    if not file.is_file():
        pytest.skip("no recovered facts in ../shared")
    return file.read_text("utf-8")


def part(facts: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}.*?$(.*?)(?=^#+ |\Z)", facts, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def table(text: str) -> list[list[str]]:
    """The cells of the first table, without its head."""
    lines = [line.removeprefix("|").removesuffix("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in CELLS.split(line)] for line in lines[2:]]


def documented(facts: str) -> dict[tuple[str, str], int]:
    """Section 3: every operation with its status."""
    found: dict[tuple[str, str], int] = {}
    for _, cell, success, _ in table(part(facts, "3. Operations")):
        statuses, places, methods, path = re.findall(r"\d{3}", re.sub(r", or 202.*?\*\*", "", success)), [], [], ""
        for word in WORDS.findall(cell):
            if not (word.startswith("/") or word == "same"):
                methods.append(word)
                continue
            path = path if word == "same" else word.partition("?")[0]
            places += [(method, path) for method in methods]
            methods = []
        assert len(statuses) in (1, len(places)), cell
        each = statuses if len(statuses) > 1 else statuses * len(places)
        found |= {place: int(status) for place, status in zip(places, each, strict=True)}
    return found


def test_every_operation_is_served_and_no_other(facts: str) -> None:
    """59 operations at their paths."""
    assert documented(facts).keys() == {(route.method, route.path) for route in ROUTES}
    assert len(documented(facts)) == 59


def test_every_operation_has_its_status(facts: str, apivideo: Callable[..., Site]) -> None:
    """What each answers with when it succeeds; one status is wrong in no row."""
    site, names = apivideo(video_restore="true"), {(route.method, route.path): route.operation for route in ROUTES}
    for place, status in documented(facts).items():
        assert perform(site, names[place]).status == status, place


def test_what_is_paged_is_what_is_marked(facts: str) -> None:
    """Every operation with a `P` has pages, and no other."""
    cells = " | ".join(row[1] for row in table(part(facts, "3. Operations")))
    marked = set(re.findall(r"GET (/[\w{}/-]+) `P`", cells))
    paged = {
        path
        for (method, path), about in operations().items()
        if method == "GET" and any("urrent" in str(one) for one in about.get("parameters", ()))
    }
    assert marked == paged
    assert len(marked) == 13


def test_filters_and_orders(facts: str, site: Site) -> None:
    """Every list takes the orders that are documented and no other; each filter that is named is one of these."""
    text = part(facts, "List filters")
    orders = {
        "/videos": "title|createdAt|publishedAt|updatedAt",
        "/tags": "value|videoCount",
        "/upload-tokens": "createdAt|ttl",
        "/live-streams": "name|createdAt|updatedAt",
        "/watermarks": "createdAt",
        "/summaries": "createdAt|updatedAt|videoId",
    }
    assert all(f"{path}" in text and words in text for path, words in orders.items())
    assert "/players: same sortBy" in text
    for path, words in (orders | {"/players": orders["/live-streams"], "/discarded/videos": orders["/videos"]}).items():
        for word in words.split("|"):
            assert all(
                site.call("GET", f"{path}?sortBy={word}&sortOrder={way}").status == 200 for way in ("asc", "desc")
            )
        assert slug(site.call("GET", f"{path}?sortBy=size")) == "request-invalid-query-parameter"
    named = set(re.findall(r"`([\w\[\]=.]+)`", text))
    of_lists = {"title", "tags[]", "metadata[key]=value", "description", "liveStreamId", "value", "streamKey", "name"}
    of_lists |= {"events", "videoId", "origin", "sourceStatus", "sortBy", "sortOrder"}  # test_lists.py
    of_analytics = {"from", "to", "unique", "viewDuration", "interval", "filterBy[...]"}  # test_analytics.py
    assert named == of_lists | of_analytics | {"filterBy[browser][]="}


def limits() -> dict[str, Any]:
    """By the row of section 4: what it must say, and what the emulator has."""
    mib = 1 << 20
    return {
        "single request, no chunking": ("200 MiB (209,715,200 B)", 200 * mib == ranges.PIECE_MOST),
        "chunk, every one but the last": (">= 5 MiB (5,242,880 B), <= 200 MiB", 5 * mib == ranges.PIECE_LEAST),
        "last chunk": ("0..200 MiB", True),
        "parts per video": ("10,000", ranges.PARTS_MOST == 10_000),
        "`bytes` form total": ("<= 52,428,800,000 B; highest", ranges.BYTES_MOST == 52_428_800_000),
        "video size": ("30 GiB", options.AccountOptions().largest_video == 30 << 30),
        "video length": ("1440 minutes (24 h)", probe.DAY_S == 1440 * 60),
        "time to finish an upload/download/copy": ("7 days (168 h)", UNFINISHED_KEPT_S == 168 * 3600),
        "empty video container": ("deleted after 7 days", UNFINISHED_KEPT_S == 7 * 86_400),
        "thumbnail": ("8 MiB", 8 * mib == thumbnails.MOST_BYTES),
        "player logo": ("100 KiB, 200x100 px", players.LOGO_BYTES_MOST == 100 << 10),
        "restreams per live stream": ("5", live.RESTREAMS_MOST == 5),
    }


def test_limits(facts: str) -> None:
    """Every limit of section 4 is the emulator's, and no row is new."""
    rows = {row[0]: row[1] for row in table(part(facts, "Limits"))}
    known = limits()
    assert rows.keys() == known.keys() | {"chunk size inside clients"}
    for name, (words, kept) in known.items():
        assert words in rows[name], name
        assert kept, name


def test_small_files_have_their_limits(site: Site) -> None:
    """A byte more than a thumbnail or a logo may have is refused, a byte less is taken."""
    video, player = site.video(), site.call("POST", "/players", {}).json["playerId"]
    for path, most in ((f"/videos/{video}/thumbnail", 8 << 20), (f"/players/{player}/logo", 100 << 10)):
        fits, longer = (JPEG + bytes(most - len(JPEG) + more) for more in (0, 1))
        assert site.put(path, fits).status in (200, 201)
        assert slug(site.put(path, longer)) == "uploaded-file-too-large"


def test_what_a_player_theme_or_a_stream_cannot_be(site: Site) -> None:
    """Five restreams at most, times to live within their bounds."""
    restream = {"name": "r", "serverUrl": "rtmp://x", "streamKey": "k"}
    assert site.call("POST", "/live-streams", {"name": "s", "restreams": [restream] * 5}).status == 200
    assert site.call("POST", "/live-streams", {"name": "s", "restreams": [restream] * 6}).status == 400
    for ttl, status in ((0, 200), (LONGEST_S, 200), (LONGEST_S + 1, 400), (-1, 400)):
        assert site.call("POST", "/upload-tokens", {"ttl": ttl}).status == status


def test_quotas(facts: str) -> None:
    """Section 5: each class of each environment; `test_environments.py` counts them."""
    rows = {row[0]: row[1:] for row in table(part(facts, "5. Rate limits"))}
    for place, environment in enumerate(("sandbox", "production")):
        most = tuple(int(rows[name][place]) for name in ("Uploads", "Writes", "Reads"))
        assert most == options.LIMITS[environment]
    assert len(rows) == 3


def slugs(facts: str) -> dict[str, int]:
    """Section 7: every slug with its status; short forms are spelt out."""
    found: dict[str, int] = {}
    for status, cell, *_ in table(part(facts, "7. Errors")):
        family = ""
        for name in re.findall(r"`(-?[a-z-]+)`", cell.split("(page slug")[0]):
            if name.endswith("-"):
                family = name
            elif name.startswith("-"):
                found[family.rstrip("-") + name] = int(status)
            else:
                found[family + name if family.endswith("-") else name] = int(status)
                family = family or next((one for one in FAMILIES if name.startswith(one)), "")
    return found


def test_every_error_is_known_and_met(facts: str) -> None:
    """Each slug has its status and a case that meets it, and there is no other; the titles that are given are used."""
    assert slugs(facts) == {name: status for name, (status, _) in SLUGS.items()}
    assert len(slugs(facts)) == 52
    assert slugs(facts).keys() == test_problems.CASES.keys() | test_problems.TOO_LONG_FOR_A_SOCKET
    given = {title for row in table(part(facts, "7. Errors")) for title in re.findall(r'"([A-Z][^"]+\.)"', row[2])}
    titles = {title for _, title in SLUGS.values()}
    elsewhere = {
        "An attribute is invalid.", "This attribute must be an array.", "The requested resource was not found.",
        "Only [jpeg, jpg, JPG, JPEG] extensions are supported.",
    }  # fmt: skip
    assert given <= titles | elsewhere


def test_events(facts: str, site: Site) -> None:
    """Section 8: six events, the signature and the tries of a delivery."""
    text = part(facts, "8. Objects worth care")
    (words,) = re.findall(r"Six events: (.*?), video.encoding", text)
    assert [*words.replace(", .ended", ", live-stream.broadcast.ended").split(", ")] == list(webhooks.EVENTS[:3])
    assert all(event in text for event in webhooks.EVENTS[3:])
    assert len(webhooks.EVENTS) == 6
    assert "3 retries, 3 seconds apart" in text
    assert (TRIES - 1, BETWEEN_S) == (3, 3.0)
    made = site.call("POST", "/webhooks", {"events": list(webhooks.EVENTS), "url": "http://127.0.0.1:1/"}).json
    assert re.fullmatch(r"sig_sec_\w{22}", made["signatureSecret"])
    assert site.call("GET", f"/webhooks/{made['webhookId']}").json == made


def test_ids_and_dates(facts: str, site: Site) -> None:
    """Prefixes with 22 characters after them, dates with an offset, the shapes of assets."""
    assert "`vi`, `li`, `pl`, `to`" in facts
    video = site.call("GET", f"/videos/{site.video()}").json
    made = [
        ("vi", video["videoId"]),
        ("li", site.call("POST", "/live-streams", {"name": "x"}).json["liveStreamId"]),
        ("pl", site.call("POST", "/players", {}).json["playerId"]),
        ("to", site.call("POST", "/upload-tokens", {}).json["token"]),
        ("watermark_", site.put("/watermarks", JPEG).json["watermarkId"]),
        ("summary_", site.call("POST", "/summaries", {"videoId": video["videoId"]}).json["summaryId"]),
    ]
    assert all(re.fullmatch(rf"{prefix}[A-Za-z0-9]{{22}}", name) for prefix, name in made)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", video["createdAt"])
    shapes = ["", "/hls/manifest.m3u8", "/thumbnail.jpg", "/mp4/source.mp4"]
    assert [video["assets"][name] for name in ("player", "hls", "thumbnail", "mp4")] == [
        f"{site.base}/vod/{video['videoId']}{shape}" for shape in shapes
    ]
    assert (video["public"], video["panoramic"], video["mp4Support"]) == (True, False, True)
    assert len(languages.LANGUAGES) == 33


def test_what_is_set_at_creation_alone(site: Site) -> None:
    """A clip cannot be set later: naming it changes nothing."""
    video = site.video()
    site.call("PATCH", f"/videos/{video}", {"clip": {"startTimecode": "00:00:01"}})
    site.put(f"/videos/{video}/source", clip(seconds=2))
    site.settle()
    assert site.status(video)["encoding"]["metadata"]["duration"] == 2


def test_the_sandbox(facts: str, apivideo: Callable[..., Site]) -> None:
    """Section 8 and 12: what is kept for how long; a broadcast is over after half an hour."""
    text = part(facts, "Sandbox [D]")
    for words in ("30-second cap", "unremovable watermark", "deletion 24 h", "stops after 30 minutes"):
        assert words in text
    assert (ingest.SANDBOX_S, SANDBOX_KEPT_S, news.SANDBOX_LONGEST_S) == (30, 86_400, 1_800)
    for environment, broadcasting in (("sandbox", False), ("production", True)):
        site = apivideo(environment)
        stream = site.call("POST", "/live-streams", {"name": "x"}).json["liveStreamId"]
        site.told("broadcast", {"liveStreamId": stream, "broadcasting": True})
        site.emulated.control("/clock", {"advance_s": 1_790})
        assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is True
        site.emulated.control("/clock", {"advance_s": 11})
        assert site.call("GET", f"/live-streams/{stream}").json["broadcasting"] is broadcasting
        found = site.call("GET", f"/videos?liveStreamId={stream}").json["data"]
        assert len(found) == (not broadcasting)


def test_what_live_tests_assert(facts: str, site: Site) -> None:
    """Section 10: what the provider's own tests have seen; rows that the conformance suites or other files hold."""
    video = site.video()
    status = site.status(video)
    assert (status.get("ingest"), status["encoding"]["playable"]) == (None, False)
    picked = site.call("PATCH", f"/videos/{video}/thumbnail", {"timecode": "00:15:22.05"})
    assert picked.json["assets"]["thumbnail"].endswith("/thumbnail.jpg")
    path = f"/videos/{video}/captions/en"
    assert site.call("GET", path).status == 404
    assert site.put(path, VTT).json["default"] is False
    assert site.call("PATCH", path, {"default": True}).json["default"] is True
    site.call("DELETE", path)
    assert site.call("GET", path).status == 404
    stream = site.call("POST", "/live-streams", {"name": "x"}).json
    place = f"/live-streams/{stream['liveStreamId']}/thumbnail"
    site.put(place, JPEG)
    assert site.call("DELETE", place).json["assets"]["thumbnail"].endswith("/thumbnail.jpg")
    watermark = site.put("/watermarks", JPEG).json["watermarkId"]
    marked = site.video(watermark={"id": watermark})
    assert site.call("DELETE", f"/videos/{marked}").status == 204
    assert site.call("DELETE", f"/watermarks/{watermark}").status == 204
    looked_at = {
        "empty container", "thumbnail can be uploaded or picked", "thumbnail asset keeps", "caption: `default`",
        "deleting a video that has a watermark",
    }  # fmt: skip
    elsewhere = {
        "new videos are listed at once": "test_lists", "list by metadata returns": "test_lists",
        "tag removed by PATCH": "test_operations", "after `1/*`": "test_uploads", "after a plain upload": "test_ingest",
        "an image sent as": "test_ingest", "player theme": "test_operations", "webhooks: several": "test_webhooks",
        "upload with token needs": "test_uploads", "token ttl echoed": "test_uploads",
    }  # fmt: skip
    rows = [row[0] for row in table(part(facts, "10. What the live tests"))]
    unseen = [row for row in rows if not any(row.startswith(one) for one in looked_at | elsewhere.keys())]
    assert unseen == []


def test_choices_where_papers_contradict(facts: str, site: Site) -> None:
    """Section 12: every proposed choice is taken."""
    rows = {row[0]: row[3] for row in table(part(facts, "12. Contradictions"))}
    given = site.call("GET", "/videos?pageSize=1").json["pagination"]["links"][0]["uri"]
    token = site.call("POST", "/auth/api-key", {"apiKey": site.key}).json
    refused = site.call("POST", "/auth/refresh", {"refreshToken": "none"})
    taken = {
        "max video": ranges.BYTES_MOST == 52_428_800_000 and options.AccountOptions().largest_video == 30 << 30,
        "pageSize": site.call("GET", "/videos?pageSize=1").status == 200,
        "link uri": given.startswith("/videos?") and "pageSize=1" in given,
        "404 title": site.call("GET", "/videos/x").json["title"] == "The requested resource could not be found.",
        "bad API key at /auth/api-key": site.call("POST", "/auth/api-key", {"apiKey": "x"}).status == 400,
        "bad refresh token": refused.status == 400 and options.AccountOptions().refresh_status == 400,
        "query-error slug": slug(site.call("GET", "/videos?sortBy=x")) == "request-invalid-query-parameter",
        "ingest states": site.status(site.upload(b"x"))["ingest"]["status"] == "ingested",
        "sandbox live stream": news.SANDBOX_LONGEST_S == 30 * 60,
        "deletesAt": DISCARDED_KEPT_S == 90 * 86_400,
        "token_type": token["token_type"] == "Bearer",
    }
    assert rows.keys() == taken.keys()
    assert [topic for topic, kept in taken.items() if not kept] == []

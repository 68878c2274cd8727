# SPDX-License-Identifier: Apache-2.0
"""Every documented error can be met, with its status and its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.apivideo.replies import SLUGS
from tests.emulator.apivideo.harness import JPEG, MIB, PIECE, Site, basic_header, error_slug, form

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import HttpResponse

SOURCE = "/videos/{}/source"
PART = "video-content-range-by-part-"
BYTES = "video-content-range-by-bytes-"
BIG = b"x" * PIECE
LIMIT = 52_428_800_000


def sent(*pieces: tuple[str | None, bytes]) -> Callable[[Site], HttpResponse]:
    """Send these pieces (header, content) to one container; the response to the last."""

    def act(site: Site) -> HttpResponse:
        video_id = site.video()
        answers = [site.upload_form(SOURCE.format(video_id), content, part=header) for header, content in pieces]
        assert all(answer.status == 201 for answer in answers[:-1])
        return answers[-1]

    return act


def filed(path: str, *parts: tuple[str, str | None, bytes]) -> Callable[[Site], HttpResponse]:
    """Send a form to a path of a new video."""

    def act(site: Site) -> HttpResponse:
        body, headers = form(*parts)
        return site.call("POST", path.format(site.video()), body, headers=headers)

    return act


def asked(method: str, path: str, body: Any = None, **headers: str) -> Callable[[Site], HttpResponse]:
    """One request."""
    return lambda site: site.call(method, path, body, headers=headers)


def let_in(**headers: str) -> Callable[[Site], HttpResponse]:
    """A request with these headers alone."""
    return lambda site: site.call("GET", "/videos", headers=headers, without_key=True)


def with_option(act: Callable[[Site], HttpResponse], **options: Any) -> Callable[[Site], HttpResponse]:
    """The same with some options changed."""

    def changed(site: Site) -> HttpResponse:
        site.reset(**options)
        return act(site)

    return changed


def brought(origin: str | None) -> Callable[[Site], HttpResponse]:
    """Upload into a video that came from elsewhere: another video, or an address."""

    def act(site: Site) -> HttpResponse:
        source = origin or site.upload(b"not a video")
        result = site.call("POST", "/videos", {"title": "x", "source": source})
        assert result.status == 202
        return site.upload_form(SOURCE.format(result.json["videoId"]), b"x")

    return act


def summarised_twice(site: Site) -> HttpResponse:
    """Ask for two summaries of one video."""
    arguments = {"videoId": site.video(), "origin": "auto"}
    assert site.call("POST", "/summaries", arguments).status == 201
    return site.call("POST", "/summaries", arguments)


CASES: dict[str, Callable[[Site], HttpResponse]] = {
    "attribute-required": asked("POST", "/videos", {}),
    "invalid-attribute": asked("POST", "/videos", {"title": "x", "tags": "y"}),
    "invalid-payload": asked("POST", "/videos", b"{"),
    "request-invalid-query-parameter": asked("GET", "/videos?sortBy=age"),
    "webhook-limit-reached": with_option(
        asked("POST", "/webhooks", {"events": ["video.source.recorded"], "url": "http://127.0.0.1/"}), max_webhooks=0
    ),
    "authentication-invalid-user-credentials": asked("POST", "/auth/api-key", {"apiKey": "wrong"}),
    "uploaded-file-empty": sent((None, b"")),
    "uploaded-file-invalid-file": filed("/videos/{}/thumbnail", ("file", "file", b"no picture")),
    "uploaded-file-multiple-files": filed(SOURCE, ("file", "a", b"a"), ("file", "b", b"b")),
    "uploaded-file-no-file": filed(SOURCE, ("videoId", None, b"x")),
    "uploaded-file-too-large": with_option(sent((None, b"xx")), max_video_bytes=1),
    "uploaded-file-extension-invalid": filed("/videos/{}/thumbnail", ("file", "picture.bmp", JPEG)),
    "video-source-already-uploaded": sent((None, b"x"), (None, b"x")),
    "video-source-already-copied": brought(None),
    "video-source-already-downloaded": brought("http://127.0.0.1:1/x.mp4"),
    "video-content-range-malformed": sent(("part 1 of 2", b"x")),
    "video-content-range-already-initiated": sent(("part 1/2", BIG), (None, b"x")),
    "video-content-range-started-with-bytes": sent((f"bytes 0-{PIECE - 1}/{PIECE + 1}", BIG), ("part 2/2", b"x")),
    "video-content-range-started-with-part": sent(("part 1/2", BIG), (f"bytes {PIECE}-{PIECE}/{PIECE + 1}", b"x")),
    f"{BYTES}different-total-bytes": sent(
        (f"bytes 0-{PIECE - 1}/{PIECE + 1}", BIG), (f"bytes {PIECE}-{PIECE}/{PIECE + 2}", b"x")
    ),
    f"{BYTES}from-byte-too-high": sent(("bytes 5-4/10", b"x")),
    f"{BYTES}range-mismatch": sent(("bytes 0-9/10", b"x")),
    f"{BYTES}range-overlap": sent((f"bytes 0-{PIECE - 1}/{PIECE + 1}", BIG), (f"bytes 0-{PIECE - 1}/{PIECE + 1}", BIG)),
    f"{BYTES}range-too-small": sent(("bytes 0-0/10", b"x")),
    f"{BYTES}to-byte-too-high-allowed": sent((f"bytes 0-{LIMIT}/{LIMIT + 1}", b"x")),
    f"{BYTES}to-byte-too-high-total": sent(("bytes 0-10/10", b"x")),
    f"{BYTES}total-bytes-too-high": sent((f"bytes 0-9/{LIMIT + 1}", b"x")),
    f"{BYTES}total-bytes-too-low": sent((f"bytes 9-{PIECE + 8}/{PIECE + 99}", BIG), ("bytes 0-8/9", b"x" * 9)),
    f"{BYTES}total-bytes-zero": sent(("bytes 0-0/0", b"x")),
    f"{PART}different-total-parts": sent(("part 1/2", BIG), ("part 2/3", BIG)),
    f"{PART}part-already-sent": sent(("part 1/2", BIG), ("part 1/2", BIG)),
    f"{PART}part-too-high-allowed": sent(("part 10001/*", b"x")),
    f"{PART}part-too-high-total": sent(("part 3/2", b"x")),
    f"{PART}part-zero": sent(("part 0/2", b"x")),
    f"{PART}total-parts-too-high": sent(("part 1/10001", b"x")),
    f"{PART}total-parts-too-low": sent(("part 3/*", BIG), ("part 1/2", BIG)),
    f"{PART}total-parts-zero": sent(("part 1/0", b"x")),
    f"{PART}uploaded-file-too-small": sent(("part 1/2", b"x")),
    "authentication-invalid-api-key": let_in(**basic_header("wrong")),
    "authentication-invalid-access-token": let_in(Authorization="Bearer wrong"),
    "authentication-invalid-upload-token": asked("POST", "/upload?token=wrong"),
    "authentication-invalid-refresh-token": with_option(
        asked("POST", "/auth/refresh", {"refreshToken": "wrong"}), refresh_status=401
    ),
    "authentication-invalid-authorization-header-value": let_in(Authorization="Basic x"),
    "authentication-missing-authorization-header": let_in(),
    "authentication-missing-upload-token": asked("POST", "/upload"),
    "authorization-suspended-account": with_option(asked("GET", "/videos"), suspended=True),
    "resource-not-found": asked("GET", "/videos/viNone"),
    "unrecognized-request-url": asked("GET", "/nothing"),
    "method-not-allowed": asked("PUT", "/videos"),
    "summary-already-exists": summarised_twice,
    "too-many-requests": with_option(lambda site: [site.call("GET", "/videos") for _ in range(2)][-1], reads=1),
}
# Its file would be 200 MiB: `test_ranges.py` has it.
TOO_LONG_FOR_A_SOCKET = {f"{BYTES}range-too-large"}


def test_every_slug_has_a_case() -> None:
    """The table of cases is as long as the table of errors."""
    assert CASES.keys() | TOO_LONG_FOR_A_SOCKET == SLUGS.keys()


@pytest.mark.parametrize("name", CASES)
def test_errors(site: Site, name: str) -> None:
    """Each error is answered with its own status, type and title."""
    answer = CASES[name](site)
    assert (answer.status, error_slug(answer)) == (SLUGS[name][0], name)
    assert answer.json["status"] == answer.status
    assert answer.json["title"]
    assert answer.headers["content-type"] == "application/json"
    assert "retry-after" not in answer.headers


def test_several_problems_at_once(site: Site) -> None:
    """All that is wrong with a body is reported, the first of it also at the top."""
    reported = site.call("POST", "/videos", {"tags": "x", "public": 1}).json
    assert {problem["name"] for problem in reported["problems"]} == {"title", "public", "tags"}
    assert (reported["name"], reported["type"]) == (reported["problems"][0]["name"], reported["problems"][0]["type"])
    assert all("status" not in problem for problem in reported["problems"])


@pytest.mark.parametrize(
    ("language", "detail"),
    [("e_n", "letters and dashes"), ("xx", "not valid"), (7, "letters and dashes")],
)
def test_languages(site: Site, language: Any, detail: str) -> None:
    """A language that cannot be, or is none of the 33, is refused with a sentence that says so."""
    reported = site.call("POST", "/videos", {"title": "x", "language": language}).json
    assert reported["name"] == "language"
    assert detail in reported["detail"]


def test_norwegian_is_no_word_for_false(site: Site) -> None:
    """The language `no` is one like the others."""
    assert site.call("POST", "/videos", {"title": "x", "language": "no"}).json["language"] == "no"


def test_pages_out_of_range(site: Site) -> None:
    """A page that cannot be has an error of its own shape, with ranges and without a type."""
    answer = site.call("GET", "/videos?currentPage=0&pageSize=101")
    assert answer.status == 400
    assert [(each["name"], each["range"]) for each in answer.json["problems"]] == [
        ("page", {"min": 1}),
        ("pageSize", {"min": 1, "max": 100}),
    ]
    assert "type" not in answer.json


def test_a_form_that_is_cut_off(site: Site) -> None:
    """A form without its end is refused, and nothing comes of it."""
    video_id = site.video()
    body, headers = form(("file", "a", b"x" * MIB))
    answer = site.call("POST", SOURCE.format(video_id), body[:-20], headers=headers)
    assert error_slug(answer) == "invalid-payload"
    assert "ingest" not in site.status(video_id)

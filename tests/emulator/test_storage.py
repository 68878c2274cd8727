# SPDX-License-Identifier: Apache-2.0
"""Storage by S3's rules: signatures, ranges, conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from callwell.emulator.messages import IncomingRequest
from callwell.emulator.signed_urls import UrlSigner, UrlStatus
from callwell.emulator.storage import StoredObject, serve_object
from tests.emulator.harness import fetch

if TYPE_CHECKING:
    from tests.emulator.harness import Emulated, HttpResponse

BODY = bytes(range(100))
ASSET = StoredObject(BODY, "video/webm", sha256(BODY).hexdigest(), datetime(2026, 3, 2, 8, 0, 0, 500, tzinfo=UTC))
MODIFIED = "Mon, 02 Mar 2026 08:00:00 GMT"


def video_url(emulated: Emulated) -> str:
    """A signed URL of some video."""
    root = emulated.workspaces()[0]
    recording = emulated.call(f"{root}/recordings").data["recordings"][0]["recordingId"]
    return str(emulated.call(f"{root}/recordings/{recording}/video").data["resource"]["url"])


def code_of(answer: HttpResponse) -> str | None:
    """The code in an XML error."""
    assert answer.headers["content-type"] == "application/xml"
    return ET.fromstring(answer.body).findtext("Code")  # noqa: S314 - our own emulator's


def test_a_signed_object_is_read(emulated: Emulated) -> None:
    """GET and HEAD, with the headers that a resumable download needs; no quota is used."""
    url = video_url(emulated)
    attempts = emulated.counts()["attempts"]
    whole = fetch(url)
    head = fetch(url, "HEAD")
    assert (whole.status, head.status, head.body) == (200, 200, b"")
    assert whole.headers["etag"] == f'"{sha256(whole.body).hexdigest()}"'
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-type"] == "video/webm"
    names = ("content-length", "etag", "last-modified", "content-type")
    assert [head.headers[name] for name in names] == [whole.headers[name] for name in names]
    assert emulated.counts()["attempts"] == attempts
    assert emulated.counts()["storage_requests"] == 2


def test_what_is_refused(emulated: Emulated) -> None:
    """Two auth mechanisms, another method, no signature, a wrong one, an object that is not there."""
    url = video_url(emulated)
    both = fetch(url, headers={"Authorization": "Bearer x"})
    assert (both.status, code_of(both)) == (400, "InvalidArgument")
    assert (fetch(url, "PUT", body=b"x").status, fetch(url.partition("?")[0]).status) == (405, 403)
    for forged in (url.replace("/video.webm", "/thumbnail.webp"), url.replace("Expires=900", "Expires=901"), url + "0"):
        answer = fetch(forged)
        assert (answer.status, code_of(answer)) == (403, "SignatureDoesNotMatch")


def test_a_url_expires() -> None:
    """A signature is good to the second of its end, and only for its path."""
    signer = UrlSigner("http://storage")
    path, query = signer.sign("/a/b", life_s=900, wall_s=1_000.0).removeprefix("http://storage").split("?")
    assert signer.check(path, query, 1_000.0) is UrlStatus.GOOD
    assert signer.check(path, query, 1_899.9) is UrlStatus.GOOD
    assert signer.check(path, query, 1_900.0) is UrlStatus.EXPIRED
    assert signer.check("/a/c", query, 1_000.0) is UrlStatus.FORGED
    assert signer.check(path, query.replace("HMAC", "NONE"), 1_000.0) is UrlStatus.FORGED
    assert signer.check(path, "", 1_000.0) is UrlStatus.UNSIGNED
    assert UrlSigner("http://storage").check(path, query, 1_000.0) is UrlStatus.FORGED
    signer.expire(query)
    assert signer.check(path, query, 1_000.0) is UrlStatus.EXPIRED


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({}, 200, BODY),
        ({"range": "bytes=10-19"}, 206, BODY[10:20]),
        ({"range": "bytes=90-"}, 206, BODY[90:]),
        ({"range": "bytes=90-500"}, 206, BODY[90:]),
        ({"range": "bytes=-5"}, 206, BODY[-5:]),
        ({"range": "bytes=-500"}, 206, BODY),
        ({"range": "bytes=100-"}, 416, None),
        ({"range": "bytes=-0"}, 416, None),
        ({"range": "bytes=9-5"}, 200, BODY),
        ({"range": "bytes=0-1,5-6"}, 200, BODY),
        ({"range": "pages=1-2"}, 200, BODY),
        ({"range": "bytes=10-19", "if-range": ASSET.etag}, 206, BODY[10:20]),
        ({"range": "bytes=10-19", "if-range": '"other"'}, 200, BODY),
        ({"range": "bytes=10-19", "if-range": f"W/{ASSET.etag}"}, 200, BODY),
        ({"range": "bytes=10-19", "if-range": MODIFIED}, 206, BODY[10:20]),
        ({"range": "bytes=10-19", "if-range": "yesterday"}, 200, BODY),
        ({"if-match": ASSET.etag}, 200, BODY),
        ({"if-match": '"other"'}, 412, None),
        ({"if-none-match": ASSET.etag}, 304, b""),
    ],
)
def test_ranges_and_conditions(headers: dict[str, str], status: int, body: bytes | None) -> None:
    """What each header makes of a request for 100 bytes."""
    reply = serve_object(IncomingRequest("GET", "/a", "", headers), ASSET)
    assert reply.status == status
    if body is not None:
        assert reply.body == body
    content_range = dict(reply.headers).get(b"content-range")
    if status == 206:
        start = BODY.index(body or b"")
        assert content_range == b"bytes %d-%d/100" % (start, start + len(body or b"") - 1)
    else:
        assert content_range == (b"bytes */100" if status == 416 else None)


def test_ranges_over_a_socket(emulated: Emulated) -> None:
    """Two halves make the whole."""
    url = video_url(emulated)
    whole = fetch(url)
    parts = [{"Range": f"bytes={part}", "If-Range": whole.headers["etag"]} for part in ("0-999", "1000-")]
    first, rest = (fetch(url, headers=part) for part in parts)
    assert (first.status, rest.status) == (206, 206)
    assert first.body + rest.body == whole.body
    beyond = fetch(url, headers={"Range": "bytes=9999999-"})
    assert (beyond.status, code_of(beyond)) == (416, "InvalidRange")


def test_deleted_recordings_keep_their_bytes_for_whoever_has_a_url(emulated: Emulated) -> None:
    """Deletion is soft: the API answers 410, a URL given out before still works."""
    url = video_url(emulated)
    root = emulated.workspaces()[0]
    recording = url.split("/")[-2]
    assert emulated.call(f"{root}/recordings/{recording}", "DELETE").status == 200
    assert fetch(url).status == 200

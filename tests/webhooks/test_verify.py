# SPDX-License-Identifier: Apache-2.0
"""Deliveries: what is the provider's comes through, whatever it says; nothing else does, and its errors say why."""

from __future__ import annotations

import base64
import hmac
import json
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell import Key, errors, providers, webhooks
from callwell.testing import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

SECRET: Final = "a-made-up-secret"
SENT: Final = 1_700_000_000.0
BODY: Final = json.dumps(
    {"type": "video.summary.generated", "emittedAt": datetime.fromtimestamp(SENT, UTC).isoformat(), "videoId": "vi1"}
).encode()
APIVIDEO: Final = providers.load("apivideo")


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    """The right one."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def signed(body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery."""
    return {"X-Api-Video-Signature": signature(body, secret), "X-Api-Video-WebhookID": "w1", "Accept": "*/*"}


def verify(headers: Any, body: bytes = BODY, secret: Any = SECRET, **options: Any) -> webhooks.Event:
    """The event of a delivery."""
    return webhooks.verify(APIVIDEO, headers, body, secret, **options)


def test_what_is_the_providers_comes_through() -> None:
    """With its name, its webhook, its time and its body."""
    event = webhooks.verify("apivideo", signed(), BODY, SECRET)
    assert event[:4] == ("video.summary.generated", True, "w1", SENT)
    assert event.data["videoId"] == "vi1"
    assert event.digest == verify(signed()).digest != verify(signed(b'{"type":"x"}'), b'{"type":"x"}').digest


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-video-signature": signature()},
        {"X-API-VIDEO-SIGNATURE": signature().upper()},
        [(b"x-api-video-signature", signature().encode()), (b"cookie", b"\xff")],
        [("X-Api-Video-Signature", signature())],
        {"HTTP_X_API_VIDEO_SIGNATURE": signature(), "wsgi.input": object(), "SERVER_PORT": 80},
    ],
)
def test_headers_come_in_any_form(headers: Any) -> None:
    """Mappings whatever the case, pairs of bytes, an `environ` of WSGI."""
    assert verify(headers).known
    assert verify(headers).webhook is None


@pytest.mark.parametrize("source", ["text", "key", "env", "file"])
def test_the_secret_comes_from_anywhere(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A string, a key, or a place as for the keys of clients."""
    monkeypatch.setenv("A_SECRET", SECRET)
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    places = {"text": SECRET, "key": Key(SECRET), "env": "env:A_SECRET", "file": f"file:{tmp_path / 'secret'}"}
    assert verify(signed(), secret=places[source]).known


def test_a_secret_that_is_not_there_is_reported() -> None:
    """A place without one, and an empty string, open nothing."""
    with pytest.raises(errors.KeyMissing):
        verify(signed(secret=""), secret="env:CALLWELL_NO_SUCH_SECRET")
    for empty in ("", " ", Key("")):
        with pytest.raises(errors.InvalidOption):
            verify(signed(secret=""), secret=empty)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, errors.WebhookUnsigned),
        ([("x-api-video-signature", signature())] * 2, errors.WebhookUnsigned),
        ({"x-api-video-signature": ""}, errors.WebhookForged),
        ({"x-api-video-signature": "é"}, errors.WebhookForged),
        ({"x-api-video-signature": signature()[:-2]}, errors.WebhookForged),
        ({"x-api-video-signature": signature(secret="another")}, errors.WebhookForged),
        ({"x-api-video-signature": signature(BODY + b" ")}, errors.WebhookForged),
        ({"x-api-video-signature": base64.b64encode(bytes.fromhex(signature())).decode()}, errors.WebhookForged),
    ],
)
def test_what_is_not_the_providers_is_refused(headers: Any, expected: type[errors.WebhookError]) -> None:
    """Each error says why, and never the secret or the right signature."""
    with pytest.raises(expected) as caught:
        verify(headers)
    assert SECRET not in str(caught.value)
    assert signature() not in str(caught.value)
    assert type(pickle.loads(pickle.dumps(caught.value))) is expected  # noqa: S301 - our own


@given(at=st.integers(0, len(BODY) - 1), by=st.integers(1, 255))
def test_a_body_that_was_changed_is_refused(at: int, by: int) -> None:
    """Whichever bit of it."""
    changed = bytearray(BODY)
    changed[at] ^= by
    with pytest.raises(errors.WebhookForged):
        verify(signed(), bytes(changed))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"\xff", b"{}", b'{"type": 7}', b'{"type": ""}', b"[" * 100_000, b" " * (2 << 20)]
)
def test_what_is_no_event_is_reported(body: bytes) -> None:
    """A body may be signed and make no sense."""
    with pytest.raises(errors.WebhookGarbled):
        verify(signed(body), body)


def test_garbage_is_read_only_if_it_is_signed() -> None:
    """Who has no secret gets nothing to be read."""
    with pytest.raises(errors.WebhookForged):
        verify(signed(), b"[" * 100_000)


def test_events_that_nobody_knows_come_through() -> None:
    """Providers add events."""
    body = b'{"type": "video.dreamt", "emittedAt": "yesterday"}'
    event = verify(signed(body), body)
    assert (event.type, event.known, event.at) == ("video.dreamt", False, None)


@pytest.mark.parametrize(("now", "fits"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_old_deliveries_are_refused(now: float, fits: bool) -> None:  # noqa: FBT001 - drawn
    """Within the age that is accepted, on either side, since clocks differ."""
    clock = ManualClock(wall=SENT + now)
    if fits:
        assert verify(signed(), max_age_s=300, clock=clock).known
    else:
        with pytest.raises(errors.WebhookStale, match="at most 300 s"):
            verify(signed(), max_age_s=300, clock=clock)


def test_an_age_needs_a_time() -> None:
    """A delivery that does not say when it was sent is refused where its age counts; no age is below zero."""
    body = b'{"type": "video.summary.generated"}'
    with pytest.raises(errors.WebhookStale):
        verify(signed(body), body, max_age_s=1)
    for age in (0, -1, float("nan")):
        with pytest.raises(errors.InvalidOption):
            verify(signed(), max_age_s=age)


def test_providers_without_webhooks_are_reported() -> None:
    """And bodies that were parsed already."""
    with pytest.raises(errors.InvalidOption, match=r"\[webhooks\]"):
        webhooks.verify("userplane", signed(), BODY, SECRET)
    with pytest.raises(errors.InvalidOption, match="bytes of the request"):
        verify(signed(), BODY.decode())  # type: ignore[arg-type]  # what a caller may do


def test_other_schemes() -> None:
    """Base64 and a longer digest, as a profile says."""
    assert APIVIDEO.profile.webhooks
    rule = replace(APIVIDEO.profile.webhooks, encoding="base64", algorithm="sha512", at=None)
    other = replace(APIVIDEO, profile=replace(APIVIDEO.profile, webhooks=rule))
    right = base64.b64encode(hmac.digest(SECRET.encode(), BODY, "sha512")).decode()
    headers = {"x-api-video-signature": right}
    assert webhooks.verify(other, headers, BODY, SECRET).at is None
    with pytest.raises(errors.WebhookForged):
        webhooks.verify(other, signed(), BODY, SECRET)
    with pytest.raises(errors.InvalidOption):
        webhooks.verify(other, headers, BODY, SECRET, max_age_s=5)

# SPDX-License-Identifier: Apache-2.0
"""What is refused, with which status and in which form."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.harness import fetch
from tests.emulator.language_confidence.harness import FORMATS, NAME, AssessmentService, body, problems, tone
from tests.emulator.schemas import complaints, description

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import HttpResponse

SCRIPTED = "/speech-assessment/scripted/us"


def why(answer: HttpResponse) -> str:
    """The text of a refusal."""
    assert answer.status == 400, answer.body
    detail = answer.json["detail"]
    assert isinstance(detail, str)
    return detail


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"audio_base64": None}, [("body.audio_base64", "missing")]),
        (
            {"audio_format": None, "expected_text": None},
            [("body.audio_format", "missing"), ("body.expected_text", "missing")],
        ),
        ({"audio_format": "flac"}, [("body.audio_format", "enum")]),
        ({"expected_text": 3}, [("body.expected_text", "string_type")]),
        ({"text": "x"}, [("body.text", "extra_forbidden")]),
        ({"context": {}}, [("body.context", "extra_forbidden")]),
        (
            {"user_metadata": {}},
            [("body.user_metadata.speaker_gender", "missing"), ("body.user_metadata.speaker_age", "missing")],
        ),
        (
            {"user_metadata": {"speaker_gender": "male", "speaker_age": "old"}},
            [("body.user_metadata.speaker_age", "enum")],
        ),
        ({"user_metadata": 1}, [("body.user_metadata", "model_attributes_type")]),
    ],
)
def test_the_schema(service: AssessmentService, fields: dict[str, Any], found: list[tuple[str, str]]) -> None:
    """All violations are reported at once, each with its place and kind."""
    answer = service.post(SCRIPTED, body(**fields))
    assert problems(answer) == found
    schema = description(NAME)["components"]["schemas"]["Refusal"]
    assert list(complaints(NAME, answer.json, schema)) == []


def test_paths_headers_and_bodies(service: AssessmentService) -> None:
    """An accent that there is not, a header that is no truth value, and what is no JSON."""
    assert problems(service.scripted(accent="gb")) == [("path.accent", "enum")]
    beta = service.post(SCRIPTED, body(), headers={"lc-beta-features": "perhaps"})
    assert problems(beta) == [("header.lc-beta-features", "bool_parsing")]
    assert problems(service.post(SCRIPTED, b"{'x'"))[0][1] == "json_invalid"
    assert problems(service.post(SCRIPTED, b"[]")) == [("body", "model_attributes_type")]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_decoded(service: AssessmentService, kind: str) -> None:
    """What is called by its name is taken, and nothing under another."""
    content = tone(1.0, kind, rate=48_000 if kind in ("ogg", "webm") else 16_000)
    assert service.scripted(content, audio_format=FORMATS[kind]).status == 200
    wrong = "mp3" if kind == "wav" else "wav"
    assert "is not" in why(service.scripted(content, audio_format=wrong))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not a recording at all", "could not be decoded"),
        (b"", "could not be decoded"),
        (tone()[:60], "could not be decoded"),
        (tone(0.0), "could not be decoded"),
        (tone(1.0, "flac"), "is not wav"),
        (tone(1.0, "aiff"), "is not wav"),
        (tone(rate=8_000), "samples a second"),
        (tone(codec="pcm_u8"), "bits a sample"),
        (tone(layout="5.1", rate=16_000), "two channels"),
    ],
    ids=["text", "empty", "cut", "short", "flac", "aiff", "8 kHz", "8 bit", "5.1"],
)
def test_recordings_that_cannot_be_assessed(service: AssessmentService, content: bytes, words: str) -> None:
    """They are decoded, and refused for what they are."""
    assert words in why(service.scripted(content))
    assert service.counts()["billed"] == 0


@pytest.mark.parametrize(
    ("path", "longest_s"), [("/pronunciation/us", 30), (SCRIPTED, 60), ("/speech-assessment/unscripted/us", 120)]
)
def test_recordings_that_are_too_long(service: AssessmentService, path: str, longest_s: int) -> None:
    """Each operation has its own limit, which is still taken."""
    text = None if "unscripted" in path else "word"
    assert service.post(path, body(tone(longest_s), expected_text=text)).status == 200
    long = service.post(path, body(tone(longest_s + 1), expected_text=text))
    assert why(long) == f"The audio is longer than {longest_s} seconds."


def test_texts_and_encodings(service: AssessmentService) -> None:
    """A text without words, and what is not plain base64, are well-formed and refused."""
    assert "no words" in why(service.scripted(expected_text=" … "))
    plain = base64.b64encode(tone()).decode()
    for wrong in (f"data:audio/wav;base64,{plain}", "%%%", plain[:-3] + "=" * 5):
        assert "base64" in why(service.scripted(audio_base64=wrong))


def test_keys_and_routes(service: AssessmentService) -> None:
    """No key and a wrong one, no such path, and another method; no page of another origin is let in."""
    for key in (None, "wrong"):
        assert service.post(SCRIPTED, body(), key=key).status == 401
    assert service.post("/speech-assessment/scripted", body()).status == 404
    for method in ("GET", "OPTIONS"):
        answer = fetch(service.base + SCRIPTED, method, headers={"Origin": "https://example.test"})
        assert answer.status == 405
        assert not any(name.startswith("access-control-") for name in answer.headers)
    service.emulated.control("/keys/revoke", {"provider": f"{NAME}/production"})
    assert service.post(SCRIPTED, body(), key=service.key).status == 401
    assert service.counts()["dead_key_refusals"] == 3


def test_routes_of_the_market(played: Callable[..., AssessmentService]) -> None:
    """They take another header with the key, want the host said, and have one operation each."""
    market = played("rapidapi_scripted")
    assert market.post(SCRIPTED, body()).status == 401
    headers = {"x-rapidapi-key": market.key}
    assert market.post(SCRIPTED, body(), headers=headers).status == 401
    headers["x-rapidapi-host"] = "some.host"
    assert market.post(SCRIPTED, body(), headers=headers).status == 200
    assert market.post("/pronunciation/us", body(), headers=headers).status == 404


def test_end_users_are_counted_and_may_be_required(played: Callable[..., AssessmentService]) -> None:
    """By month, by user, and without one."""
    service = played()
    for user in ("a", "a", "b", ""):
        assert service.scripted(user=user).status == 200
    counts = service.counts()
    assert list(counts["active_users"].values()) == [2]
    assert (counts["calls_by_user"], counts["calls_without_user"]) == ({"a": 2, "b": 1}, 1)
    service.emulated.control("/clock", {"advance_s": 32 * 86_400})
    service.scripted(user="b")
    assert list(service.counts()["active_users"].values()) == [2, 1]
    service.reset(user_required=True)
    assert problems(service.scripted()) == [("header.x-user-id", "missing")]
    assert service.scripted(user="a").status == 200

# SPDX-License-Identifier: Apache-2.0
"""Reports are as described, follow from what is assessed alone, and have the traps of the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.language_confidence.routes import ROUTES
from tests.emulator.language_confidence.harness import NAME, TEXT, AssessmentService, body, tone
from tests.emulator.schemas import complaints, operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPERATIONS = operations(NAME)
PATHS = {about["operationId"]: path for (_, path), about in OPERATIONS.items()}
BODIES: dict[str, dict[str, Any]] = {
    "assess.pronunciation": body(),
    "assess.scripted": body(),
    "assess.unscripted": body(tone(8.0), expected_text=None, context={"question": "How was it?"}),
    "assess.writing": {"text": "We walk about the city. It is new.", "context": {"question": "What do you do?"}},
}


def ask(service: AssessmentService, operation: str, accent: str = "us", **more: Any) -> Any:
    """The report of an operation."""
    answer = service.post(PATHS[operation].replace("{accent}", accent), BODIES[operation] | more)
    assert answer.status == 200, answer.body
    return answer.json


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value with the name of its field."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, name)
    else:
        yield name, value


def test_every_operation_is_emulated() -> None:
    """The routes are those of the description."""
    routes = {route.operation: route.path + "/{accent}" * route.has_accent for route in ROUTES}
    assert routes == PATHS


@pytest.mark.parametrize("operation", sorted(BODIES))
def test_reports_are_as_described(service: AssessmentService, operation: str) -> None:
    """For both accents and many texts, nothing is there that is not described, and nothing is missing."""
    described = OPERATIONS["POST", PATHS[operation]]["responses"]["200"]["content"]["application/json"]["schema"]
    field = {"assess.unscripted": "context", "assess.writing": "text"}.get(operation, "expected_text")
    for number in range(12):
        value = {"question": str(number)} if field == "context" else f"{TEXT} {number}"
        report = ask(service, operation, "uk" if number % 2 else "us", **{field: value})
        assert list(complaints(NAME, report, described)) == []


def test_the_same_is_scored_the_same(service: AssessmentService, played: Callable[..., AssessmentService]) -> None:
    """By any emulator; another recording, text, accent or seed is scored in another way."""
    first = service.scripted().json
    again = service.scripted().json
    elsewhere = played().scripted().json
    assert first == again == elsewhere
    others = [
        service.scripted(tone(hertz=500)).json,
        service.scripted(expected_text="The quick brown dog jumps over the lazy fox.").json,
        service.scripted(accent="uk").json,
        played(seed=2).scripted().json,
    ]
    for other in others:
        assert other["pronunciation"]["words"] != first["pronunciation"]["words"]


def test_scores_are_plausible(service: AssessmentService) -> None:
    """Each word of the text is there with its sounds, a score is of 100, and the worst sounds are the worst."""
    report = service.scripted().json["pronunciation"]
    assert [item["word_text"] for item in report["words"]] == TEXT.rstrip(".").split()
    sounds = [sound["phoneme_score"] for word in report["words"] for sound in word["phonemes"]]
    assert all(0 <= score <= 100 for score in sounds)
    assert [phoneme["phoneme_score"] for phoneme in report["lowest_scoring_phonemes"]] == sorted(sounds)[:3]
    assert 20 < report["overall_score"] <= 100


def test_traps(service: AssessmentService) -> None:
    """A number that comes as a text in one block, and nulls where lists and objects are described."""
    reports = [ask(service, "assess.unscripted", context={"question": str(number)}) for number in range(12)]
    blocks = [item for item in reports[0].values() if item and "english_proficiency_scores" in item]
    kinds = {type(block["english_proficiency_scores"]["mock_pte"]["prediction"]) for block in blocks}
    assert kinds == {int, str}
    nulls = {name for report in reports for name, value in leaves(report) if value is None}
    assert nulls >= {"discourse_markers", "metrics", "feedback", "warnings"}
    assert ask(service, "assess.unscripted", context={})["metadata"]["content_relevance"] is None
    assert isinstance(service.scripted().json["metadata"]["content_relevance"], int)


def test_silence_has_no_words(service: AssessmentService) -> None:
    """A recording of nothing is assessed, with a warning."""
    for operation in ("assess.pronunciation", "assess.scripted", "assess.unscripted"):
        text = None if operation == "assess.unscripted" else TEXT
        silent = body(tone(4.0, loud=False), expected_text=text)
        report = service.post(PATHS[operation].replace("{accent}", "us"), silent).json
        words = report["words"] if "words" in report else report["pronunciation"]["words"]
        assert (words, "speech" in report["warnings"]) == ([], True)


def test_warnings(service: AssessmentService) -> None:
    """What is taken but not recommended is said."""
    assert service.scripted().json["warnings"] == {}
    rich = service.scripted(tone(16.0, rate=44_100, layout="stereo")).json["warnings"]
    assert rich.keys() == {"sample_rate", "channels", "length"}


def test_fields_of_later_versions(played: Callable[..., AssessmentService]) -> None:
    """On demand, answers have a field that no description knows."""
    assert "model_version" in played(new_fields="true").scripted().json

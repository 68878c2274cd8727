# SPDX-License-Identifier: Apache-2.0
"""The reports of the four operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.language_confidence import blocks
from callwell.emulator.language_confidence.replies import AssessmentRefused
from callwell.emulator.language_confidence.scores import WORD, ScoreGenerator, pronounce

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.language_confidence.audio import AudioProperties

Body = dict[str, Any]
RECOMMENDED_RATE: Final = 16_000
RECOMMENDED_S: Final = {"assess.pronunciation": 15, "assess.scripted": 15, "assess.unscripted": 60}


def recording_report(
    operation: str, generator: ScoreGenerator, body: Body, accent: str, sound: AudioProperties
) -> Body:
    """The report of a recording."""
    return REPORTS[operation](generator, body, accent, sound, audio_warnings(operation, sound))


def text_report(generator: ScoreGenerator, body: Body) -> Body:
    """The report of a text."""
    text = str(body["text"])
    return {
        "text": text,
        "vocabulary": blocks.vocabulary(generator, text),
        "grammar": blocks.grammar(generator, text),
        "writing": {"overall_score": generator.score()},
        "relevance": {"overall_score": generator.score()} if body.get("context") else None,
        "overall": blocks.overall(generator.score()),
        "warnings": {},
    }


def expected_text(body: Body) -> str:
    """The text that was to be said.

    Raises:
        AssessmentRefused: there is no word in it.
    """
    text = str(body["expected_text"])
    if not WORD.search(text):
        raise AssessmentRefused("expected_text has no words.")
    return text


def audio_warnings(operation: str, sound: AudioProperties) -> dict[str, str]:
    """What is not as recommended."""
    told = {
        "speech": (sound.silent, blocks.SILENCE),
        "sample_rate": (sound.rate > RECOMMENDED_RATE, "More samples a second than recommended."),
        "channels": (sound.channels > 1, "More channels than recommended."),
        "length": (sound.duration_s > RECOMMENDED_S[operation], "Longer than recommended."),
    }
    return {name: text for name, (so, text) in told.items() if so}


def _pronunciation(
    generator: ScoreGenerator, body: Body, accent: str, sound: AudioProperties, warned: dict[str, str]
) -> Body:
    text = expected_text(body)
    return blocks.pronunciation(text, pronounce(generator, "" if sound.silent else text, accent), warned)


def _scripted(
    generator: ScoreGenerator, body: Body, accent: str, sound: AudioProperties, warned: dict[str, str]
) -> Body:
    text = expected_text(body)
    predicted = "" if sound.silent else " ".join(word for word in WORD.findall(text) if not generator.chance(0.04))
    said = pronounce(generator, "" if sound.silent else text, accent)
    return {
        "pronunciation": blocks.pronunciation(text, said, None),
        "fluency": blocks.fluency(generator, len(said.words), sound.duration_s, predicted),
        "overall": blocks.overall(said.score),
        "metadata": {"predicted_text": predicted, "content_relevance": 0 if sound.silent else generator.score()},
        "reading": blocks.reading(text, predicted, sound.duration_s),
        "warnings": warned,
    }


def _unscripted(
    generator: ScoreGenerator, body: Body, accent: str, sound: AudioProperties, warned: dict[str, str]
) -> Body:
    predicted = "" if sound.silent else generator.speech(sound.duration_s)
    said, asked = pronounce(generator, predicted, accent), bool(body.get("context"))
    return {
        "pronunciation": blocks.pronunciation(predicted, said, None),
        "fluency": blocks.fluency(generator, len(said.words), sound.duration_s, predicted),
        "overall": blocks.overall(said.score),
        "vocabulary": blocks.vocabulary(generator, predicted),
        "grammar": blocks.grammar(generator, predicted),
        "metadata": {
            "predicted_text": predicted,
            "content_relevance": ("RELEVANT" if generator.chance(0.7) else "PARTIALLY_RELEVANT") if asked else None,
            "content_relevance_feedback": None,
            "valid_answer": ("CORRECT" if generator.chance(0.7) else "PARTIALLY_CORRECT") if asked else None,
        },
        "warnings": warned,
    }


REPORTS: Final[Mapping[str, Callable[[ScoreGenerator, Body, str, AudioProperties, dict[str, str]], Body]]] = {
    "assess.pronunciation": _pronunciation,
    "assess.scripted": _scripted,
    "assess.unscripted": _unscripted,
}

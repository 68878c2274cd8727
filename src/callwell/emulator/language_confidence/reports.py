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
# The recommendations of the page "Audio requirements": 16 kHz, mono, and these lengths at most.
RECOMMENDED_RATE: Final = 16_000
RECOMMENDED_S: Final = {"assess.pronunciation": 15, "assess.scripted": 15, "assess.unscripted": 60}
# A word of the script is missed now and then.
MISSED_SHARE: Final = 0.04
RELEVANT_SHARE: Final = 0.7


def recording_report(
    operation: str, generator: ScoreGenerator, body: Body, accent: str, audio: AudioProperties
) -> Body:
    """Return the report of a recording."""
    return REPORTS[operation](generator, body, accent, audio, audio_warnings(operation, audio))


def text_report(generator: ScoreGenerator, body: Body) -> Body:
    """Return the report of a text."""
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
    """Return the text that was to be read.

    Raises:
        AssessmentRefused: the text has no words.
    """
    text = str(body["expected_text"])
    if not WORD.search(text):
        raise AssessmentRefused("expected_text has no words.")
    return text


def audio_warnings(operation: str, audio: AudioProperties) -> dict[str, str]:
    """Return what is accepted but not as recommended."""
    warnings: dict[str, str] = {}
    if audio.silent:
        warnings["speech"] = blocks.SILENCE
    if audio.rate > RECOMMENDED_RATE:
        warnings["sample_rate"] = "More samples a second than recommended."
    if audio.channels > 1:
        warnings["channels"] = "More channels than recommended."
    if audio.duration_s > RECOMMENDED_S[operation]:
        warnings["length"] = "Longer than recommended."
    return warnings


def _pronunciation(
    generator: ScoreGenerator, body: Body, accent: str, audio: AudioProperties, warnings: dict[str, str]
) -> Body:
    text = expected_text(body)
    spoken = pronounce(generator, "" if audio.silent else text, accent)
    return blocks.pronunciation(text, spoken, warnings)


def _scripted(
    generator: ScoreGenerator, body: Body, accent: str, audio: AudioProperties, warnings: dict[str, str]
) -> Body:
    text = expected_text(body)
    predicted = ""
    if not audio.silent:
        predicted = " ".join(word for word in WORD.findall(text) if not generator.chance(MISSED_SHARE))
    spoken = pronounce(generator, "" if audio.silent else text, accent)
    return {
        "pronunciation": blocks.pronunciation(text, spoken, None),
        "fluency": blocks.fluency(generator, len(spoken.words), audio.duration_s, predicted),
        "overall": blocks.overall(spoken.score),
        "metadata": {"predicted_text": predicted, "content_relevance": 0 if audio.silent else generator.score()},
        "reading": blocks.reading(text, predicted, audio.duration_s),
        "warnings": warnings,
    }


def _unscripted(
    generator: ScoreGenerator, body: Body, accent: str, audio: AudioProperties, warnings: dict[str, str]
) -> Body:
    predicted = "" if audio.silent else generator.speech(audio.duration_s)
    spoken = pronounce(generator, predicted, accent)
    report = {
        "pronunciation": blocks.pronunciation(predicted, spoken, None),
        "fluency": blocks.fluency(generator, len(spoken.words), audio.duration_s, predicted),
        "overall": blocks.overall(spoken.score),
        "vocabulary": blocks.vocabulary(generator, predicted),
        "grammar": blocks.grammar(generator, predicted),
    }
    relevance = None
    answer = None
    if body.get("context"):
        relevance = "RELEVANT" if generator.chance(RELEVANT_SHARE) else "PARTIALLY_RELEVANT"
        answer = "CORRECT" if generator.chance(RELEVANT_SHARE) else "PARTIALLY_CORRECT"
    metadata = {
        "predicted_text": predicted,
        "content_relevance": relevance,
        "content_relevance_feedback": None,
        "valid_answer": answer,
    }
    return {**report, "metadata": metadata, "warnings": warnings}


REPORTS: Final[Mapping[str, Callable[[ScoreGenerator, Body, str, AudioProperties, dict[str, str]], Body]]] = {
    "assess.pronunciation": _pronunciation,
    "assess.scripted": _scripted,
    "assess.unscripted": _unscripted,
}

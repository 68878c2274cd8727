# SPDX-License-Identifier: Apache-2.0
"""The blocks of a report.

Where the description has a list or an object, null comes now and then, as in published samples of real answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.language_confidence.scores import WORD, lowest_phonemes, proficiency_json

if TYPE_CHECKING:
    from callwell.emulator.language_confidence.scores import ScoreGenerator, SpokenText

# `speech_rate_over_time` has one value for every 3 s of audio.
STEP_S: Final = 3
# Words a minute below and above which speech is called slow and fast. Our choice: only the codes are documented.
SLOW_WPM: Final = 100
FAST_WPM: Final = 180
# From how many on pauses and filler words are called some, and too many. Our choice as well.
SOME: Final = 2
TOO_MANY: Final = 5
# The share of different words among all words from which on a vocabulary is called average, and complex.
AVERAGE_RICHNESS: Final = 0.5
COMPLEX_RICHNESS: Final = 0.8
SILENCE: Final = "No speech was heard."


def pronunciation(text: str, spoken: SpokenText, warnings: dict[str, str] | None) -> dict[str, Any]:
    """Return how words were pronounced."""
    return {
        "words": spoken.words,
        "overall_score": spoken.score,
        "expected_text": text,
        "english_proficiency_scores": proficiency_json(spoken.score),
        "lowest_scoring_phonemes": lowest_phonemes(spoken.words),
        "warnings": warnings,
    }


def fluency(generator: ScoreGenerator, words: int, duration_s: float, text: str) -> dict[str, Any]:
    """Return how fluently something was said."""
    rate = round(words * 60 / duration_s) if duration_s else 0
    pauses = generator.between(0, 6)
    fillers = generator.between(0, 6)
    score = generator.score()
    steps = range(max(1, int(duration_s) // STEP_S))
    return {
        "overall_score": score,
        "metrics": {
            "speech_rate": rate,
            "speech_rate_over_time": [max(0, rate + generator.between(-20, 20)) for _ in steps],
            "pauses": pauses,
            "filler_words": fillers,
            "filler_words_per_min": round(fillers * 60 / duration_s, 1) if duration_s else 0,
            "discourse_markers": None if generator.chance(0.5) else [],
            "pause_details": [{"start_time": index, "end_time": index + 0.5} for index in range(pauses)] or None,
            "repetitions": [],
            "filler_words_details": [],
        },
        "feedback": {
            "speech_rate": _feedback(_rate_code(rate)),
            "pauses": _feedback(_count_code(pauses, "PAUSES")),
            "filler_words": _feedback(_count_code(fillers, "FILLER_WORDS")),
            "tagged_transcript": text,
        },
        "english_proficiency_scores": proficiency_json(score),
        "warnings": None,
    }


def overall(score: float) -> dict[str, Any]:
    """Return the overall block; in it alone the PTE score is a text."""
    return {"overall_score": score, "english_proficiency_scores": proficiency_json(score, as_text=True)}


def reading(expected: str, read: str, duration_s: float) -> dict[str, Any]:
    """Return how a given text was read."""
    assigned_words = WORD.findall(expected.lower())
    read_words = WORD.findall(read.lower())
    completion = round(100 * len(read_words) / len(assigned_words)) if assigned_words else 0
    speed = round(len(read_words) * 60 / duration_s) if duration_s else 0
    return {
        "words_read": len(read_words),
        "correct_words_read": len(read_words),
        "unique_words_read": len(set(read_words)),
        "words_assigned": len(assigned_words),
        "unique_words_assigned": len(set(assigned_words)),
        "words_added": 0,
        "words_missed": len(assigned_words) - len(read_words),
        "words_replaced": 0,
        "speed_wpm": speed,
        "speed_wpm_correct": speed,
        "completion": completion,
        "accuracy": 100 if read_words else 0,
        "total_time": round(duration_s, 2),
        "reading_time": round(duration_s * 0.9, 2),
        "non_reading_time": round(duration_s * 0.1, 2),
    }


def vocabulary(generator: ScoreGenerator, text: str) -> dict[str, Any]:
    """Return which words were chosen."""
    score = generator.score()
    words = WORD.findall(text.lower())
    richness = len(set(words)) / len(words) if words else 0.0
    return {
        "overall_score": score,
        "metrics": {
            "vocabulary_complexity": _complexity_code(richness),
            "idiom_details": None if generator.chance(0.5) else [],
        },
        "feedback": {"tagged_transcript": text},
        "english_proficiency_scores": proficiency_json(score),
        "warnings": None,
    }


def grammar(generator: ScoreGenerator, text: str) -> dict[str, Any]:
    """Return how sentences were built; now and then without metrics and feedback."""
    score = generator.score()
    is_bare = not text or generator.chance(0.25)
    mistakes = generator.between(0, 4)
    metrics: dict[str, Any] = {"mistake_count": mistakes, "grammatical_complexity": "AVERAGE", "grammar_errors": []}
    feedback: dict[str, Any] = {
        "grammar_errors": [],
        "corrected_text": text,
        "tagged_transcript": text,
        "grammar_feedback": None,
    }
    return {
        "overall_score": score,
        "metrics": None if is_bare else metrics,
        "feedback": None if is_bare else feedback,
        "english_proficiency_scores": proficiency_json(score),
        "warnings": None,
    }


def _feedback(code: str) -> dict[str, str]:
    return {"feedback_code": code, "feedback_text": f"{code.replace('_', ' ').capitalize()}."}


def _rate_code(rate: int) -> str:
    if rate < SLOW_WPM:
        return "TOO_SLOW"
    return "TOO_FAST" if rate > FAST_WPM else "NORMAL"


def _count_code(count: int, noun: str) -> str:
    if count < SOME:
        return "NORMAL"
    return f"SOME_{noun}" if count < TOO_MANY else f"TOO_MANY_{noun}"


def _complexity_code(richness: float) -> str:
    if richness < AVERAGE_RICHNESS:
        return "SIMPLE"
    return "AVERAGE" if richness < COMPLEX_RICHNESS else "COMPLEX"

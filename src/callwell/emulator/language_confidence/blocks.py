# SPDX-License-Identifier: Apache-2.0
"""The blocks of a report. Where the description has a list or an object, null comes now and then, as in life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.language_confidence.scores import WORD, lowest_phonemes, proficiency_json

if TYPE_CHECKING:
    from callwell.emulator.language_confidence.scores import ScoreGenerator, SpokenText

STEP_S: Final = 3
SLOW, FAST = 100, 180
SOME, MANY = 2, 5
SILENCE: Final = "No speech was heard."


def pronunciation(text: str, said: SpokenText, warnings: dict[str, str] | None) -> dict[str, Any]:
    """How words were pronounced."""
    return {
        "words": said.words,
        "overall_score": said.score,
        "expected_text": text,
        "english_proficiency_scores": proficiency_json(said.score),
        "lowest_scoring_phonemes": lowest_phonemes(said.words),
        "warnings": warnings,
    }


def fluency(generator: ScoreGenerator, words: int, duration_s: float, text: str) -> dict[str, Any]:
    """How fluently something was said."""
    rate = round(words * 60 / duration_s) if duration_s else 0
    pauses, fillers = generator.between(0, 6), generator.between(0, 6)
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
            "speech_rate": _feedback("TOO_SLOW" if rate < SLOW else "TOO_FAST" if rate > FAST else "NORMAL"),
            "pauses": _feedback(_count_code(pauses, "PAUSES")),
            "filler_words": _feedback(_count_code(fillers, "FILLER_WORDS")),
            "tagged_transcript": text,
        },
        "english_proficiency_scores": proficiency_json(score),
        "warnings": None,
    }


def overall(score: float) -> dict[str, Any]:
    """All together; here the one number is a text."""
    return {"overall_score": score, "english_proficiency_scores": proficiency_json(score, as_text=True)}


def reading(expected: str, read: str, duration_s: float) -> dict[str, Any]:
    """How a given text was read."""
    assigned, said = WORD.findall(expected.lower()), WORD.findall(read.lower())
    share = round(100 * len(said) / len(assigned)) if assigned else 0
    speed = round(len(said) * 60 / duration_s) if duration_s else 0
    return {
        "words_read": len(said),
        "correct_words_read": len(said),
        "unique_words_read": len(set(said)),
        "words_assigned": len(assigned),
        "unique_words_assigned": len(set(assigned)),
        "words_added": 0,
        "words_missed": len(assigned) - len(said),
        "words_replaced": 0,
        "speed_wpm": speed,
        "speed_wpm_correct": speed,
        "completion": share,
        "accuracy": 100 if said else 0,
        "total_time": round(duration_s, 2),
        "reading_time": round(duration_s * 0.9, 2),
        "non_reading_time": round(duration_s * 0.1, 2),
    }


def vocabulary(generator: ScoreGenerator, text: str) -> dict[str, Any]:
    """Which words were chosen."""
    score = generator.score()
    words = WORD.findall(text.lower())
    rich = len(set(words)) / len(words) if words else 0.0
    return {
        "overall_score": score,
        "metrics": {
            "vocabulary_complexity": "SIMPLE" if rich < 0.5 else "AVERAGE" if rich < 0.8 else "COMPLEX",  # noqa: PLR2004
            "idiom_details": None if generator.chance(0.5) else [],
        },
        "feedback": {"tagged_transcript": text},
        "english_proficiency_scores": proficiency_json(score),
        "warnings": None,
    }


def grammar(generator: ScoreGenerator, text: str) -> dict[str, Any]:
    """How sentences were built; of some, nothing is said."""
    score, bare = generator.score(), not text or generator.chance(0.25)
    mistakes = generator.between(0, 4)
    return {
        "overall_score": score,
        "metrics": None
        if bare
        else {"mistake_count": mistakes, "grammatical_complexity": "AVERAGE", "grammar_errors": []},
        "feedback": None
        if bare
        else {"grammar_errors": [], "corrected_text": text, "tagged_transcript": text, "grammar_feedback": None},
        "english_proficiency_scores": proficiency_json(score),
        "warnings": None,
    }


def _feedback(code: str) -> dict[str, str]:
    return {"feedback_code": code, "feedback_text": f"{code.replace('_', ' ').capitalize()}."}


def _count_code(count: int, what: str) -> str:
    return "NORMAL" if count < SOME else f"SOME_{what}" if count < MANY else f"TOO_MANY_{what}"

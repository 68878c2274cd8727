# SPDX-License-Identifier: Apache-2.0
"""The reports of the four operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.language_confidence import blocks
from callwell.emulator.language_confidence.replies import Refused
from callwell.emulator.language_confidence.scores import WORD, Dice, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.language_confidence.audio import Sound

Body = dict[str, Any]
BEST_RATE: Final = 16_000
RECOMMENDED_S: Final = {"assess.pronunciation": 15, "assess.scripted": 15, "assess.unscripted": 60}


def heard(operation: str, dice: Dice, body: Body, accent: str, sound: Sound) -> Body:
    """The report of a recording."""
    return MAKERS[operation](dice, body, accent, sound, warnings(operation, sound))


def read(dice: Dice, body: Body) -> Body:
    """The report of a text."""
    text = str(body["text"])
    return {
        "text": text,
        "vocabulary": blocks.vocabulary(dice, text),
        "grammar": blocks.grammar(dice, text),
        "writing": {"overall_score": dice.score()},
        "relevance": {"overall_score": dice.score()} if body.get("context") else None,
        "overall": blocks.overall(dice.score()),
        "warnings": {},
    }


def expected(body: Body) -> str:
    """The text that was to be said.

    Raises:
        Refused: there is no word in it.
    """
    text = str(body["expected_text"])
    if not WORD.search(text):
        raise Refused("expected_text has no words.")
    return text


def warnings(operation: str, sound: Sound) -> dict[str, str]:
    """What is not as recommended."""
    told = {
        "speech": (sound.silent, blocks.SILENCE),
        "sample_rate": (sound.rate > BEST_RATE, "More samples a second than recommended."),
        "channels": (sound.channels > 1, "More channels than recommended."),
        "length": (sound.duration_s > RECOMMENDED_S[operation], "Longer than recommended."),
    }
    return {name: text for name, (so, text) in told.items() if so}


def _pronunciation(dice: Dice, body: Body, accent: str, sound: Sound, warned: dict[str, str]) -> Body:
    text = expected(body)
    return blocks.pronunciation(text, spoken(dice, "" if sound.silent else text, accent), warned)


def _scripted(dice: Dice, body: Body, accent: str, sound: Sound, warned: dict[str, str]) -> Body:
    text = expected(body)
    predicted = "" if sound.silent else " ".join(word for word in WORD.findall(text) if not dice.chance(0.04))
    said = spoken(dice, "" if sound.silent else text, accent)
    return {
        "pronunciation": blocks.pronunciation(text, said, None),
        "fluency": blocks.fluency(dice, len(said.words), sound.duration_s, predicted),
        "overall": blocks.overall(said.score),
        "metadata": {"predicted_text": predicted, "content_relevance": 0 if sound.silent else dice.score()},
        "reading": blocks.reading(text, predicted, sound.duration_s),
        "warnings": warned,
    }


def _unscripted(dice: Dice, body: Body, accent: str, sound: Sound, warned: dict[str, str]) -> Body:
    predicted = "" if sound.silent else dice.sentences(sound.duration_s)
    said, asked = spoken(dice, predicted, accent), bool(body.get("context"))
    return {
        "pronunciation": blocks.pronunciation(predicted, said, None),
        "fluency": blocks.fluency(dice, len(said.words), sound.duration_s, predicted),
        "overall": blocks.overall(said.score),
        "vocabulary": blocks.vocabulary(dice, predicted),
        "grammar": blocks.grammar(dice, predicted),
        "metadata": {
            "predicted_text": predicted,
            "content_relevance": ("RELEVANT" if dice.chance(0.7) else "PARTIALLY_RELEVANT") if asked else None,
            "content_relevance_feedback": None,
            "valid_answer": ("CORRECT" if dice.chance(0.7) else "PARTIALLY_CORRECT") if asked else None,
        },
        "warnings": warned,
    }


MAKERS: Final[Mapping[str, Callable[[Dice, Body, str, Sound, dict[str, str]], Body]]] = {
    "assess.pronunciation": _pronunciation,
    "assess.scripted": _scripted,
    "assess.unscripted": _unscripted,
}

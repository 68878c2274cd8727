# SPDX-License-Identifier: Apache-2.0
"""Scores by dice whose seed is what is assessed: the same recording and text always get the same plausible ones."""

from __future__ import annotations

import random
import re
from hashlib import blake2b
from typing import Any, Final, NamedTuple

WORD: Final = re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?")
LETTERS: Final = (
    "a:æ b:b c:k d:d e:ɛ f:f g:ɡ h:h i:ɪ j:dʒ k:k l:l m:m n:n o:ɑ p:p q:k r:ɹ s:s t:t u:ʌ v:v w:w x:ks y:j z:z "
    "th:θ sh:ʃ ch:tʃ ng:ŋ ee:iː oo:uː"
)
SOUNDS: Final = dict(pair.split(":") for pair in LETTERS.split())
BRITISH: Final = {"a": "ɑː", "o": "ɒ", "r": "r"}
LOWEST_COUNT: Final = 3
LEVELS: Final = ((90, "C2"), (78, "C1"), (64, "B2"), (50, "B1"), (35, "A2"), (0, "A1"))
COMMON: Final = (
    *("the", "a", "my", "our", "this", "people", "morning", "city", "work", "friend", "time", "story", "music"),
    *("think", "like", "make", "visit", "learn", "remember", "walk", "often", "really", "quite", "because", "when"),
    *("and", "but", "with", "about", "into", "small", "new", "different", "important", "I", "we", "they", "it"),
)
WORDS_A_SECOND: Final = 2.2


class ScoreGenerator:
    """The dice of one assessment.

    Args:
        seed: of the service.
        what: all that is assessed, and how.
    """

    def __init__(self, seed: int, *what: str) -> None:
        digest = blake2b(str(seed).encode(), digest_size=8)
        for one in what:
            part = one.encode("utf-8", "surrogatepass")
            digest.update(len(part).to_bytes(8, "big") + part)
        # Seeded on purpose: the same is assessed the same.
        self._random = random.Random(digest.digest())  # noqa: S311
        self.level = self.sample(74.0, 11.0)

    def sample(self, middle: float, spread: float) -> float:
        """A score of 100 around another."""
        return min(100.0, max(0.0, self._random.gauss(middle, spread)))

    def score(self, spread: float = 6.0) -> int:
        """A score around the speaker's level."""
        return round(self.sample(self.level, spread))

    def chance(self, share: float) -> bool:
        """Whether something happens that happens so often."""
        return self._random.random() < share

    def between(self, low: int, high: int) -> int:
        """A number."""
        return self._random.randint(low, high)

    def speech(self, duration_s: float) -> str:
        """What might be said in a time."""
        left, said = int(duration_s * WORDS_A_SECOND), list[str]()
        while left > 0:
            words = [self._random.choice(COMMON) for _ in range(min(left, self.between(6, 12)))]
            left -= len(words)
            said.append(" ".join(words).capitalize() + ".")
        return " ".join(said)


class SpokenText(NamedTuple):
    """The words of a text, with their scores."""

    words: list[dict[str, Any]]
    score: float


def pronounce(generator: ScoreGenerator, text: str, accent: str) -> SpokenText:
    """How each word of a text is pronounced, sound by sound."""
    words = []
    for word in WORD.findall(text):
        sounds = [
            {"ipa_label": ipa, "phoneme_score": generator.score(14.0)} for ipa in to_phonemes(word.lower(), accent)
        ]
        words.append({"word_text": word, "word_score": mean_score(sounds, "phoneme_score"), "phonemes": sounds})
    return SpokenText(words, float(mean_score(words, "word_score")))


def to_phonemes(word: str, accent: str) -> list[str]:
    """The sounds of a word, as far as letters tell; there is one at least."""
    table = SOUNDS | BRITISH if accent == "uk" else SOUNDS
    found, at = list[str](), 0
    while at < len(word):
        pair = word[at : at + 2]
        step = 2 if len(pair) > 1 and pair in table else 1
        if (letter := word[at : at + step]) in table:
            found.append(table[letter])
        at += step
    return found or ["ə"]


def mean_score(scored: list[dict[str, Any]], field: str) -> int:
    """The mean score, rounded; 0 of nothing."""
    return round(sum(one[field] for one in scored) / len(scored)) if scored else 0


def lowest_phonemes(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sounds with the lowest scores, the worst first."""
    sounds = [sound for word in words for sound in word["phonemes"]]
    return sorted(sounds, key=lambda sound: (sound["phoneme_score"], sound["ipa_label"]))[:LOWEST_COUNT]


def proficiency_json(score: float, *, as_text: bool = False) -> dict[str, Any]:
    """What examinations might say; one number comes as a text here and there."""
    pte = round(10 + score * 0.8)
    return {
        "mock_ielts": {"prediction": round(score / 100 * 18) / 2},
        "mock_cefr": {"prediction": next(level for least, level in LEVELS if score >= least)},
        "mock_pte": {"prediction": str(pte) if as_text else pte},
    }

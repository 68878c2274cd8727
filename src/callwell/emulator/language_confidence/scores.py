# SPDX-License-Identifier: Apache-2.0
"""Plausible scores without any listening: random numbers seeded by all that is assessed.

    seed of the service, operation, accent, context, digest of the audio, expected text
        └──> BLAKE2b ──> generator ──> the speaker's level (about 74 ± 11) ──> scores around it

So the same recording and text always get the same report, from any emulator with the same seed, and another recording,
text or accent gets another one.
"""

from __future__ import annotations

import random
import re
from hashlib import blake2b
from typing import Any, Final, NamedTuple

# A word begins and ends with a letter or digit; apostrophes and hyphens are inside it.
WORD: Final = re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?")
LETTERS: Final = (
    "a:æ b:b c:k d:d e:ɛ f:f g:ɡ h:h i:ɪ j:dʒ k:k l:l m:m n:n o:ɑ p:p q:k r:ɹ s:s t:t u:ʌ v:v w:w x:ks y:j z:z "
    "th:θ sh:ʃ ch:tʃ ng:ŋ ee:iː oo:uː"
)
SOUNDS: Final = dict(pair.split(":") for pair in LETTERS.split())
BRITISH: Final = {"a": "ɑː", "o": "ɒ", "r": "r"}
# What a word without a known letter, such as a number, sounds like: a report needs at least one phoneme per word.
NEUTRAL_VOWEL: Final = "ə"
# `lowest_scoring_phonemes` has three entries.
LOWEST_COUNT: Final = 3
# The least score of each CEFR level. Our choice: only the levels are documented.
LEVELS: Final = ((90, "C2"), (78, "C1"), (64, "B2"), (50, "B1"), (35, "A2"), (0, "A1"))
COMMON: Final = (
    *("the", "a", "my", "our", "this", "people", "morning", "city", "work", "friend", "time", "story", "music"),
    *("think", "like", "make", "visit", "learn", "remember", "walk", "often", "really", "quite", "because", "when"),
    *("and", "but", "with", "about", "into", "small", "new", "different", "important", "I", "we", "they", "it"),
)
# About 130 words a minute: unhurried speech.
WORDS_A_SECOND: Final = 2.2
MEAN_LEVEL: Final = 74.0
LEVEL_SPREAD: Final = 11.0


class ScoreGenerator:
    """The random numbers of one assessment.

    Args:
        seed: the service's seed.
        parts: all that is assessed, and how.
    """

    def __init__(self, seed: int, *parts: str) -> None:
        digest = blake2b(str(seed).encode(), digest_size=8)
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            # With their lengths: "ab", "c" and "a", "bc" must not be the same.
            digest.update(len(data).to_bytes(8, "big") + data)
        self._random = random.Random(digest.digest())  # noqa: S311 - seeded on purpose: same input, same report
        self.level = self.sample(MEAN_LEVEL, LEVEL_SPREAD)

    def sample(self, middle: float, spread: float) -> float:
        """Return a score from 0 to 100 around `middle`, normally distributed."""
        return min(100.0, max(0.0, self._random.gauss(middle, spread)))

    def score(self, spread: float = 6.0) -> int:
        """Return a whole score around the speaker's level."""
        return round(self.sample(self.level, spread))

    def chance(self, share: float) -> bool:
        """Return True in this share of all cases."""
        return self._random.random() < share

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        return self._random.randint(low, high)

    def speech(self, duration_s: float) -> str:
        """Return sentences that take about `duration_s` to say."""
        words_left = int(duration_s * WORDS_A_SECOND)
        sentences: list[str] = []
        while words_left > 0:
            words = [self._random.choice(COMMON) for _ in range(min(words_left, self.between(6, 12)))]
            words_left -= len(words)
            sentences.append(" ".join(words).capitalize() + ".")
        return " ".join(sentences)


class SpokenText(NamedTuple):
    """The words of a text with their scores, and the mean of these."""

    words: list[dict[str, Any]]
    score: float


def pronounce(generator: ScoreGenerator, text: str, accent: str) -> SpokenText:
    """Return how each word of a text is pronounced, phoneme by phoneme."""
    words = []
    for word in WORD.findall(text):
        phonemes = [
            {"ipa_label": ipa, "phoneme_score": generator.score(14.0)} for ipa in to_phonemes(word.lower(), accent)
        ]
        words.append({"word_text": word, "word_score": mean_score(phonemes, "phoneme_score"), "phonemes": phonemes})
    return SpokenText(words, float(mean_score(words, "word_score")))


def to_phonemes(word: str, accent: str) -> list[str]:
    """Return the phonemes of a word as far as its letters tell, and at least one."""
    table = SOUNDS | BRITISH if accent == "uk" else SOUNDS
    found: list[str] = []
    position = 0
    while position < len(word):
        pair = word[position : position + 2]
        length = 2 if len(pair) > 1 and pair in table else 1
        letters = word[position : position + length]
        if letters in table:
            found.append(table[letters])
        position += length
    return found or [NEUTRAL_VOWEL]


def mean_score(scored: list[dict[str, Any]], field: str) -> int:
    """Return the mean of a field, rounded; 0 if there is nothing."""
    return round(sum(entry[field] for entry in scored) / len(scored)) if scored else 0


def lowest_phonemes(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the phonemes with the lowest scores, the lowest first."""
    phonemes = [phoneme for word in words for phoneme in word["phonemes"]]
    return sorted(phonemes, key=lambda phoneme: (phoneme["phoneme_score"], phoneme["ipa_label"]))[:LOWEST_COUNT]


def proficiency_json(score: float, *, as_text: bool = False) -> dict[str, Any]:
    """Return what examinations might say; the PTE score is a text in one block, as in samples of real answers."""
    # IELTS in halves from 0 to 9, PTE from 10 to 90.
    pte = round(10 + score * 0.8)
    return {
        "mock_ielts": {"prediction": round(score / 100 * 18) / 2},
        "mock_cefr": {"prediction": next(level for min_score, level in LEVELS if score >= min_score)},
        "mock_pte": {"prediction": str(pte) if as_text else pte},
    }

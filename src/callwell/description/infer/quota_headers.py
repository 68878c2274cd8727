# SPDX-License-Identifier: Apache-2.0
"""Infers quotas: the headers that report them, and limits mentioned in prose."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from callwell.core.rules.profile import QuotaHeaderRule
from callwell.description.infer.evidence import Found, Question
from callwell.description.infer.facts import as_mapping, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.infer.facts import DocumentFacts

SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}

MAX_LIMITS: Final = 3
"""The most limits from prose that become questions: a longer list is a table of plans."""

_ABOUT_QUOTA: Final = re.compile(r"rate-?limit|quota|throttl")
_LIMIT_IN_TEXT: Final = re.compile(
    r"(\d[\d,]{0,11}) (?:api )?(?:requests?|calls?) ?(?:per|/|every|an?|each) ?(second|minute|hour|day)\b",
    re.IGNORECASE,
)


class InferredQuota(NamedTuple):
    """The inferred quotas.

    Attributes:
        headers: the headers that report them; None if none is documented.
        questions: questions about limits, with those that the prose mentions.
    """

    headers: Found[QuotaHeaderRule] | None
    questions: tuple[Question, ...]


def infer_quota(facts: DocumentFacts) -> InferredQuota:
    """Infer what a document says about quotas.

    Args:
        facts: the document.
    """
    described: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for response in facts.responses:
        for name, text in response.headers.items():
            if _ABOUT_QUOTA.search(name):
                counts[name] += 1
                described[name] = described.get(name) or text
    limits = tuple(_find_questions(facts))
    remaining = _best(counts, "remaining")
    if remaining is None:
        return InferredQuota(None, limits)
    reset = _best(counts, "reset") or _best(counts, "retry-after")
    rule = QuotaHeaderRule(
        limit=_best(counts, "limit"),
        remaining=remaining,
        reset=reset,
        reset_is=_reset_kind(described.get(reset or "", ""), reset or ""),
    )
    return InferredQuota(Found(rule, "documented", f"headers of {counts[remaining]} responses"), limits)


def _best(counts: Mapping[str, int], ending: str) -> str | None:
    """The most common header with a suffix."""
    names = [name for name in counts if name.endswith(ending) and (ending != "limit" or "remaining" not in name)]
    return max(names, key=lambda name: (counts[name], name)) if names else None


def _reset_kind(text: str, name: str) -> Literal["delta", "delta_ms", "epoch"]:
    """What a reset header means, by its description; by default, `X-RateLimit-Reset` is a time, as usual."""
    lowered = text.lower()
    if re.search(r"epoch|unix|timestamp|utc", lowered):
        return "epoch"
    if "millisecond" in lowered:
        return "delta_ms"
    if re.search(r"seconds|remaining time|until", lowered):
        return "delta"
    return "epoch" if name.startswith("x-") and name.endswith("reset") else "delta"


def _find_questions(facts: DocumentFacts) -> list[Question]:
    """Questions about limits in the document's prose: a person must say which quota each one is."""
    info = as_mapping(facts.document.get("info"))
    texts = [
        as_text(info.get("description")),
        *(response.description for response in facts.responses if response.status == "429"),
    ]
    found = dict.fromkeys(match.groups() for text in texts for match in _LIMIT_IN_TEXT.finditer(text))
    asked: list[Question] = []
    for amount, unit in list(found)[:MAX_LIMITS]:
        limit = int(re.sub(r"\D", "", amount))
        if limit:
            example = (f"[quotas.{unit.lower()}]", f"limit = {limit}", f"window_s = {SECONDS[unit.lower()]}")
            asked.append(
                Question(f"the document speaks of {limit} requests per {unit.lower()}; which requests count?", example)
            )
    if not asked:
        asked.append(
            Question("which limits does the provider document?", ("[quotas.minute]", "limit = 60", "window_s = 60"))
        )
    return asked

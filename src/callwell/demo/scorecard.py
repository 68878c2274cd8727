# SPDX-License-Identifier: Apache-2.0
"""What a part of the demo was worth, and what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Promise(NamedTuple):
    """A bound for one figure; one of them is given.

    Attributes:
        most: it is at most so much.
        least: it is at least so much.
        exactly: it is this.
    """

    most: float | None = None
    least: float | None = None
    exactly: float | str | None = None

    def kept(self, value: Any) -> bool:
        """Whether a figure is within it; one that could not be counted is not."""
        if value is None:
            return False
        if self.exactly is not None:
            return bool(value == self.exactly)
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        if self.exactly is not None:
            return str(self.exactly)
        return f"at least {self.least:,}" if self.most is None else f"at most {self.most:,}"


MEANINGS: Final[Mapping[str, str]] = {
    "items": "items",
    "assets": "files",
    "bytes": "bytes in them",
    "lost": "items lost",
    "duplicated": "items there twice",
    "wrong_bytes": "files with bad bytes",
    "calls": "calls",
    "attempts": "requests for them",
    "amplification": "requests per call",
    "early_calls": "requests too early",
    "over_quota": "requests over quota",
    "failed_calls": "calls failed for good",
    "keys_seen_elsewhere": "keys seen elsewhere",
    "quota_used": "share of quota used",
    "resent_bytes": "bytes sent twice",
    "billed_twice": "billed twice",
    "verdict": "verdict of the client",
}
"""What each figure is, in the order in which they are shown."""

ALWAYS: Final[Mapping[str, Promise]] = {
    "lost": Promise(exactly=0),
    "duplicated": Promise(exactly=0),
    "wrong_bytes": Promise(exactly=0),
    "early_calls": Promise(exactly=0),
    "over_quota": Promise(exactly=0),
    "failed_calls": Promise(exactly=0),
    "keys_seen_elsewhere": Promise(exactly=0),
    "amplification": Promise(most=1.2),
    "verdict": Promise(exactly="complete"),
}
"""What every part promises."""


class Scorecard(NamedTuple):
    """What a part was worth, counted by the emulator and from the files.

    Attributes:
        items: objects that came out of it.
        assets: files.
        bytes: their bytes.
        lost: items that should be there and are not, or not with all their files.
        duplicated: items that are there twice.
        wrong_bytes: files that are not what they should be.
        calls: what the client wanted, as told from the arrivals.
        attempts: arrivals.
        amplification: attempts per call.
        early_calls: arrivals after a 429 and before its time.
        over_quota: arrivals beyond the quota in any window.
        failed_calls: calls that never came to a good end.
        keys_seen_elsewhere: arrivals at other origins that carried a key.
        quota_used: the share of the quota that was used while there was work, 1 at most; None where the work fitted
            one window, or no quota is known.
        verdict: the client's own.
        resent_bytes: bytes that arrived although they were there, by the killed process and its successor; None where
            nothing large is sent.
        billed_twice: what was billed although an answer to the same had come; None where nothing is billed one by one.
    """

    items: int
    assets: int
    bytes: int
    lost: int
    duplicated: int
    wrong_bytes: int
    calls: int
    attempts: int
    amplification: float
    early_calls: int
    over_quota: int
    failed_calls: int
    keys_seen_elsewhere: int
    quota_used: float | None
    verdict: str
    resent_bytes: int | None = None
    billed_twice: int | None = None

    @property
    def figures(self) -> dict[str, Any]:
        """All that was counted, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def client_figures(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a card that tell how the client behaved.

    Args:
        counts: what the emulator has counted.
    """
    whole = ("calls", "attempts", "early_calls", "over_quota", "failed_calls", "keys_seen_elsewhere")
    used = counts["quota_used"]
    shares = {
        "amplification": round(counts["amplification"], 4),
        "quota_used": None if used is None else round(used, 4),
    }
    return {name: counts[name] for name in whole} | shares


class DemoResult(NamedTuple):
    """A card, and what was promised.

    Attributes:
        card: the card.
        promises: by the name of a figure.
    """

    card: Scorecard
    promises: Mapping[str, Promise]

    @property
    def faults(self) -> dict[str, str]:
        """What is not as promised, in words."""
        told = self.card.figures
        return {
            name: f"{told.get(name, 'not counted')}, promised {promise}"
            for name, promise in self.promises.items()
            if not promise.kept(told.get(name))
        }

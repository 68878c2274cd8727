# SPDX-License-Identifier: Apache-2.0
"""The figures of a scenario, and the promises they must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Promise(NamedTuple):
    """A bound for one figure. Exactly one of them is given.

    Attributes:
        at_most: the highest value.
        at_least: the lowest value.
        exactly: the only value.
    """

    at_most: float | None = None
    at_least: float | None = None
    exactly: float | str | None = None

    def is_kept(self, value: Any) -> bool:
        """Whether a figure is within the bound. A figure that could not be counted is not."""
        if value is None:
            return False
        if self.exactly is not None:
            return bool(value == self.exactly)
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def __str__(self) -> str:
        if self.exactly is not None:
            return str(self.exactly)
        return f"at least {self.at_least:,}" if self.at_most is None else f"at most {self.at_most:,}"


MEANINGS: Final[Mapping[str, str]] = {
    "items": "items",
    "assets": "files",
    "bytes": "size of files",
    "lost": "items lost",
    "duplicated": "items duplicated",
    "wrong_bytes": "files with wrong bytes",
    "calls": "calls",
    "attempts": "requests for them",
    "amplification": "requests per call",
    "early_calls": "requests too early",
    "over_quota": "requests over quota",
    "failed_calls": "calls that failed",
    "keys_seen_elsewhere": "keys sent elsewhere",
    "quota_used": "share of quota used",
    "resent_bytes": "bytes sent twice",
    "billed_twice": "billed twice",
    "verdict": "client's verdict",
}
"""Each figure in words, in the order in which they are shown."""

ALWAYS: Final[Mapping[str, Promise]] = {
    "lost": Promise(exactly=0),
    "duplicated": Promise(exactly=0),
    "wrong_bytes": Promise(exactly=0),
    "early_calls": Promise(exactly=0),
    "over_quota": Promise(exactly=0),
    "failed_calls": Promise(exactly=0),
    "keys_seen_elsewhere": Promise(exactly=0),
    "amplification": Promise(at_most=1.2),
    "verdict": Promise(exactly="complete"),
}
"""The promises of every scenario."""


class Scorecard(NamedTuple):
    """The figures of a scenario, counted by the emulator and in the files.

    Attributes:
        items: objects in the result.
        assets: files in the result.
        bytes: the size of these files.
        lost: items that are missing, or lack a file.
        duplicated: items that appear twice.
        wrong_bytes: files with other contents than they should have.
        calls: calls the client wanted to make, as the emulator infers from the requests.
        attempts: requests.
        amplification: requests per call.
        early_calls: requests after a 429 that came before its time was over.
        over_quota: requests beyond the quota of any window.
        failed_calls: calls that never succeeded.
        keys_seen_elsewhere: requests to other origins that carried a key.
        quota_used: the share of the quota that was used while there was work, at most 1; None if the work fitted into
            one window, or no quota is known.
        verdict: the client's own verdict.
        resent_bytes: bytes that the killed process or its successor sent although they had arrived; None if nothing
            large is sent.
        billed_twice: what was billed although a response to the same request had arrived; None if nothing is billed one
            by one.
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
        """All figures that were counted, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def client_figures(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a scorecard about the client's behaviour.

    Args:
        counts: the counts of the emulator.
    """
    names = ("calls", "attempts", "early_calls", "over_quota", "failed_calls", "keys_seen_elsewhere")
    quota_used = counts["quota_used"]
    return {
        **{name: counts[name] for name in names},
        "amplification": round(counts["amplification"], 4),
        "quota_used": None if quota_used is None else round(quota_used, 4),
    }


class DemoResult(NamedTuple):
    """The result of a scenario.

    Attributes:
        scorecard: its figures.
        promises: the bounds, by figure.
    """

    scorecard: Scorecard
    promises: Mapping[str, Promise]

    @property
    def broken(self) -> dict[str, str]:
        """The broken promises, by figure, in words."""
        figures = self.scorecard.figures
        return {
            name: f"{figures.get(name, 'not counted')}, promised {promise}"
            for name, promise in self.promises.items()
            if not promise.is_kept(figures.get(name))
        }

# SPDX-License-Identifier: Apache-2.0
"""Measures sound: how loud it is, how often it stands at its limit, and whether two channels hold the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from callwell.core.audio_types import Level

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW_S: Final = 0.02
"""Loudness is told every so often: a syllable is some ten times longer."""
LIMIT: Final = 0.999
RUN: Final = 3
"""Samples in a row at the limit that no natural sound has."""
DEAF: Final = 0.0001
"""A channel below -80 dB has nothing in it with which another could be compared."""


class LevelMeter:
    """Adds up what is heard, block by block.

    Args:
        channels: how many there are.
        rate: samples per second.
    """

    def __init__(self, channels: int, rate: int) -> None:
        self._channels = channels
        self._rate = rate
        self._window = max(1, round(rate * WINDOW_S))
        self._samples = 0
        self._peak = 0.0
        self._limited = 0
        self._energy = np.zeros(channels)
        self._cross = 0.0
        self._loudness: list[NDArray[np.float64]] = []

    @property
    def heard_s(self) -> float:
        """How much was heard, in seconds."""
        return self._samples / self._rate

    def add(self, block: NDArray[np.float32]) -> None:
        """Hear a block.

        Args:
            block: samples, a row for each channel.
        """
        count = block.shape[1]
        peak = max(float(block.max()), -float(block.min())) if count else 0.0
        self._samples += count
        self._peak = max(self._peak, peak) if np.isfinite(peak) else peak
        if peak >= LIMIT:
            hot = np.abs(block) >= LIMIT
            self._limited += int((hot[:, : 1 - RUN] & hot[:, 1:-1] & hot[:, RUN - 1 :]).sum())
        whole = count - count % self._window
        windows = block[:, :whole].reshape(self._channels, -1, self._window)
        loud = np.einsum("cnw,cnw->cn", windows, windows).astype(np.float64)
        rest = block[:, whole:]
        self._energy += loud.sum(axis=1) + np.einsum("cw,cw->c", rest, rest)
        if self._channels == 2:  # noqa: PLR2004 - two are compared
            self._cross += float(np.dot(block[0], block[1]))
            self._loudness.append(np.sqrt(loud))

    def level(self, damaged: float) -> Level:
        """What was heard.

        Args:
            damaged: the share of the file's bytes that could not be read as sound.
        """
        total = self._samples * self._channels
        alike, together = self._likeness()
        return Level(
            duration_s=self.heard_s,
            peak=self._peak,
            rms=float(np.sqrt(self._energy.sum() / total)) if total else 0.0,
            clipped=self._limited / total if total else 0.0,
            damaged=damaged,
            alike=alike,
            together=together,
        )

    def _likeness(self) -> tuple[float | None, float | None]:
        if self._channels != 2 or not self._samples:  # noqa: PLR2004 - two are compared
            return None, None
        if not (np.sqrt(self._energy / self._samples) > DEAF).all():
            return None, None
        alike = self._cross / float(np.sqrt(self._energy.prod()))
        left, right = np.concatenate(self._loudness, axis=1)
        left, right = left - left.mean(), right - right.mean()
        spread = float(np.sqrt(np.dot(left, left) * np.dot(right, right)))
        flat = spread <= float(self._energy.sum()) * DEAF
        return alike, 0.0 if flat else float(np.dot(left, right)) / spread

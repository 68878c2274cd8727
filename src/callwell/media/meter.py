# SPDX-License-Identifier: Apache-2.0
"""Measures sound: its loudness, how much of it is clipped, and whether two channels have the same content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from callwell.core.audio_types import AudioMeasurements

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW_S: Final = 0.02
"""Seconds per loudness value: a syllable is about ten times longer."""

CLIPPING_LEVEL: Final = 0.999
"""The level at which a sample counts as clipped: lossy codecs return peaks a little lower than they were."""

CLIPPING_RUN: Final = 3
"""Consecutive samples at the limit that count as clipping: natural sound has fewer."""

SILENT_CHANNEL: Final = 0.0001
"""A channel below -80 dB has nothing to compare another channel with."""


class AudioMeter:
    """Measures sound block by block.

    Args:
        channels: the number of channels.
        rate: samples per second.
    """

    def __init__(self, channels: int, rate: int) -> None:
        self._channels = channels
        self._rate = rate
        self._window = max(1, round(rate * WINDOW_S))
        self._samples = 0
        self._peak = 0.0
        self._clipped = 0
        self._energy = np.zeros(channels)
        self._cross = 0.0
        self._loudness: list[NDArray[np.float64]] = []

    @property
    def duration_s(self) -> float:
        """The length so far, in seconds."""
        return self._samples / self._rate

    def add(self, block: NDArray[np.float32]) -> None:
        """Measure a block.

        Args:
            block: samples, with a row for each channel.
        """
        count = block.shape[1]
        peak = max(float(block.max()), -float(block.min())) if count else 0.0
        self._samples += count
        self._peak = max(self._peak, peak) if np.isfinite(peak) else peak
        if peak >= CLIPPING_LEVEL:
            at_limit = np.abs(block) >= CLIPPING_LEVEL
            self._clipped += int(
                (at_limit[:, : 1 - CLIPPING_RUN] & at_limit[:, 1:-1] & at_limit[:, CLIPPING_RUN - 1 :]).sum()
            )
        whole = count - count % self._window
        windows = block[:, :whole].reshape(self._channels, -1, self._window)
        loud = np.einsum("cnw,cnw->cn", windows, windows).astype(np.float64)
        rest = block[:, whole:]
        self._energy += loud.sum(axis=1) + np.einsum("cw,cw->c", rest, rest)
        if self._channels == 2:  # noqa: PLR2004 - two are compared
            self._cross += float(np.dot(block[0], block[1]))
            self._loudness.append(np.sqrt(loud))

    def measurements(self, damaged: float) -> AudioMeasurements:
        """The measurements.

        Args:
            damaged: the share of the file's bytes that could not be decoded.
        """
        total = self._samples * self._channels
        correlation, loudness_correlation = self._correlations()
        return AudioMeasurements(
            duration_s=self.duration_s,
            peak=self._peak,
            rms=float(np.sqrt(self._energy.sum() / total)) if total else 0.0,
            clipped=self._clipped / total if total else 0.0,
            damaged=damaged,
            correlation=correlation,
            loudness_correlation=loudness_correlation,
        )

    def _correlations(self) -> tuple[float | None, float | None]:
        if self._channels != 2 or not self._samples:  # noqa: PLR2004 - two are compared
            return None, None
        if not (np.sqrt(self._energy / self._samples) > SILENT_CHANNEL).all():
            return None, None
        correlation = self._cross / float(np.sqrt(self._energy.prod()))
        left, right = np.concatenate(self._loudness, axis=1)
        left = left - left.mean()
        right = right - right.mean()
        spread = float(np.sqrt(np.dot(left, left) * np.dot(right, right)))
        flat = spread <= float(self._energy.sum()) * SILENT_CHANNEL
        return correlation, 0.0 if flat else float(np.dot(left, right)) / spread

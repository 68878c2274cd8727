# SPDX-License-Identifier: Apache-2.0
"""Prepares recordings: converts them to a format that a provider accepts."""

from __future__ import annotations

from callwell.core.audio_types import AudioInfo, Caution, Raw, Step
from callwell.media.preparing import Prepared, prepare

__all__ = ["AudioInfo", "Caution", "Prepared", "Raw", "Step", "prepare"]

# SPDX-License-Identifier: Apache-2.0
"""Media before it is sent: recordings in the form that a provider takes."""

from __future__ import annotations

from callwell.core.sound import Caution, Raw, Sound, Step
from callwell.media.preparing import Prepared, prepare

__all__ = ["Caution", "Prepared", "Raw", "Sound", "Step", "prepare"]

# SPDX-License-Identifier: Apache-2.0
"""How long a test waits for what must happen before it calls it lost."""

from __future__ import annotations

from typing import Final

PATIENCE_S: Final = 120.0
"""Seconds. A test that passes never waits so long; one on a machine with six times the load that it has cores for may
wait for a third of it."""

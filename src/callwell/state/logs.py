# SPDX-License-Identifier: Apache-2.0
"""The log of states: for what happens where there is no caller to raise it to."""

from __future__ import annotations

import logging
from typing import Final

LOGGER: Final = logging.getLogger("callwell")
LOGGER.addHandler(logging.NullHandler())  # else Python prints warnings where the program does not log

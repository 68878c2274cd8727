# SPDX-License-Identifier: Apache-2.0
"""The logger of states, for problems without a caller to raise them to."""

from __future__ import annotations

import logging
from typing import Final

LOGGER: Final = logging.getLogger("callwell")
LOGGER.addHandler(logging.NullHandler())  # otherwise Python prints warnings if the program does not configure logging

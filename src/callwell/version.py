# SPDX-License-Identifier: Apache-2.0
"""Which release this is, for whoever wants to know without asking what is installed, which takes longer than a call."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"

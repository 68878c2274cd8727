# SPDX-License-Identifier: Apache-2.0
"""The version of Callwell, written here because looking it up in the metadata takes longer than a call."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"

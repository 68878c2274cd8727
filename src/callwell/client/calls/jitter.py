# SPDX-License-Identifier: Apache-2.0
"""Random numbers that spread the waits of callers."""

from __future__ import annotations


def roll() -> float:
    """A random number from 0 to 1."""
    import random  # only a call that retries needs one

    return random.random()  # noqa: S311 - it is not a secret

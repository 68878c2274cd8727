# SPDX-License-Identifier: Apache-2.0
"""The names by which programs use Callwell: its clients and its errors."""

from __future__ import annotations

from typing import Final

from callwell import errors

CLIENTS: Final = frozenset({"callwell.Client", "callwell.AsyncClient"})
"""The clients by their full names."""

ERRORS: Final = frozenset(
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.CallwellError)
)
"""The classes of errors, as `callwell.errors` has them."""

REFUSALS: Final = frozenset(
    {
        *("CallwellError", "CallError", "ApiError", "BadRequest", "Unauthorized", "Forbidden", "Missing", "NotFound"),
        *("Gone", "Conflict", "UsageError"),
    }
)
"""Errors for a 4xx, whose requests would be refused again, and their base classes."""

LATER: Final = frozenset({"RateLimited", "WouldExceedDeadline", "DeadlineExceeded", "OutOfTime", "OutcomeUnknown"})
"""Errors after which a caller may retry later, because Callwell did not make that attempt."""


def is_error(name: str) -> bool:
    """Whether a full name is that of one of Callwell's errors.

    Args:
        name: such as `callwell.NotFound` or `callwell.errors.NotFound`.
    """
    return name.startswith("callwell.") and name.rpartition(".")[2] in ERRORS


def is_client(name: str) -> bool:
    """Whether a full name is that of one of Callwell's clients.

    Args:
        name: such as `callwell.Client`.
    """
    return name in CLIENTS or (name.startswith("callwell.providers.") and name.rpartition(".")[2][:1].isupper())

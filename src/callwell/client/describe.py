# SPDX-License-Identifier: Apache-2.0
"""What a description says about an operation, as the engine needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.core.types import Traits

if TYPE_CHECKING:
    from callwell.core.rules import OperationRule
    from callwell.spec.provider import Provider

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
IDEMPOTENT: Final = SAFE | {"PUT", "DELETE"}
"""Methods that HTTP itself allows to repeat (RFC 9110, section 9.2)."""


def traits_of(method: str, rule: OperationRule | None) -> Traits:
    """What matters about an operation for deciding.

    Args:
        method: the HTTP method.
        rule: what the profile says about the operation, None for requests outside the description.
    """
    said = None if rule is None else rule.repeatable
    repeatable = method in IDEMPOTENT if said is None else said
    return Traits(safe=method in SAFE, repeatable=repeatable, deletes=method == "DELETE")


def quotas_of(provider: Provider, rule: OperationRule | None) -> tuple[str, ...]:
    """The names of the quotas that a call counts against: all of them, unless the profile says which.

    Args:
        provider: the provider.
        rule: what the profile says about the operation, None for requests outside the description.
    """
    said = None if rule is None else rule.quotas
    return tuple(provider.profile.quotas) if said is None else said


def groups(provider: Provider) -> tuple[str, ...]:
    """The first parts of the operations' names."""
    return tuple(sorted({name.partition(".")[0] for name in provider.api.operations}))


def lists(provider: Provider) -> tuple[str, ...]:
    """The operations that have pages."""
    return tuple(name for name, rule in provider.profile.operations.items() if rule.paging)


def files(provider: Provider) -> tuple[str, ...]:
    """The operations that lead to a file."""
    return tuple(name for name, rule in provider.profile.operations.items() if rule.asset)

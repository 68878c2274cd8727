# SPDX-License-Identifier: Apache-2.0
"""What the engine needs to know of an operation, which is the same for all its calls, and of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from callwell.client.binding import Bound
    from callwell.client.options import Choices
    from callwell.core.types import Traits


class Plan(NamedTuple):
    """What all calls of an operation have in common.

    Attributes:
        operation: the operation's name, or the method for requests outside the description.
        traits: what the description says about it.
        quotas: names of the quotas that it counts against.
        template: the path with its parameters in braces, None for requests outside the description.
    """

    operation: str
    traits: Traits
    quotas: tuple[str, ...]
    template: str | None

    @property
    def described(self) -> bool:
        """Whether it is an operation of the description, whose successes are JSON."""
        return self.template is not None


class Order(NamedTuple):
    """One call, as the engine takes it.

    Attributes:
        plan: of its operation.
        bound: what is sent.
        choices: what the caller chose.
    """

    plan: Plan
    bound: Bound
    choices: Choices

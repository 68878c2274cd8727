# SPDX-License-Identifier: Apache-2.0
"""One call, as the engine takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from callwell.client.binding import Bound
    from callwell.client.options import Choices
    from callwell.core.types import Traits


class Order(NamedTuple):
    """One call, as the engine takes it.

    Attributes:
        operation: the operation's name, or the method for requests outside the description.
        bound: what is sent.
        traits: what the description says about it.
        quotas: names of the quotas that it counts against.
        choices: what the caller chose.
        described: it is an operation of the description, whose successes are JSON.
    """

    operation: str
    bound: Bound
    traits: Traits
    quotas: tuple[str, ...]
    choices: Choices
    described: bool = True

# SPDX-License-Identifier: Apache-2.0
"""Print the operations of a provider: `callwell operations`, and `callwell call` and `list` without an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.cli import output
from callwell.description.plain_text import first_sentence

if TYPE_CHECKING:
    from callwell.cli.flags import ClientFlags
    from callwell.description.model import Operation


def print_operations(flags: ClientFlags, provider: str, *, paged: bool = False) -> None:
    """Print a provider's operations with their required arguments.

    Args:
        flags: they select the environment.
        provider: its name, or the folder of its description.
        paged: only operations that have pages.
    """
    described, environment = flags.load(provider)
    allowed = described.profile.environments[environment].operations
    rows = [
        (name, _required_arguments(operation), first_sentence(operation.summary))
        for name, operation in sorted(described.api.operations.items())
        if (allowed is None or name in allowed) and (described.rule(name).paging is not None or not paged)
    ]
    if not rows:
        output.say(f"{described.name} has no {'lists' if paged else 'operations'} in {environment}")
        return
    output.emit_table(("operation", "required", "description"), rows)


def _required_arguments(operation: Operation) -> str:
    return " ".join(f"{parameter.name}=…" for parameter in operation.parameters if parameter.required)

# SPDX-License-Identifier: Apache-2.0
"""What a provider can be asked, for those who do not know its operations by heart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.cli import output

if TYPE_CHECKING:
    from callwell.cli.flags import ClientFlags
    from callwell.description.model import Operation


def show(flags: ClientFlags, provider: str, *, paged: bool = False) -> None:
    """Print the operations of a provider, with what each needs.

    Args:
        flags: name the environment.
        provider: its name, or the folder of its description.
        paged: those that have pages only.
    """
    described, environment = flags.described(provider)
    known = described.profile.environments[environment].operations
    rows = [
        (name, _needs(operation), operation.summary)
        for name, operation in sorted(described.api.operations.items())
        if (known is None or name in known) and (described.rule(name).paging is not None or not paged)
    ]
    if not rows:
        output.say(f"{described.name} has no {'lists' if paged else 'operations'} in {environment}")
        return
    output.emit_table(("operation", "needs", "what it does"), rows)


def _needs(operation: Operation) -> str:
    return " ".join(f"{one.name}=…" for one in operation.parameters if one.required)

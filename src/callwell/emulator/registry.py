# SPDX-License-Identifier: Apache-2.0
"""All that is played, by name, and whom a request to the control port means.

A name is a provider's (`userplane`: all its environments) or that of one environment (`userplane/production`). Without
a name all are meant; where only one can be, there must be no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callwell.emulator.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.emulator.exchange import Stand
    from callwell.emulator.fault_rules import FaultRule


@dataclass(frozen=True, slots=True)
class Board:
    """The stands by the names of their environments."""

    stands: Mapping[str, Stand]

    def __iter__(self) -> Iterator[Stand]:
        return iter(self.stands.values())

    def cards(self) -> Iterator[tuple[str, Stand]]:
        """The stands by the shortest name that means one of them alone."""
        for name, stand in self.stands.items():
            short = stand.provider.name
            yield short if len(self.meant(short)) == 1 else name, stand

    def meant(self, name: str | None) -> list[Stand]:
        """Whom a name means.

        Raises:
            BadInput: nobody.
        """
        found = [stand for full, stand in self.stands.items() if name in (None, full, stand.provider.name)]
        if not found:
            raise BadInput(f"provider: {name!r} is none of {', '.join(self.stands)}")
        return found

    def one(self, name: str | None) -> Stand:
        """The only one whom a name means.

        Raises:
            BadInput: nobody, or several.
        """
        found = self.meant(name)
        if len(found) > 1:
            raise BadInput(f"provider: {name!r} could be any of {', '.join(self.stands)}: name one")
        return found[0]

    def suffering(self, rule: FaultRule) -> list[Stand]:
        """Who has what a rule is about; if nobody has, all that it means, so that one of them complains."""
        meant = self.meant(rule.provider)
        return [stand for stand in meant if stand.provider.catalogue.has(rule.operation, rule.fault)] or meant

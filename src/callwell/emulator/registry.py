# SPDX-License-Identifier: Apache-2.0
"""All that is played, by name, and whom a request to the control port means.

A name is a provider's (`userplane`: all its environments) or that of one environment (`userplane/production`). Without
a name all are meant; where only one can be, there must be no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.emulator.exchange import EmulatedService
    from callwell.emulator.fault_rules import FaultRule


@dataclass(frozen=True, slots=True)
class ServiceRegistry:
    """The stands by the names of their environments."""

    services: Mapping[str, EmulatedService]

    def __iter__(self) -> Iterator[EmulatedService]:
        return iter(self.services.values())

    def by_shortest_name(self) -> Iterator[tuple[str, EmulatedService]]:
        """The stands by the shortest name that means one of them alone."""
        for name, service in self.services.items():
            short = service.provider.name
            yield short if len(self.matching(short)) == 1 else name, service

    def matching(self, name: str | None) -> list[EmulatedService]:
        """Whom a name means.

        Raises:
            BadInput: nobody.
        """
        found = [service for full, service in self.services.items() if name in (None, full, service.provider.name)]
        if not found:
            raise InvalidInput(f"provider: {name!r} is none of {', '.join(self.services)}")
        return found

    def get(self, name: str | None) -> EmulatedService:
        """The only one whom a name means.

        Raises:
            BadInput: nobody, or several.
        """
        found = self.matching(name)
        if len(found) > 1:
            raise InvalidInput(f"provider: {name!r} could be any of {', '.join(self.services)}: name one")
        return found[0]

    def affected_by(self, rule: FaultRule) -> list[EmulatedService]:
        """Who has what a rule is about; if nobody has, all that it means, so that one of them complains."""
        meant = self.matching(rule.provider)
        return [
            service for service in meant if service.provider.fault_targets.supports(rule.operation, rule.fault)
        ] or meant

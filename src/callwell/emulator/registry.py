# SPDX-License-Identifier: Apache-2.0
"""All emulated services by name, and which of them a request to the control port means.

A name is that of a provider (`userplane`: all its environments) or of one environment (`userplane/production`). No name
means all of them. Where one service is needed, as for a key, the name must leave only one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.emulator.exchange import EmulatedService
    from callwell.emulator.fault_rules import FaultRule


@cache
def emulated_names() -> tuple[str, ...]:
    """Return the names of the providers that can be emulated: the packages next to this file."""
    return tuple(sorted(module.name for module in iter_modules([str(Path(__file__).parent)]) if module.ispkg))


def can_emulate(name: str) -> bool:
    """Return whether a provider can be emulated.

    Args:
        name: its name, as its profile has it.
    """
    return name in emulated_names()


@dataclass(frozen=True, slots=True)
class ServiceRegistry:
    """The emulated services.

    Attributes:
        services: by `PROVIDER/ENVIRONMENT`.
    """

    services: Mapping[str, EmulatedService]

    def __iter__(self) -> Iterator[EmulatedService]:
        return iter(self.services.values())

    def by_shortest_name(self) -> Iterator[tuple[str, EmulatedService]]:
        """Yield each service with the shortest name that means it alone."""
        for name, service in self.services.items():
            provider_name = service.provider.name
            yield provider_name if len(self.matching(provider_name)) == 1 else name, service

    def matching(self, name: str | None) -> list[EmulatedService]:
        """Return the services that a name means.

        Raises:
            InvalidInput: there is none.
        """
        found = [service for full, service in self.services.items() if name in (None, full, service.provider.name)]
        if not found:
            raise InvalidInput(f"provider: {name!r} is not one of {', '.join(self.services)}")
        return found

    def get(self, name: str | None) -> EmulatedService:
        """Return the only service that a name means.

        Raises:
            InvalidInput: there is none, or more than one.
        """
        found = self.matching(name)
        if len(found) > 1:
            raise InvalidInput(f"provider: {name!r} could be any of {', '.join(self.services)}: name one")
        return found[0]

    def affected_by(self, rule: FaultRule) -> list[EmulatedService]:
        """Return the services that a rule can affect.

        If it can affect none, all services that it names are returned: the first one reports what is wrong with the
        rule.
        """
        named = self.matching(rule.provider)
        return [
            service for service in named if service.provider.fault_targets.supports(rule.operation, rule.fault)
        ] or named

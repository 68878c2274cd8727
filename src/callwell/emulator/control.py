# SPDX-License-Identifier: Apache-2.0
"""The control port: faults, ledger, clock, data and keys of the emulated providers, as JSON.

A request that makes no sense is answered 400 with one sentence: `{"error": "..."}`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from starlette.responses import Response

from callwell.emulator.errors import InvalidInput
from callwell.emulator.fault_rules import parse_rules
from callwell.emulator.score import score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from callwell.emulator.clock import MovableClock
    from callwell.emulator.exchange import EmulatedService
    from callwell.emulator.provider import LedgerItem
    from callwell.emulator.registry import ServiceRegistry

T = TypeVar("T")
# A digest of an item takes up to a millisecond: after so many, other requests get their turn.
ITEMS_PER_TURN: Final = 100


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request about keys; everything in it is optional.

    Attributes:
        provider: the provider or environment; needed if there is more than one.
        fingerprint: the key; the newest live one by default.
        name: the name of a new key.
        expires_in_s: the life of a new key in clock seconds; None if it does not expire.
    """

    provider: str | None = None
    fingerprint: str | None = None
    name: str | None = None
    expires_in_s: float | None = None


class ClockMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a move of the clock: how many of its seconds."""

    advance_s: float


def json_response(value: object, status: int = 200) -> Response:
    """Return `value` as a JSON response."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


@dataclass(frozen=True, slots=True)
class ControlHandlers:
    """The handlers of the control port.

    Attributes:
        registry: the emulated services.
        clock: the emulator's clock, the same for all.
        describe: returns where everything is, as `emulate --json` prints it.
    """

    registry: ServiceRegistry
    clock: MovableClock
    describe: Callable[[], object]

    async def health(self, _: Request) -> Response:
        """Return where everything is, and the options in force."""
        return json_response({"status": "ok", "emulator": self.describe(), "options": self._options()})

    async def get_clock(self, _: Request) -> Response:
        """Return the time of the emulator's clock."""
        return json_response(self.clock.read())

    async def move_clock(self, request: Request) -> Response:
        """Move the emulator's clock ahead immediately."""
        self.clock.advance(_decode(await request.body(), ClockMove).advance_s)
        return json_response(self.clock.read())

    async def get_faults(self, _: Request) -> Response:
        """Return the rules in force with their counters."""
        return json_response([rule for service in self.registry for rule in service.script.describe()])

    async def put_faults(self, request: Request) -> Response:
        """Replace the script of faults."""
        rules = parse_rules(await request.body())
        for number, rule in enumerate(rules, 1):
            for service in self.registry.affected_by(rule):
                service.provider.fault_targets.validate(rule, f"rule {number}")
        for service in self.registry:
            service.script.replace([rule for rule in rules if service in self.registry.affected_by(rule)])
        return await self.get_faults(request)

    async def ledger(self, _: Request) -> Response:
        """Return items and counts by provider."""
        found: dict[str, Any] = {}
        for name, service in self.registry.by_shortest_name():
            await service.provider.wait_until_idle()
            rows = service.ledger.rows()
            items: list[LedgerItem] = []
            for item in service.provider.items():
                items.append(item)
                if len(items) % ITEMS_PER_TURN == 0:
                    await asyncio.sleep(0)
            counts = score(rows, service.provider.limits(), self.clock.jumps) | dict(service.provider.counts())
            found[name] = {"requests": counts["attempts"], "items": items, "counts": counts}
        return json_response(found)

    async def rows(self, _: Request) -> Response:
        """Return every row."""
        return json_response([row for service in self.registry for row in service.ledger.rows()])

    async def seed(self, request: Request) -> Response:
        """Rebuild the data."""
        for service, changes in self._parse_changes(await request.body()):
            service.provider.seed(changes)
        return json_response({"options": self._options()})

    async def reset(self, request: Request) -> Response:
        """Rebuild data and quotas, clear ledgers and faults; the clock keeps its offset."""
        for service, changes in self._parse_changes(await request.body()):
            service.provider.reset(changes)
            service.ledger.clear()
            service.script.replace([])
        return json_response({"options": self._options(), "emulator": self.describe()})

    async def keys(self, _: Request) -> Response:
        """Return the keys, masked."""
        return json_response(
            {name: service.provider.keys.list_all() for name, service in self.registry.by_shortest_name()}
        )

    async def create_key(self, request: Request) -> Response:
        """Create a key."""
        service, key_request = self._parse_key_request(await request.body())
        return json_response({"key": service.provider.keys.create(key_request.name, key_request.expires_in_s)})

    async def rotate_key(self, request: Request) -> Response:
        """Create a key to replace an old one, which is revoked."""
        service, key_request = self._parse_key_request(await request.body())
        return json_response(
            {"key": service.provider.keys.rotate(key_request.fingerprint, key_request.name, key_request.expires_in_s)}
        )

    async def revoke_key(self, request: Request) -> Response:
        """Revoke a key."""
        service, key_request = self._parse_key_request(await request.body())
        return json_response({"revoked": service.provider.keys.revoke(key_request.fingerprint)})

    async def disable_key(self, request: Request) -> Response:
        """Disable a key."""
        service, key_request = self._parse_key_request(await request.body())
        return json_response({"disabled": service.provider.keys.disable(key_request.fingerprint)})

    async def post_event(self, request: Request) -> Response:
        """Apply an event that happens at a provider without a request to its API."""
        parameters = request.path_params
        service = self.registry.get(f"{parameters['provider']}/{parameters['environment']}")
        return json_response(service.provider.apply_event(parameters["event"], await request.body()))

    def _options(self) -> dict[str, Mapping[str, object]]:
        return {name: service.provider.options() for name, service in self.registry.by_shortest_name()}

    def _parse_key_request(self, body: bytes) -> tuple[EmulatedService, KeyRequest]:
        key_request = _decode(body or b"{}", KeyRequest)
        return self.registry.get(key_request.provider), key_request

    def _parse_changes(self, body: bytes) -> list[tuple[EmulatedService, dict[str, object]]]:
        changes = _decode(body or b"{}", dict[str, object])
        name = changes.pop("provider", None)
        services = self.registry.matching(name if name is None or isinstance(name, str) else repr(name))
        return [(service, changes) for service in services]


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"the body must be a JSON object: {error}") from error

# SPDX-License-Identifier: Apache-2.0
"""Userplane as a provider of the emulator: admits requests, performs them, keeps the world.

The order of checks is key, rate limit, fault, validation, workspace, membership, resource, permission.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from callwell.emulator.errors import BadInput
from callwell.emulator.faults import Catalogue
from callwell.emulator.provider import Admission
from callwell.emulator.quota import Quota
from callwell.emulator.userplane.call import Call
from callwell.emulator.userplane.codes import CODES, Refused, failure, gateway_page, preflight
from callwell.emulator.userplane.keys import KeyCabinet, fingerprint_of
from callwell.emulator.userplane.options import WorldOptions, changed
from callwell.emulator.userplane.query import Query
from callwell.emulator.userplane.records import Recording
from callwell.emulator.userplane.resources import item, stored
from callwell.emulator.userplane.routes import BASE_PATH, LISTS, ROUTES, SHIFTING, SIGNING, match
from callwell.emulator.userplane.seeding import build
from callwell.emulator.userplane.walks import Walks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.clock import Clock
    from callwell.emulator.faults import Hit
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.provider import Item, KeyAdmin
    from callwell.emulator.quota import Limit
    from callwell.emulator.signed import Signer
    from callwell.emulator.storage import Asset
    from callwell.emulator.wire import Incoming, Reply

HANDLERS: Final = {route.operation: route.handler for route in ROUTES}
GATEWAY_STATUSES: Final = (502, 504)
CODE_OF_STATUS: Final = {503: "SERVICE_UNAVAILABLE", 429: "RATE_LIMITED", 404: "NOT_FOUND"}


class Userplane:
    """The emulated provider.

    Args:
        options: of the world.
        clock: the emulator's clock.
        signer: makes signed URLs.
    """

    name = "userplane"
    environment = "production"
    base_path = BASE_PATH
    catalogue = Catalogue(
        frozenset(HANDLERS), LISTS, SHIFTING, SIGNING, {code: status for code, (status, _) in CODES.items()}
    )

    def __init__(self, options: WorldOptions, *, clock: Clock, signer: Signer) -> None:
        self._cabinet = KeyCabinet(clock)
        self.keys: KeyAdmin = self._cabinet
        self.signer = signer
        self._clock = clock
        self._options = options
        self._rebuild()
        self._quota = Quota(options.limits(), options.window)

    def admit(self, request: Incoming) -> Admission:
        """Find the operation, check the key, count the quota."""
        if request.method == "OPTIONS":
            return Admission(None, {}, reply=preflight())
        key = _key_of(request)
        fingerprint = fingerprint_of(key) if key else None
        found = match(request.method, request.path)
        if found is None:
            return Admission(None, {}, fingerprint, reply=failure("NOT_FOUND"))
        route, arguments = found
        code = self._cabinet.refusal(key) if key else "API_KEY_REQUIRED"
        if code is not None:
            return Admission(route.operation, arguments, fingerprint, reply=failure(code))
        wait_s = self._quota.take(request.arrived_s)
        reply = None if wait_s is None else self._throttled(wait_s)
        return Admission(route.operation, arguments, fingerprint, key_accepted=True, reply=reply)

    def perform(self, request: Incoming, admission: Admission, hit: Hit | None) -> Reply:
        """Do what an admitted request asks."""
        call = Call(
            self._world,
            self._walks,
            self._options,
            self._clock,
            self.signer,
            request,
            admission.arguments,
            Query(request.query),
            hit,
        )
        try:
            return HANDLERS[admission.operation or ""](call)
        except Refused as refused:
            return failure(refused.code)

    def fault_reply(self, hit: Hit) -> Reply:
        """The answer of an error or throttle fault."""
        if hit.fault == "throttle":
            return failure("RATE_LIMITED")
        if hit.fault == "throttle_after":
            return failure("RATE_LIMITED", retry_after_s=ceil(hit.retry_after_s))
        if hit.code is not None:
            return failure(hit.code, status=hit.status)
        status = hit.status or 500
        if status in GATEWAY_STATUSES:
            return gateway_page(status)
        usual = "INTERNAL_SERVER_ERROR" if status >= 500 else "BAD_REQUEST"  # noqa: PLR2004
        return failure(CODE_OF_STATUS.get(status, usual), status=status)

    def asset(self, path: str) -> Asset | None:
        """The object at a path of the storage."""
        return stored(self._world, path)

    def limits(self) -> tuple[Limit, ...]:
        """The quota in force, shortest window first."""
        return self._options.limits()

    def items(self) -> Iterator[Item]:
        """Every recording of the user's workspaces, computed one by one."""
        world, wall = self._world, self._clock.wall()
        seen = {workspace.id for workspace in world.visible()}
        recordings: list[Recording] = list(world.tables[Recording].values())
        return (item(world, recording, wall) for recording in recordings if recording.workspace_id in seen)

    def options(self) -> Mapping[str, object]:
        """The world's options in force."""
        return {name: getattr(self._options, name) for name in WorldOptions.__struct_fields__}

    def seed(self, changes: Mapping[str, object]) -> None:
        """Rebuild only the world, with another seed or number of recordings."""
        if not changes.keys() <= {"seed", "recordings"}:
            raise BadInput(f"seed takes seed and recordings, not {', '.join(sorted(changes))}: use reset for the rest")
        self._options = changed(self._options, changes)
        self._rebuild()

    def reset(self, changes: Mapping[str, object]) -> None:
        """Rebuild the world and begin the quota anew; unnamed options stay as they are, and so do live keys."""
        self._options = changed(self._options, changes)
        self._rebuild()
        self._cabinet.revive()
        self._quota = Quota(self._options.limits(), self._options.window)

    def _rebuild(self) -> None:
        self._world = build(self._options.seed, self._options.recordings)
        self._walks = Walks()

    def _throttled(self, wait_s: float) -> Reply:
        return failure("RATE_LIMITED", retry_after_s=max(1, ceil(wait_s)) if self._options.retry_after else None)


def play(options: EmulatorOptions, *, clock: Clock, signer: Signer) -> Userplane:
    """The provider as the emulator was told to play it.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        signer: makes signed URLs.

    Raises:
        BadInput: an option cannot have its value.
    """
    names = ("seed", "recordings", "window", "per_minute", "per_day", "url_life_s", "retry_after")
    chosen = changed(WorldOptions(), {name: getattr(options, name) for name in names})
    return Userplane(chosen, clock=clock, signer=signer)


def _key_of(request: Incoming) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""

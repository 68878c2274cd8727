# SPDX-License-Identifier: Apache-2.0
"""Userplane as a provider of the emulator: admits requests, performs them, keeps the world.

The order of checks is key, rate limit, fault, validation, workspace, membership, resource, permission.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

from callwell.emulator import storage
from callwell.emulator.errors import BadInput
from callwell.emulator.fault_rules import QUOTA_LIES, Catalogue
from callwell.emulator.keys import KeyCabinet, fingerprint_of
from callwell.emulator.provider import Admission
from callwell.emulator.quota import Quota
from callwell.emulator.response_headers import faded, lied, quota_headers
from callwell.emulator.signed_urls import Signer
from callwell.emulator.userplane.call import Call
from callwell.emulator.userplane.fault_replies import fault_reply
from callwell.emulator.userplane.options import WorldOptions, changed
from callwell.emulator.userplane.query import Query
from callwell.emulator.userplane.records import Recording
from callwell.emulator.userplane.replies import CODES, DEAD_CODES, Refused, failure, preflight
from callwell.emulator.userplane.resources import item, stored
from callwell.emulator.userplane.routes import BASE_PATH, LISTS, ROUTES, SHIFTING, SIGNING, SIZING, match
from callwell.emulator.userplane.seeding import build
from callwell.emulator.userplane.walks import Walks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.clock import Clock
    from callwell.emulator.fault_script import Hit
    from callwell.emulator.messages import Incoming, Reply
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.provider import Ground, Item, KeyAdmin, Place, Provider
    from callwell.emulator.quota import Limit
    from callwell.emulator.response_headers import Headers

HANDLERS: Final = {route.operation: route.handler for route in ROUTES}
KEY_SLOTS: Final = 3


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
        frozenset(HANDLERS), LISTS, SHIFTING, SIGNING, {code: status for code, (status, _) in CODES.items()}, SIZING
    )

    def __init__(self, options: WorldOptions, *, clock: Clock, signer: Signer) -> None:
        self._cabinet = KeyCabinet(clock, prefix="uspl_", length=64, slots=KEY_SLOTS)
        self.keys: KeyAdmin = self._cabinet
        self.signer = signer
        self._clock = clock
        self._options = options
        self._rebuild()
        self._begin()

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
        code = self._refusal(key)
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

    def fault_reply(self, request: Incoming, hit: Hit) -> Reply:
        """The answer of a fault that does not let the true one out."""
        return fault_reply(request, hit, wall=self.wall(), elsewhere=self.signer.origin)

    def about(self, admission: Admission, hit: Hit | None) -> Headers:
        """What is left of the quota, for live keys; whether the operation is deprecated."""
        fading = self._fading.get(admission.operation or "", ())
        form, standings = self._options.rate_headers, self._quota.standings()
        if hit is not None and hit.fault == "lying_header" and hit.value in QUOTA_LIES:
            form, standings = "delta" if form == "off" else form, lied(standings, hit.value)
        if not admission.key_accepted:
            return fading
        return (*quota_headers(form, standings, self.wall()), *fading)

    def wall(self) -> float:
        """The clock's time of day, skewed as the options say."""
        return self._clock.wall() + self._options.skew_s

    def keeps(self, path: str) -> bool:  # noqa: ARG002 - the same for every path
        """Nothing: its storage has an origin of its own."""
        return False

    def fetch(self, request: Incoming) -> Reply:
        """What the storage answers."""
        verdict = self.signer.check(request.path, request.query, self.wall())
        refused = storage.refusal(request, verdict)
        if refused is not None:
            return replace(refused, refused=True)
        asset = stored(self._world, request.path)
        return storage.error("NoSuchKey") if asset is None else storage.serve(request, asset)

    def expire(self, request: Incoming) -> None:
        """Let the signed URL of a request be dead from now on."""
        self.signer.kill(request.query)

    def told(self, what: str, news: bytes) -> object:  # noqa: ARG002 - there is no news that it takes
        """Refused: nothing happens to it from outside."""
        raise BadInput(f"{self.name} takes no {what}")

    def counts(self) -> Mapping[str, object]:
        """Nothing beyond what the ledger's rows tell."""
        return {}

    async def work(self) -> None:
        """Nothing goes on by itself."""

    async def settle(self) -> None:
        """Nothing is ever under way."""

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
        self._begin()

    def _refusal(self, key: str) -> str | None:
        dead = self._cabinet.refusal(key) if key else None
        return "API_KEY_REQUIRED" if not key else dead and DEAD_CODES[dead]

    def _rebuild(self) -> None:
        self._world = build(self._options.seed, self._options.recordings)
        self._walks = Walks()

    def _begin(self) -> None:
        self._quota = Quota(self._options.limits(), self._options.window)
        wall = self.wall()
        self._fading = {name: faded(wall, after_s) for name, after_s in self._options.deprecated.items()}

    def _throttled(self, wait_s: float) -> Reply:
        return failure("RATE_LIMITED", retry_after_s=max(1, ceil(wait_s)) if self._options.retry_after else None)


def play(options: EmulatorOptions, *, clock: Clock, ground: Ground) -> list[tuple[Provider, Place]]:
    """The provider as the emulator was told to play it.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        ground: opens ports.

    Raises:
        BadInput: an option cannot have its value.
    """
    names = WorldOptions.__struct_fields__
    wished = {name: getattr(options, name) for name in names} | options.wished(Userplane.name)
    place = ground.open(storage=True)
    signer = Signer(place.storage or "")
    return [(Userplane(changed(WorldOptions(), wished), clock=clock, signer=signer), place)]


def _key_of(request: Incoming) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""

# SPDX-License-Identifier: Apache-2.0
"""Userplane as a provider of the emulator: admits requests, performs them, keeps the records.

The order of checks is key, rate limit, fault, validation, workspace, membership, resource, permission. The order is our
assumption: the documentation lists the errors (docs.userplane.io/api/error-handling), but not in which order.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

from callwell.emulator import storage
from callwell.emulator.errors import InvalidInput
from callwell.emulator.fault_rules import FALSE_QUOTAS, FaultTargets
from callwell.emulator.keys import KeyRegistry, key_fingerprint
from callwell.emulator.provider import Admission
from callwell.emulator.quota import ServerQuota
from callwell.emulator.response_headers import deprecation_headers, false_statuses, quota_headers
from callwell.emulator.signed_urls import UrlSigner
from callwell.emulator.userplane.call import UserplaneCall
from callwell.emulator.userplane.fault_replies import fault_reply
from callwell.emulator.userplane.options import UserplaneOptions, update_options
from callwell.emulator.userplane.query import UserplaneQuery
from callwell.emulator.userplane.records import RecordingRecord
from callwell.emulator.userplane.replies import (
    DEAD_KEY_CODES,
    ERROR_CODES,
    UserplaneError,
    error_reply,
    preflight_reply,
)
from callwell.emulator.userplane.resources import find_stored_object, to_ledger_item
from callwell.emulator.userplane.routes import (
    BASE_PATH,
    LISTS,
    ROUTES,
    SHIFTABLE_LISTS,
    SIZE_REPORTING,
    URL_SIGNING,
    match_route,
)
from callwell.emulator.userplane.seeding import build_world
from callwell.emulator.userplane.walks import ListingWalks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.clock import Clock
    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import IncomingRequest, Reply
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.provider import EmulatedProvider, Host, KeyAdmin, LedgerItem, Origins
    from callwell.emulator.quota import Limit
    from callwell.emulator.response_headers import HeaderPairs

HANDLERS: Final = {route.operation: route.handler for route in ROUTES}
# Three keys per user, and 64 characters after the prefix: the first is documented (docs.userplane.io/api/api-keys), the
# length is not.
KEY_SLOTS: Final = 3
KEY_LENGTH: Final = 64


class Userplane:
    """The emulated provider.

    Args:
        options: the options.
        clock: the emulator's clock.
        signer: makes signed URLs.
    """

    name = "userplane"
    environment = "production"
    base_path = BASE_PATH
    fault_targets = FaultTargets(
        operations=frozenset(HANDLERS),
        lists=LISTS,
        shiftable_lists=SHIFTABLE_LISTS,
        url_signing=URL_SIGNING,
        codes={code: status for code, (status, _) in ERROR_CODES.items()},
        size_reporting=SIZE_REPORTING,
    )

    def __init__(self, options: UserplaneOptions, *, clock: Clock, signer: UrlSigner) -> None:
        self._key_registry = KeyRegistry(clock, prefix="uspl_", length=KEY_LENGTH, slots=KEY_SLOTS)
        self.keys: KeyAdmin = self._key_registry
        self.signer = signer
        self._clock = clock
        self._options = options
        self._rebuild_world()
        self._start_quota()

    def admit(self, request: IncomingRequest) -> Admission:
        """Find the operation, check the key, count the quota."""
        if request.method == "OPTIONS":
            return Admission(None, {}, reply=preflight_reply())
        key = _bearer_key(request)
        fingerprint = key_fingerprint(key) if key else None
        found = match_route(request.method, request.path)
        if found is None:
            return Admission(None, {}, fingerprint, reply=error_reply("NOT_FOUND"))
        route, arguments = found
        code = self._key_error(key)
        if code is not None:
            return Admission(route.operation, arguments, fingerprint, reply=error_reply(code))
        wait_s = self._quota.admit(request.arrived_s)
        reply = None if wait_s is None else self._throttled_reply(wait_s)
        return Admission(route.operation, arguments, fingerprint, key_accepted=True, reply=reply)

    def perform(self, request: IncomingRequest, admission: Admission, fault: InjectedFault | None) -> Reply:
        """Perform an admitted request."""
        call = UserplaneCall(
            world=self._world,
            walks=self._walks,
            options=self._options,
            clock=self._clock,
            signer=self.signer,
            request=request,
            arguments=admission.arguments,
            query=UserplaneQuery(request.query),
            fault=fault,
        )
        try:
            return HANDLERS[admission.operation or ""](call)
        except UserplaneError as error:
            return error_reply(error.code)

    def fault_reply(self, request: IncomingRequest, fault: InjectedFault) -> Reply:
        """Return the reply of a fault that replaces the true one."""
        return fault_reply(request, fault, wall_s=self.server_time(), elsewhere=self.signer.origin)

    def extra_headers(self, admission: Admission, fault: InjectedFault | None) -> HeaderPairs:
        """Return quota headers, for live keys, and the deprecation of the operation."""
        deprecation = self._deprecation.get(admission.operation or "", ())
        if not admission.key_accepted:
            return deprecation
        style = self._options.rate_headers
        statuses = self._quota.latest_statuses()
        if fault is not None and fault.name == "lying_header" and fault.value in FALSE_QUOTAS:
            statuses = false_statuses(statuses, fault.value)
            if style == "off":
                style = "delta"
        return (*quota_headers(style, statuses, self.server_time()), *deprecation)

    def server_time(self) -> float:
        """Return the clock's time of day, skewed as the options say."""
        return self._clock.wall() + self._options.skew_s

    def is_asset_path(self, path: str) -> bool:  # noqa: ARG002 - the same for every path
        """Return False: the storage has its own origin."""
        return False

    def fetch_asset(self, request: IncomingRequest) -> Reply:
        """Return the storage's reply."""
        url_status = self.signer.check(request.path, request.query, self.server_time())
        error = storage.access_error(request, url_status)
        if error is not None:
            return replace(error, refused=True)
        stored = find_stored_object(self._world, request.path)
        return storage.error_reply("NoSuchKey") if stored is None else storage.serve_object(request, stored)

    def expire_url(self, request: IncomingRequest) -> None:
        """Let the signed URL of a request expire immediately."""
        self.signer.expire(request.query)

    def apply_event(self, kind: str, event: bytes) -> object:  # noqa: ARG002 - no event is known
        """Refuse: nothing happens at Userplane without a request."""
        raise InvalidInput(f"{self.name} takes no {kind}")

    def counts(self) -> Mapping[str, object]:
        """Return nothing: the ledger's rows say everything."""
        return {}

    async def run_background(self) -> None:
        """Do nothing: nothing happens without requests."""

    async def wait_until_idle(self) -> None:
        """Return at once: nothing is ever in progress."""

    def limits(self) -> tuple[Limit, ...]:
        """Return the quota in force, shortest window first."""
        return self._options.limits()

    def items(self) -> Iterator[LedgerItem]:
        """Yield every recording of the user's workspaces; each is computed on demand."""
        world = self._world
        wall_s = self._clock.wall()
        own = {workspace.id for workspace in world.own_workspaces()}
        # A copy: requests may add recordings between two items.
        recordings: list[RecordingRecord] = list(world.tables[RecordingRecord].values())
        return (to_ledger_item(world, recording, wall_s) for recording in recordings if recording.workspace_id in own)

    def options(self) -> Mapping[str, object]:
        """Return the options in force."""
        return {name: getattr(self._options, name) for name in UserplaneOptions.__struct_fields__}

    def seed(self, changes: Mapping[str, object]) -> None:
        """Rebuild only the records, with another seed or number of recordings."""
        if not changes.keys() <= {"seed", "recordings"}:
            raise InvalidInput(
                f"seed takes seed and recordings, not {', '.join(sorted(changes))}: use reset for the rest"
            )
        self._options = update_options(self._options, changes)
        self._rebuild_world()

    def reset(self, changes: Mapping[str, object]) -> None:
        """Rebuild records and quota; options that are not named stay, and so do live keys."""
        self._options = update_options(self._options, changes)
        self._rebuild_world()
        self._key_registry.ensure_live_key()
        self._start_quota()

    def _key_error(self, key: str) -> str | None:
        if not key:
            return "API_KEY_REQUIRED"
        rejection = self._key_registry.rejection(key)
        return None if rejection is None else DEAD_KEY_CODES[rejection]

    def _rebuild_world(self) -> None:
        self._world = build_world(self._options.seed, self._options.recordings)
        self._walks = ListingWalks()

    def _start_quota(self) -> None:
        self._quota = ServerQuota(self._options.limits(), self._options.window)
        wall_s = self.server_time()
        self._deprecation = {
            name: deprecation_headers(wall_s, sunset_after_s)
            for name, sunset_after_s in self._options.deprecated.items()
        }

    def _throttled_reply(self, wait_s: float) -> Reply:
        retry_after_s = max(1, ceil(wait_s)) if self._options.retry_after else None
        return error_reply("RATE_LIMITED", retry_after_s=retry_after_s)


def create_providers(options: EmulatorOptions, *, clock: Clock, host: Host) -> list[tuple[EmulatedProvider, Origins]]:
    """Return the provider that the emulator's options describe, with its addresses.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        host: opens ports.

    Raises:
        InvalidInput: an option cannot have its value.
    """
    shared = {name: getattr(options, name) for name in UserplaneOptions.__struct_fields__}
    chosen = update_options(UserplaneOptions(), shared | options.provider_settings(Userplane.name))
    origins = host.open_ports(storage=True)
    signer = UrlSigner(origins.storage or "")
    return [(Userplane(chosen, clock=clock, signer=signer), origins)]


def _bearer_key(request: IncomingRequest) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""

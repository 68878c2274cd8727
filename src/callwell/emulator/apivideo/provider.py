# SPDX-License-Identifier: Apache-2.0
"""api.video as a provider of the emulator: one environment with its account, keys, quotas, background work and assets.

The order of checks is route, key, suspension, quota, fault, and then what the operation itself checks.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

import msgspec

from callwell.emulator.apivideo.account import ApiVideoAccount
from callwell.emulator.apivideo.assets import fetch_asset, is_asset_path
from callwell.emulator.apivideo.background import BackgroundWork
from callwell.emulator.apivideo.call import ApiVideoCall
from callwell.emulator.apivideo.external_events import apply_event, end_long_broadcasts
from callwell.emulator.apivideo.fault_replies import fault_reply
from callwell.emulator.apivideo.options import LIMITS, ApiVideoOptions, update_options
from callwell.emulator.apivideo.query import ApiVideoQuery
from callwell.emulator.apivideo.replies import (
    SLUGS,
    ApiVideoError,
    ApiVideoProblem,
    api_error,
    as_problem_json,
    error_reply,
    method_not_allowed_reply,
)
from callwell.emulator.apivideo.routes import BY_NAME, ApiVideoRoute, match_path
from callwell.emulator.apivideo.tokens import BearerTokens
from callwell.emulator.errors import InvalidInput
from callwell.emulator.fault_rules import FALSE_QUOTAS, FALSE_RETRY_AFTERS, FaultTargets
from callwell.emulator.keys import KeyRegistry, key_fingerprint
from callwell.emulator.messages import Reply
from callwell.emulator.provider import Admission, AssetDigest, LedgerItem
from callwell.emulator.quota import ServerQuota
from callwell.emulator.response_headers import false_statuses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from callwell.clock import Clock
    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import IncomingRequest
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.provider import EmulatedProvider, Host, KeyAdmin, Origins
    from callwell.emulator.quota import Limit
    from callwell.emulator.response_headers import HeaderPairs

# The documentation says neither how long keys are nor how many there can be.
KEY_LENGTH: Final = 44
MAX_KEYS: Final = 100
PREFLIGHT: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"*, Authorization"),
)
FALSE_RETRY_AFTER: Final[Mapping[str, bytes]] = {
    "past": b"0",
    "huge": b"99999999999999",
    "negative": b"-60",
    "text": b"soon",
}


class ApiVideo:
    """One environment.

    Args:
        environment: `production` or `sandbox`.
        options: the options.
        clock: the emulator's clock.
        origin: scheme, host and port of the environment.
        folder: where files go.
    """

    name = "apivideo"
    base_path = ""
    fault_targets = FaultTargets(
        operations=frozenset(BY_NAME),
        lists=frozenset(),
        shiftable_lists=frozenset(),
        url_signing=frozenset(),
        codes={slug: status for slug, (status, _) in SLUGS.items()},
        size_reporting=frozenset({"videos.status"}),
        piece_receiving=frozenset({"videos.upload", "videos.upload_with_token"}),
        work_reporting=frozenset({"videos.status"}),
    )

    def __init__(self, environment: str, options: ApiVideoOptions, *, clock: Clock, origin: str, folder: Path) -> None:
        self.environment = environment
        self._key_registry = KeyRegistry(clock, prefix="", length=KEY_LENGTH, slots=MAX_KEYS)
        self.keys: KeyAdmin = self._key_registry
        self._clock = clock
        self._origin = origin
        self._options = options
        self._background = BackgroundWork(clock, folder, sandbox=environment == "sandbox")
        self._start_quotas()

    def admit(self, request: IncomingRequest) -> Admission:
        """Find the operation, check the key, count the quota."""
        admission = self._admit(request)
        if admission.reply is None:
            return admission
        return admission._replace(reply=self._with_media_type(admission.reply))

    def _admit(self, request: IncomingRequest) -> Admission:
        if request.method == "OPTIONS":
            return Admission(None, {}, reply=Reply(204, b"", PREFLIGHT))
        header = request.headers.get("authorization")
        key = self._tokens.key_in(header) if header else ""
        fingerprint = key_fingerprint(key) if key else None
        routes = match_path(request.path)
        if not routes:
            return Admission(None, {}, fingerprint, reply=error_reply(ApiVideoProblem("unrecognized-request-url")))
        if request.method not in routes:
            return Admission(None, {}, fingerprint, reply=method_not_allowed_reply([*routes, "OPTIONS"]))
        route, arguments = routes[request.method]
        admission = Admission(route.operation, arguments, fingerprint, quota=route.quota_class)
        try:
            self._authorize(route, header)
        except ApiVideoError as error:
            return admission._replace(reply=error.to_reply())
        return admission._replace(key_accepted=True, reply=self._check_quota(route, request))

    def perform(self, request: IncomingRequest, admission: Admission, fault: InjectedFault | None) -> Reply:
        """Perform an admitted request."""
        wall_s = self.server_time()
        self._account.delete_expired(wall_s)
        end_long_broadcasts(self._account, wall_s)
        call = ApiVideoCall(
            account=self._account,
            tokens=self._tokens,
            options=self._options,
            origin=self._origin,
            wall_s=wall_s,
            request=request,
            arguments=admission.arguments,
            query=ApiVideoQuery(request.query),
            fault=fault,
        )
        try:
            reply = BY_NAME[admission.operation or ""].handler(call)
        except ApiVideoError as error:
            self._account.resent_bytes += error.resent_bytes
            return self._with_media_type(error.to_reply())
        self._background.account_changed(self._account)
        return reply

    def fault_reply(self, request: IncomingRequest, fault: InjectedFault) -> Reply:
        """Return the reply of a fault that replaces the true one."""
        return self._with_media_type(fault_reply(request, fault))

    def extra_headers(self, admission: Admission, fault: InjectedFault | None) -> HeaderPairs:
        """Return the quota headers of an operation's class.

        Every response has them (reference/too-many-requests). `X-RateLimit-Retry-After` is the time until the window
        ends, so it is there although nothing was refused.
        """
        if admission.quota not in self._quotas:
            return ()
        fault_name = "" if fault is None else fault.name
        statuses = self._quotas[admission.quota].statuses_at(self._clock.now())
        false_value = fault.value if fault is not None and fault_name == "lying_header" else ""
        if false_value in FALSE_QUOTAS:
            statuses = false_statuses(statuses, false_value)
        status = statuses[0]
        headers = (
            (b"x-ratelimit-limit", b"%d" % status.limit.max_requests),
            (b"x-ratelimit-remaining", b"%d" % status.remaining),
        )
        if fault_name == "throttle":
            return headers
        reset_s = status.reset_s
        if fault is not None and fault_name == "throttle_after":
            reset_s = fault.rule.retry_after_s
        retry_after = b"%d" % max(1, ceil(reset_s))
        if false_value in FALSE_RETRY_AFTERS:
            retry_after = FALSE_RETRY_AFTER[false_value]
        return (*headers, (b"x-ratelimit-retry-after", retry_after))

    def server_time(self) -> float:
        """Return the clock's time of day, skewed as the options say."""
        return self._clock.wall() + self._options.skew_s

    def is_asset_path(self, path: str) -> bool:
        """Return whether a path is that of an asset."""
        return is_asset_path(path)

    def fetch_asset(self, request: IncomingRequest) -> Reply:
        """Return an asset, or an error."""
        self._account.delete_expired(self.server_time())
        return fetch_asset(self._account, request, self.server_time())

    def expire_url(self, request: IncomingRequest) -> None:
        """Do nothing more: a token is dead once it has been used."""

    def apply_event(self, kind: str, event: bytes) -> object:
        """Apply views, or a broadcast that begins or ends."""
        result = apply_event(self._account, kind, event, self.server_time())
        self._background.account_changed(self._account)
        return result

    def counts(self) -> Mapping[str, object]:
        """Return bytes that were uploaded twice, and videos that were created twice."""
        return {
            "resent_bytes": self._account.resent_bytes,
            "duplicate_videos": self._account.count_duplicates(),
            "videos": len(self._account.videos),
        }

    async def run_background(self) -> None:
        """Make media files, and deliver webhooks."""
        await self._background.run_forever()

    async def wait_until_idle(self) -> None:
        """Wait until every uploaded file has been processed."""
        await self._background.wait_until_idle()

    def limits(self) -> tuple[Limit, ...]:
        """Return the quotas in force."""
        return self._options.limits(self.environment)

    def items(self) -> Iterator[LedgerItem]:
        """Yield every video with a file."""
        for video in self._account.active_videos():
            source = video.source
            if source is not None and source.sha256:
                info = AssetDigest(size=source.size, sha256=source.sha256, type="video/mp4")
                yield LedgerItem(id=video.id, workspace=self.environment, state="created", assets={"source": info})

    def options(self) -> Mapping[str, object]:
        """Return the options in force."""
        return msgspec.structs.asdict(self._options)

    def seed(self, changes: Mapping[str, object]) -> None:
        """Empty the account; the quotas continue."""
        if not changes.keys() <= {"seed"}:
            raise InvalidInput(f"seed takes seed, not {', '.join(sorted(changes))}: use reset for the rest")
        self._options = update_options(self._options, changes)
        self._create_account()

    def reset(self, changes: Mapping[str, object]) -> None:
        """Empty the account and start new quotas; options that are not named stay, and so do live keys."""
        self._options = update_options(self._options, changes)
        self._key_registry.ensure_live_key()
        self._start_quotas()

    def _with_media_type(self, reply: Reply) -> Reply:
        return as_problem_json(reply) if self._options.problem_json else reply

    def _start_quotas(self) -> None:
        self._quotas = {limit.name: ServerQuota((limit,), "fixed") for limit in self.limits()}
        self._create_account()

    def _create_account(self) -> None:
        self._account = ApiVideoAccount(self._options.seed, sandbox=self.environment == "sandbox")
        self._tokens = BearerTokens(self._key_registry, self._clock, self._account.new_id("pr"))
        self._background.clear()

    def _authorize(self, route: ApiVideoRoute, header: str | None) -> None:
        if not route.needs_no_key and not route.takes_upload_token:
            self._tokens.authenticate(header)
        if self._options.suspended and not route.needs_no_key:
            raise api_error("authorization-suspended-account", None)

    def _check_quota(self, route: ApiVideoRoute, request: IncomingRequest) -> Reply | None:
        if not route.quota_class:
            return None
        quota = self._quotas[route.quota_class]
        if quota.admit(request.arrived_s) is None:
            return None
        retry_after_s = max(1, ceil(quota.latest_statuses()[0].reset_s))
        return replace(error_reply(ApiVideoProblem("too-many-requests")), retry_after_s=retry_after_s)


def create_providers(options: EmulatorOptions, *, clock: Clock, host: Host) -> list[tuple[EmulatedProvider, Origins]]:
    """Return both environments that the emulator's options describe, with their addresses.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        host: opens ports.

    Raises:
        InvalidInput: an option cannot have its value.
    """
    shared = {"seed": options.seed, "skew_s": options.skew_s}
    chosen = update_options(ApiVideoOptions(), shared | options.provider_settings(ApiVideo.name))
    providers: list[tuple[EmulatedProvider, Origins]] = []
    for environment in LIMITS:
        origins = host.open_ports(storage=False)
        provider = ApiVideo(environment, chosen, clock=clock, origin=origins.api, folder=host.folder)
        providers.append((provider, origins))
    return providers

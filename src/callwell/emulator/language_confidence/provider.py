# SPDX-License-Identifier: Apache-2.0
"""Language Confidence as a provider of the emulator: one environment with its keys, capacity and bill.

The order of checks is route, key, capacity, fault, schema, then audio and text.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.emulator.errors import InvalidInput
from callwell.emulator.fault_rules import FaultTargets
from callwell.emulator.keys import KeyRegistry, key_fingerprint
from callwell.emulator.language_confidence import reports, request_schema
from callwell.emulator.language_confidence.audio import check_audio, decode_base64, probe_audio
from callwell.emulator.language_confidence.billing import Billing
from callwell.emulator.language_confidence.capacity import Capacity
from callwell.emulator.language_confidence.fault_replies import fault_reply
from callwell.emulator.language_confidence.options import LanguageConfidenceOptions, update_options
from callwell.emulator.language_confidence.replies import (
    BAD_REQUEST,
    AssessmentRefused,
    error_reply,
    method_not_allowed_reply,
    validation_reply,
)
from callwell.emulator.language_confidence.routes import BY_NAME, match_route
from callwell.emulator.language_confidence.scores import ScoreGenerator
from callwell.emulator.messages import Reply
from callwell.emulator.provider import Admission

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping

    from callwell.clock import Clock
    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.language_confidence.audio import AudioProperties
    from callwell.emulator.language_confidence.routes import LanguageConfidenceRoute
    from callwell.emulator.messages import IncomingRequest
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.provider import EmulatedProvider, Host, KeyAdmin, LedgerItem, Origins
    from callwell.emulator.quota import Limit
    from callwell.emulator.response_headers import HeaderPairs

# The documentation says neither how long keys are nor how many there can be.
KEY_LENGTH: Final = 40
MAX_KEYS: Final = 100
# Recordings for which the result of decoding is cached: a few bytes each.
MAX_PROBED: Final = 8_192
# Faults after which the client cannot read the report that it pays for.
UNREADABLE_FAULTS: Final = frozenset({"lost_reply", "hang", "truncated", "garbage_body"})


class EntryPoint(NamedTuple):
    """How requests enter an environment.

    Attributes:
        key_header: the header with the key.
        second_header: another header that is required, if any.
        operations: the operations that exist.
    """

    key_header: str
    second_header: str | None
    operations: frozenset[str]


# The direct service, and two listings at RapidAPI with one operation each.
ENTRY_POINTS: Final = {
    "production": EntryPoint("api-key", None, frozenset(BY_NAME)),
    "rapidapi_scripted": EntryPoint("x-rapidapi-key", "x-rapidapi-host", frozenset({"assess.scripted"})),
    "rapidapi_unscripted": EntryPoint("x-rapidapi-key", "x-rapidapi-host", frozenset({"assess.unscripted"})),
}


class LanguageConfidence:
    """One environment.

    Args:
        environment: one of `ENTRY_POINTS`.
        options: the options.
        clock: the emulator's clock.
    """

    name = "language_confidence"
    base_path = ""

    def __init__(self, environment: str, options: LanguageConfidenceOptions, *, clock: Clock) -> None:
        self.environment = environment
        self._entry_point = ENTRY_POINTS[environment]
        self.fault_targets = FaultTargets(
            operations=self._entry_point.operations,
            lists=frozenset(),
            shiftable_lists=frozenset(),
            url_signing=frozenset(),
            codes={},
        )
        self._key_registry = KeyRegistry(clock, prefix="", length=KEY_LENGTH, slots=MAX_KEYS)
        self.keys: KeyAdmin = self._key_registry
        self._clock = clock
        self._options = options
        self._probed: dict[str, AudioProperties | None] = {}
        self._start_counters()

    def admit(self, request: IncomingRequest) -> Admission:
        """Find the operation, check the key, see whether there is room."""
        entry_point = self._entry_point
        key = request.headers.get(entry_point.key_header, "")
        fingerprint = key_fingerprint(key) if key else None
        found = match_route(request.path)
        if found is None or found[0].operation not in entry_point.operations:
            return Admission(None, {}, fingerprint, reply=error_reply(404))
        if request.method != "POST":
            return Admission(None, {}, fingerprint, reply=method_not_allowed_reply())
        route, arguments = found
        admission = Admission(route.operation, arguments, fingerprint)
        has_second_header = entry_point.second_header is None or bool(request.headers.get(entry_point.second_header))
        if self._key_registry.rejection(key) is not None or not has_second_header:
            return admission._replace(reply=error_reply(401))
        status = self._capacity.rejection_status(self._clock.now())
        reply = None if status is None else self._overload_reply(status)
        return admission._replace(key_accepted=True, reply=reply)

    def perform(self, request: IncomingRequest, admission: Admission, fault: InjectedFault | None) -> Awaitable[Reply]:
        """Assess."""
        # Here, not in the coroutine: requests that arrive together must all be counted before the first is assessed.
        self._capacity.enter()
        return self._assess(request, admission, fault)

    def fault_reply(self, request: IncomingRequest, fault: InjectedFault) -> Reply:
        """Return the reply of a fault that replaces the true one."""
        return fault_reply(request, fault, self.server_time())

    def extra_headers(
        self,
        admission: Admission,  # noqa: ARG002 - the same for every request
        fault: InjectedFault | None,  # noqa: ARG002 - the same with every fault
    ) -> HeaderPairs:
        """Return none: the service sends no quota headers, and lets in no page of another origin."""
        return ()

    def server_time(self) -> float:
        """Return the clock's time of day, skewed as the options say."""
        return self._clock.wall() + self._options.skew_s

    def is_asset_path(self, path: str) -> bool:  # noqa: ARG002 - the same for every path
        """Return False: there are no files."""
        return False

    def fetch_asset(self, request: IncomingRequest) -> Reply:  # noqa: ARG002 - the same for every request
        """Return 404: there are no files."""
        return error_reply(404)

    def expire_url(self, request: IncomingRequest) -> None:
        """Do nothing: no URL is signed."""

    def apply_event(self, kind: str, event: bytes) -> object:  # noqa: ARG002 - no event is known
        """Refuse: nothing happens at the service without a request."""
        raise InvalidInput(f"{self.name} takes no {kind}")

    def counts(self) -> Mapping[str, object]:
        """Return the bill, and how full the service was."""
        return self._billing.counts() | {
            "refused_for_load": self._capacity.rejected,
            "most_under_way": self._capacity.peak,
        }

    async def run_background(self) -> None:
        """Do nothing: nothing happens without requests."""

    async def wait_until_idle(self) -> None:
        """Return at once: a request waits for all that it starts."""

    def limits(self) -> tuple[Limit, ...]:
        """Return none: the service publishes no numbers."""
        return ()

    def items(self) -> Iterator[LedgerItem]:
        """Yield nothing: the service keeps nothing."""
        return iter(())

    def options(self) -> Mapping[str, object]:
        """Return the options in force."""
        return msgspec.structs.asdict(self._options)

    def seed(self, changes: Mapping[str, object]) -> None:
        """Score by another seed; bill and capacity continue."""
        if not changes.keys() <= {"seed"}:
            raise InvalidInput(f"seed takes seed, not {', '.join(sorted(changes))}: use reset for the rest")
        self._options = update_options(self._options, changes)

    def reset(self, changes: Mapping[str, object]) -> None:
        """Start a new bill and a new capacity; options that are not named stay, and so do live keys."""
        self._options = update_options(self._options, changes)
        self._key_registry.ensure_live_key()
        self._start_counters()

    def _start_counters(self) -> None:
        self._billing = Billing()
        self._capacity = Capacity(self._options)

    def _overload_reply(self, status: int) -> Reply:
        is_announced = self._options.retry_after and status in (429, 503)
        retry_after_s = max(1, ceil(self._options.service_s)) if is_announced else None
        return error_reply(status, retry_after_s=retry_after_s)

    async def _assess(self, request: IncomingRequest, admission: Admission, fault: InjectedFault | None) -> Reply:
        started_s = self._clock.now()
        # Read before any wait: a reset meanwhile replaces them.
        capacity = self._capacity
        billing = self._billing
        options = self._options
        route = BY_NAME[admission.operation or ""]
        arguments = admission.arguments
        try:
            body, problems = request_schema.parse_body(request.body, route.fields)
            parameter_problems = request_schema.check_parameters(
                arguments, request.headers, user_required=options.user_required
            )
            all_problems = [*parameter_problems, *problems]
            if all_problems:
                return validation_reply(all_problems)
            report = await self._make_report(route, arguments.get("accent", ""), body)
            left_s = started_s + options.service_s - self._clock.now()
            if left_s > 0:
                await asyncio.sleep(self._clock.real_s(left_s))
        except AssessmentRefused as refused:
            return error_reply(BAD_REQUEST, refused.message)
        finally:
            capacity.leave()
        if fault is not None and fault.name == "error_after":
            # The service failed, so the assessment is not billed.
            return Reply(200, report)
        billing.charge(
            f"{request.path} {request.body_digest}",
            request.headers.get("x-user-id", ""),
            self.server_time(),
            delivered=fault is None or fault.name not in UNREADABLE_FAULTS,
        )
        return Reply(200, report, effect=True)

    async def _make_report(self, route: LanguageConfidenceRoute, accent: str, body: dict[str, Any]) -> bytes:
        seed = self._options.seed
        context = msgspec.json.encode(body.get("context")).decode()
        if route.max_audio_s == 0:
            generator = ScoreGenerator(seed, route.operation, accent, context, body["text"])
            report = reports.text_report(generator, body)
        else:
            data = decode_base64(body["audio_base64"])
            digest = sha256(data).hexdigest()
            probed = await self._probe(digest, data, route.max_audio_s)
            audio = check_audio(probed, body["audio_format"], route.max_audio_s)
            self._billing.audio_s += audio.duration_s
            text = body.get("expected_text", "")
            generator = ScoreGenerator(seed, route.operation, accent, context, digest, text)
            report = reports.recording_report(route.operation, generator, body, accent, audio)
        if self._options.new_fields:
            report["model_version"] = {"name": "later"}
        return msgspec.json.encode(report)

    async def _probe(self, digest: str, data: bytes, longest_s: float) -> AudioProperties | None:
        """Return what a recording is; the same bytes are decoded once for each operation."""
        key = f"{longest_s:g} {digest}"
        if key not in self._probed:
            if len(self._probed) >= MAX_PROBED:
                self._probed.clear()
            self._probed[key] = await asyncio.to_thread(probe_audio, data, longest_s)
        return self._probed[key]


def create_providers(options: EmulatorOptions, *, clock: Clock, host: Host) -> list[tuple[EmulatedProvider, Origins]]:
    """Return the environments that the emulator's options describe, with their addresses.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        host: opens ports.

    Raises:
        InvalidInput: an option cannot have its value.
    """
    shared: dict[str, object] = {name: getattr(options, name) for name in ("seed", "skew_s", "retry_after")}
    settings = options.provider_settings(LanguageConfidence.name)
    chosen = update_options(LanguageConfidenceOptions(), shared | settings)
    return [
        (LanguageConfidence(environment, chosen, clock=clock), host.open_ports(storage=False))
        for environment in ENTRY_POINTS
    ]

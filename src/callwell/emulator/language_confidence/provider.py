# SPDX-License-Identifier: Apache-2.0
"""Language Confidence as a provider of the emulator: one address with its keys, capacity and bills.

The order of checks is route, key, capacity, fault, schema, and then what the recording and the text are.
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

KEY_LENGTH: Final = 40
KEYS_MOST: Final = 100
MAX_PROBED: Final = 8_192
"""Recordings of which it is remembered what they are."""

UNREADABLE_FAULTS: Final = frozenset({"lost_reply", "hang", "truncated", "garbage_body"})
"""Faults whose victim cannot read the report that it pays for."""


class EntryPoint(NamedTuple):
    """How an environment is entered.

    Attributes:
        key: the header with the key.
        beside: a header that must be there too, if any.
        operations: what there is.
    """

    key: str
    second_header: str | None
    operations: frozenset[str]


ENTRY_POINTS: Final = {
    "production": EntryPoint("api-key", None, frozenset(BY_NAME)),
    "rapidapi_scripted": EntryPoint("x-rapidapi-key", "x-rapidapi-host", frozenset({"assess.scripted"})),
    "rapidapi_unscripted": EntryPoint("x-rapidapi-key", "x-rapidapi-host", frozenset({"assess.unscripted"})),
}


class LanguageConfidence:
    """One environment.

    Args:
        environment: one of `DOORS`.
        options: of the service.
        clock: the emulator's clock.
    """

    name = "language_confidence"
    base_path = ""

    def __init__(self, environment: str, options: LanguageConfidenceOptions, *, clock: Clock) -> None:
        self.environment = environment
        self.fault_targets = FaultTargets(
            ENTRY_POINTS[environment].operations, frozenset(), frozenset(), frozenset(), {}
        )
        self._key_registry = KeyRegistry(clock, prefix="", length=KEY_LENGTH, slots=KEYS_MOST)
        self.keys: KeyAdmin = self._key_registry
        self._clock, self._options, self._entry_point = clock, options, ENTRY_POINTS[environment]
        self._probed: dict[str, AudioProperties | None] = {}
        self._start_counters()

    def admit(self, request: IncomingRequest) -> Admission:
        """Find the operation, check the key, see whether there is room."""
        key = request.headers.get(self._entry_point.key, "")
        fingerprint = key_fingerprint(key) if key else None
        found = match_route(request.path)
        if found is None or found[0].operation not in self._entry_point.operations:
            return Admission(None, {}, fingerprint, reply=error_reply(404))
        if request.method != "POST":
            return Admission(None, {}, fingerprint, reply=method_not_allowed_reply())
        admitted = Admission(found[0].operation, found[1], fingerprint)
        if self._key_registry.rejection(key) is not None or not request.headers.get(
            self._entry_point.second_header or self._entry_point.key
        ):
            return admitted._replace(reply=error_reply(401))
        status = self._gate.rejection_status(self._clock.now())
        return admitted._replace(key_accepted=True, reply=None if status is None else self._overload_reply(status))

    def perform(self, request: IncomingRequest, admission: Admission, fault: InjectedFault | None) -> Awaitable[Reply]:
        """Assess."""
        self._gate.enter()
        return self._assess(request, admission, fault)

    def fault_reply(self, request: IncomingRequest, fault: InjectedFault) -> Reply:
        """The answer of a fault that does not let the true one out."""
        return fault_reply(request, fault, self.server_time())

    def extra_headers(self, admission: Admission, fault: InjectedFault | None) -> HeaderPairs:  # noqa: ARG002 - nothing is told of any quota
        """Nothing: no limit is told, and no page of another origin is let in."""
        return ()

    def server_time(self) -> float:
        """The clock's time of day, skewed as the options say."""
        return self._clock.wall() + self._options.skew_s

    def is_asset_path(self, path: str) -> bool:  # noqa: ARG002 - the same for every path
        """Nothing: there are no files."""
        return False

    def fetch_asset(self, request: IncomingRequest) -> Reply:  # noqa: ARG002 - as above
        """Nothing."""
        return error_reply(404)

    def expire_url(self, request: IncomingRequest) -> None:
        """Nothing is signed."""

    def apply_event(self, what: str, news: bytes) -> object:  # noqa: ARG002 - there is no news that it takes
        """Refused: nothing happens to it from outside."""
        raise InvalidInput(f"{self.name} takes no {what}")

    def counts(self) -> Mapping[str, object]:
        """What is billed, for whom, and how full it was."""
        return self._bills.counts() | {"refused_for_load": self._gate.rejected, "most_under_way": self._gate.peak}

    async def run_background(self) -> None:
        """Nothing goes on by itself."""

    async def wait_until_idle(self) -> None:
        """Nothing is begun that a request does not wait for."""

    def limits(self) -> tuple[Limit, ...]:
        """None that is known."""
        return ()

    def items(self) -> Iterator[LedgerItem]:
        """Nothing is kept."""
        return iter(())

    def options(self) -> Mapping[str, object]:
        """The service's options in force."""
        return msgspec.structs.asdict(self._options)

    def seed(self, changes: Mapping[str, object]) -> None:
        """Score by other dice; bills and capacity go on."""
        if not changes.keys() <= {"seed"}:
            raise InvalidInput(f"seed takes seed, not {', '.join(sorted(changes))}: use reset for the rest")
        self._options = update_options(self._options, changes)

    def reset(self, changes: Mapping[str, object]) -> None:
        """Begin bills and capacity anew; unnamed options stay as they are, and so do live keys."""
        self._options = update_options(self._options, changes)
        self._key_registry.ensure_live_key()
        self._start_counters()

    def _start_counters(self) -> None:
        self._bills, self._gate = Billing(), Capacity(self._options)

    def _overload_reply(self, status: int) -> Reply:
        told = self._options.retry_after and status in (429, 503)
        return error_reply(status, retry_after_s=max(1, ceil(self._options.service_s)) if told else None)

    async def _assess(self, request: IncomingRequest, admission: Admission, fault: InjectedFault | None) -> Reply:
        began, gate, bills, options = self._clock.now(), self._gate, self._bills, self._options
        try:
            route, arguments = BY_NAME[admission.operation or ""], admission.arguments
            body, problems = request_schema.parse_body(request.body, route.fields)
            told = [
                *request_schema.check_parameters(arguments, request.headers, user_required=options.user_required),
                *problems,
            ]
            if told:
                return validation_reply(told)
            report = await self._make_report(route, arguments.get("accent", ""), body)
            left_s = began + options.service_s - self._clock.now()
            if left_s > 0:
                await asyncio.sleep(self._clock.real_s(left_s))
        except AssessmentRefused as refused:
            return error_reply(BAD_REQUEST, refused.message)
        finally:
            gate.leave()
        if fault is not None and fault.name == "error_after":
            return Reply(200, report)
        seen = fault is None or fault.name not in UNREADABLE_FAULTS
        bills.charge(
            f"{request.path} {request.body_digest}", request.headers.get("x-user-id", ""), self.server_time(), seen=seen
        )
        return Reply(200, report, effect=True)

    async def _make_report(self, route: LanguageConfidenceRoute, accent: str, body: dict[str, Any]) -> bytes:
        seed, context = self._options.seed, msgspec.json.encode(body.get("context")).decode()
        about = route.operation, accent, context
        if route.max_audio_s == 0:
            report = reports.text_report(ScoreGenerator(seed, *about, body["text"]), body)
        else:
            data = decode_base64(body["audio_base64"])
            digest = sha256(data).hexdigest()
            heard = await self._probe(digest, data, route.max_audio_s)
            sound = check_audio(heard, body["audio_format"], route.max_audio_s)
            self._bills.audio_s += sound.duration_s
            generator = ScoreGenerator(seed, *about, digest, body.get("expected_text", ""))
            report = reports.recording_report(route.operation, generator, body, accent, sound)
        if self._options.new_fields:
            report["model_version"] = {"name": "later"}
        return msgspec.json.encode(report)

    async def _probe(self, digest: str, data: bytes, longest_s: float) -> AudioProperties | None:
        """What a recording is; the same bytes are decoded once for each operation."""
        key = f"{longest_s:g} {digest}"
        if key not in self._probed:
            if len(self._probed) >= MAX_PROBED:
                self._probed.clear()
            self._probed[key] = await asyncio.to_thread(probe_audio, data, longest_s)
        return self._probed[key]


def create_providers(options: EmulatorOptions, *, clock: Clock, host: Host) -> list[tuple[EmulatedProvider, Origins]]:
    """All environments as the emulator was told to play them.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        host: opens ports.

    Raises:
        InvalidInput: an option cannot have its value.
    """
    wished: dict[str, object] = {name: getattr(options, name) for name in ("seed", "skew_s", "retry_after")}
    chosen = update_options(LanguageConfidenceOptions(), wished | options.provider_settings(LanguageConfidence.name))
    return [
        (LanguageConfidence(environment, chosen, clock=clock), host.open_ports(storage=False))
        for environment in ENTRY_POINTS
    ]

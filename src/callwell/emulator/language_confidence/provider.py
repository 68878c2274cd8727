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

from callwell.emulator.errors import BadInput
from callwell.emulator.fault_rules import Catalogue
from callwell.emulator.keys import KeyCabinet, fingerprint_of
from callwell.emulator.language_confidence import reports, request_schema
from callwell.emulator.language_confidence.audio import check, content, decoded
from callwell.emulator.language_confidence.billing import Bills
from callwell.emulator.language_confidence.capacity import Gate
from callwell.emulator.language_confidence.fault_replies import fault_reply
from callwell.emulator.language_confidence.options import ServiceOptions, changed
from callwell.emulator.language_confidence.replies import BAD, Refused, invalid, not_post, refusal
from callwell.emulator.language_confidence.routes import BY_NAME, match
from callwell.emulator.language_confidence.scores import Dice
from callwell.emulator.messages import Reply
from callwell.emulator.provider import Admission

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping

    from callwell.clock import Clock
    from callwell.emulator.fault_script import Hit
    from callwell.emulator.language_confidence.audio import Sound
    from callwell.emulator.language_confidence.routes import Route
    from callwell.emulator.messages import Incoming
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.provider import Ground, Item, KeyAdmin, Place, Provider
    from callwell.emulator.quota import Limit
    from callwell.emulator.response_headers import Headers

KEY_LENGTH: Final = 40
KEYS_MOST: Final = 100
HEARD_MOST: Final = 8_192
"""Recordings of which it is remembered what they are."""

UNSEEN: Final = frozenset({"lost_reply", "hang", "truncated", "garbage_body"})
"""Faults whose victim cannot read the report that it pays for."""


class Door(NamedTuple):
    """How an environment is entered.

    Attributes:
        key: the header with the key.
        beside: a header that must be there too, if any.
        operations: what there is.
    """

    key: str
    beside: str | None
    operations: frozenset[str]


DOORS: Final = {
    "production": Door("api-key", None, frozenset(BY_NAME)),
    "rapidapi_scripted": Door("x-rapidapi-key", "x-rapidapi-host", frozenset({"assess.scripted"})),
    "rapidapi_unscripted": Door("x-rapidapi-key", "x-rapidapi-host", frozenset({"assess.unscripted"})),
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

    def __init__(self, environment: str, options: ServiceOptions, *, clock: Clock) -> None:
        self.environment = environment
        self.catalogue = Catalogue(DOORS[environment].operations, frozenset(), frozenset(), frozenset(), {})
        self._cabinet = KeyCabinet(clock, prefix="", length=KEY_LENGTH, slots=KEYS_MOST)
        self.keys: KeyAdmin = self._cabinet
        self._clock, self._options, self._door = clock, options, DOORS[environment]
        self._heard: dict[str, Sound | None] = {}
        self._begin()

    def admit(self, request: Incoming) -> Admission:
        """Find the operation, check the key, see whether there is room."""
        key = request.headers.get(self._door.key, "")
        fingerprint = fingerprint_of(key) if key else None
        found = match(request.path)
        if found is None or found[0].operation not in self._door.operations:
            return Admission(None, {}, fingerprint, reply=refusal(404))
        if request.method != "POST":
            return Admission(None, {}, fingerprint, reply=not_post())
        admitted = Admission(found[0].operation, found[1], fingerprint)
        if self._cabinet.refusal(key) is not None or not request.headers.get(self._door.beside or self._door.key):
            return admitted._replace(reply=refusal(401))
        status = self._gate.refusal(self._clock.now())
        return admitted._replace(key_accepted=True, reply=None if status is None else self._busy(status))

    def perform(self, request: Incoming, admission: Admission, hit: Hit | None) -> Awaitable[Reply]:
        """Assess."""
        self._gate.enter()
        return self._perform(request, admission, hit)

    def fault_reply(self, request: Incoming, hit: Hit) -> Reply:
        """The answer of a fault that does not let the true one out."""
        return fault_reply(request, hit, self.wall())

    def about(self, admission: Admission, hit: Hit | None) -> Headers:  # noqa: ARG002 - nothing is told of any quota
        """Nothing: no limit is told, and no page of another origin is let in."""
        return ()

    def wall(self) -> float:
        """The clock's time of day, skewed as the options say."""
        return self._clock.wall() + self._options.skew_s

    def keeps(self, path: str) -> bool:  # noqa: ARG002 - the same for every path
        """Nothing: there are no files."""
        return False

    def fetch(self, request: Incoming) -> Reply:  # noqa: ARG002 - as above
        """Nothing."""
        return refusal(404)

    def expire(self, request: Incoming) -> None:
        """Nothing is signed."""

    def told(self, what: str, news: bytes) -> object:  # noqa: ARG002 - there is no news that it takes
        """Refused: nothing happens to it from outside."""
        raise BadInput(f"{self.name} takes no {what}")

    def counts(self) -> Mapping[str, object]:
        """What is billed, for whom, and how full it was."""
        return self._bills.counts() | {"refused_for_load": self._gate.refused, "most_under_way": self._gate.most}

    async def work(self) -> None:
        """Nothing goes on by itself."""

    async def settle(self) -> None:
        """Nothing is begun that a request does not wait for."""

    def limits(self) -> tuple[Limit, ...]:
        """None that is known."""
        return ()

    def items(self) -> Iterator[Item]:
        """Nothing is kept."""
        return iter(())

    def options(self) -> Mapping[str, object]:
        """The service's options in force."""
        return msgspec.structs.asdict(self._options)

    def seed(self, changes: Mapping[str, object]) -> None:
        """Score by other dice; bills and capacity go on."""
        if not changes.keys() <= {"seed"}:
            raise BadInput(f"seed takes seed, not {', '.join(sorted(changes))}: use reset for the rest")
        self._options = changed(self._options, changes)

    def reset(self, changes: Mapping[str, object]) -> None:
        """Begin bills and capacity anew; unnamed options stay as they are, and so do live keys."""
        self._options = changed(self._options, changes)
        self._cabinet.revive()
        self._begin()

    def _begin(self) -> None:
        self._bills, self._gate = Bills(), Gate(self._options)

    def _busy(self, status: int) -> Reply:
        told = self._options.retry_after and status in (429, 503)
        return refusal(status, retry_after_s=max(1, ceil(self._options.service_s)) if told else None)

    async def _perform(self, request: Incoming, admission: Admission, hit: Hit | None) -> Reply:
        began, gate, bills, options = self._clock.now(), self._gate, self._bills, self._options
        try:
            route, arguments = BY_NAME[admission.operation or ""], admission.arguments
            body, problems = request_schema.read(request.body, route.fields)
            told = [*request_schema.about(arguments, request.headers, user_required=options.user_required), *problems]
            if told:
                return invalid(told)
            report = await self._report(route, arguments.get("accent", ""), body)
            left_s = began + options.service_s - self._clock.now()
            if left_s > 0:
                await asyncio.sleep(self._clock.real_s(left_s))
        except Refused as refused:
            return refusal(BAD, refused.why)
        finally:
            gate.leave()
        if hit is not None and hit.fault == "error_after":
            return Reply(200, report)
        seen = hit is None or hit.fault not in UNSEEN
        bills.add(f"{request.path} {request.body_digest}", request.headers.get("x-user-id", ""), self.wall(), seen=seen)
        return Reply(200, report, effect=True)

    async def _report(self, route: Route, accent: str, body: dict[str, Any]) -> bytes:
        seed, context = self._options.seed, msgspec.json.encode(body.get("context")).decode()
        about = route.operation, accent, context
        if route.longest_s == 0:
            report = reports.read(Dice(seed, *about, body["text"]), body)
        else:
            data = content(body["audio_base64"])
            digest = sha256(data).hexdigest()
            heard = await self._sound(digest, data, route.longest_s)
            sound = check(heard, body["audio_format"], route.longest_s)
            self._bills.audio_s += sound.duration_s
            dice = Dice(seed, *about, digest, body.get("expected_text", ""))
            report = reports.heard(route.operation, dice, body, accent, sound)
        if self._options.new_fields:
            report["model_version"] = {"name": "later"}
        return msgspec.json.encode(report)

    async def _sound(self, digest: str, data: bytes, longest_s: float) -> Sound | None:
        """What a recording is; the same bytes are decoded once for each operation."""
        key = f"{longest_s:g} {digest}"
        if key not in self._heard:
            if len(self._heard) >= HEARD_MOST:
                self._heard.clear()
            self._heard[key] = await asyncio.to_thread(decoded, data, longest_s)
        return self._heard[key]


def play(options: EmulatorOptions, *, clock: Clock, ground: Ground) -> list[tuple[Provider, Place]]:
    """All environments as the emulator was told to play them.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        ground: opens ports.

    Raises:
        BadInput: an option cannot have its value.
    """
    wished: dict[str, object] = {name: getattr(options, name) for name in ("seed", "skew_s", "retry_after")}
    chosen = changed(ServiceOptions(), wished | options.wished(LanguageConfidence.name))
    return [(LanguageConfidence(environment, chosen, clock=clock), ground.open(storage=False)) for environment in DOORS]

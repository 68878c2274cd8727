# SPDX-License-Identifier: Apache-2.0
"""api.video as a provider of the emulator: one environment with its account, keys, quotas, work and assets.

The order of checks is route, key, suspension, quota, fault, and then what the operation itself checks.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

import msgspec

from callwell.emulator.apivideo.account import Account
from callwell.emulator.apivideo.assets import fetch, is_media
from callwell.emulator.apivideo.background import Work
from callwell.emulator.apivideo.call import Call
from callwell.emulator.apivideo.external_events import end_long_broadcasts, take_news
from callwell.emulator.apivideo.fault_replies import fault_reply
from callwell.emulator.apivideo.options import LIMITS, AccountOptions, changed
from callwell.emulator.apivideo.query import Query
from callwell.emulator.apivideo.replies import SLUGS, Problem, Refused, as_problem, failure, not_allowed, refuse
from callwell.emulator.apivideo.routes import BY_NAME, Route, match
from callwell.emulator.apivideo.tokens import Tokens
from callwell.emulator.errors import BadInput
from callwell.emulator.fault_rules import QUOTA_LIES, RETRY_LIES, Catalogue
from callwell.emulator.keys import KeyCabinet, fingerprint_of
from callwell.emulator.messages import Reply
from callwell.emulator.provider import Admission, AssetFacts, Item
from callwell.emulator.quota import Quota
from callwell.emulator.response_headers import lied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from callwell.clock import Clock
    from callwell.emulator.fault_script import Hit
    from callwell.emulator.messages import Incoming
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.provider import Ground, KeyAdmin, Place, Provider
    from callwell.emulator.quota import Limit
    from callwell.emulator.response_headers import Headers

KEY_LENGTH: Final = 44
KEYS_MOST: Final = 100
PREFLIGHT: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"*, Authorization"),
)
LIES: Final[Mapping[str, bytes]] = {"past": b"0", "huge": b"99999999999999", "negative": b"-60", "text": b"soon"}


class ApiVideo:
    """One environment.

    Args:
        environment: `production` or `sandbox`.
        options: of the account.
        clock: the emulator's clock.
        origin: where it is.
        folder: where files go.
    """

    name = "apivideo"
    base_path = ""
    catalogue = Catalogue(
        operations=frozenset(BY_NAME),
        lists=frozenset(),
        shifting=frozenset(),
        signing=frozenset(),
        codes={slug: status for slug, (status, _) in SLUGS.items()},
        sizing=frozenset({"videos.status"}),
        receiving=frozenset({"videos.upload", "videos.upload_with_token"}),
        working=frozenset({"videos.status"}),
    )

    def __init__(self, environment: str, options: AccountOptions, *, clock: Clock, origin: str, folder: Path) -> None:
        self.environment = environment
        self._cabinet = KeyCabinet(clock, prefix="", length=KEY_LENGTH, slots=KEYS_MOST)
        self.keys: KeyAdmin = self._cabinet
        self._clock, self._origin, self._options = clock, origin, options
        self._work = Work(clock, folder, sandbox=environment == "sandbox")
        self._begin()

    def admit(self, request: Incoming) -> Admission:
        """Find the operation, check the key, count the quota."""
        admission = self._admitted(request)
        return admission if admission.reply is None else admission._replace(reply=self._typed(admission.reply))

    def _admitted(self, request: Incoming) -> Admission:
        found = match(request.path)
        if request.method == "OPTIONS":
            return Admission(None, {}, reply=Reply(204, b"", PREFLIGHT))
        header = request.headers.get("authorization")
        key = self._tokens.key_of(header) if header else ""
        fingerprint = fingerprint_of(key) if key else None
        if not found:
            return Admission(None, {}, fingerprint, reply=failure(Problem("unrecognized-request-url")))
        if request.method not in found:
            return Admission(None, {}, fingerprint, reply=not_allowed([*found, "OPTIONS"]))
        route, arguments = found[request.method]
        admitted = Admission(route.operation, arguments, fingerprint, quota=route.quota)
        try:
            self._let_in(route, header)
        except Refused as refused:
            return admitted._replace(reply=refused.reply())
        return admitted._replace(key_accepted=True, reply=self._counted(route, request))

    def perform(self, request: Incoming, admission: Admission, hit: Hit | None) -> Reply:
        """Do what an admitted request asks."""
        wall = self.wall()
        self._account.sweep(wall)
        end_long_broadcasts(self._account, wall)
        call = Call(
            self._account,
            self._tokens,
            self._options,
            self._origin,
            wall,
            request,
            admission.arguments,
            Query(request.query),
            hit,
        )
        try:
            reply = BY_NAME[admission.operation or ""].handler(call)
        except Refused as refused:
            self._account.resent_bytes += refused.resent
            return self._typed(refused.reply())
        self._work.look(self._account)
        return reply

    def fault_reply(self, request: Incoming, hit: Hit) -> Reply:
        """The answer of a fault that does not let the true one out."""
        return self._typed(fault_reply(request, hit))

    def about(self, admission: Admission, hit: Hit | None) -> Headers:
        """What is left of the quota of an operation's class."""
        if admission.quota not in self._quotas:
            return ()
        quota = self._quotas[admission.quota]
        standings = quota.standings_at(self._clock.now())
        lie = hit.value if hit is not None and hit.fault == "lying_header" else ""
        if lie in QUOTA_LIES:
            standings = lied(standings, lie)
        standing = standings[0]
        limit, left = b"%d" % standing.limit.most, b"%d" % standing.left
        told = ((b"x-ratelimit-limit", limit), (b"x-ratelimit-remaining", left))
        if hit is not None and hit.fault == "throttle":
            return told
        reset_s = hit.rule.retry_after_s if hit is not None and hit.fault == "throttle_after" else standing.reset_s
        reset = LIES[lie] if lie in RETRY_LIES else b"%d" % max(1, ceil(reset_s))
        return (*told, (b"x-ratelimit-retry-after", reset))

    def wall(self) -> float:
        """The clock's time of day, skewed as the options say."""
        return self._clock.wall() + self._options.skew_s

    def keeps(self, path: str) -> bool:
        """Whether a path is that of an asset."""
        return is_media(path)

    def fetch(self, request: Incoming) -> Reply:
        """An asset, or why not."""
        self._account.sweep(self.wall())
        return fetch(self._account, request, self.wall())

    def expire(self, request: Incoming) -> None:
        """Nothing more: a token is dead once it is used."""

    def told(self, what: str, news: bytes) -> object:
        """Views, and broadcasts that begin and end."""
        told = take_news(self._account, what, news, self.wall())
        self._work.look(self._account)
        return told

    def counts(self) -> Mapping[str, object]:
        """What uploads cost twice, and videos that there are twice."""
        return {
            "resent_bytes": self._account.resent_bytes,
            "duplicate_videos": self._account.duplicates(),
            "videos": len(self._account.videos),
        }

    async def work(self) -> None:
        """Make media, and deliver webhooks."""
        await self._work.run()

    async def settle(self) -> None:
        """Wait until everything that was uploaded has been looked at."""
        await self._work.settle()

    def limits(self) -> tuple[Limit, ...]:
        """The quotas in force."""
        return self._options.limits(self.environment)

    def items(self) -> Iterator[Item]:
        """Every video with a file."""
        for video in self._account.active():
            source = video.source
            if source is not None and source.sha256:
                facts = AssetFacts(source.size, source.sha256, "video/mp4")
                yield Item(video.id, self.environment, "created", {"source": facts})

    def options(self) -> Mapping[str, object]:
        """The account's options in force."""
        return msgspec.structs.asdict(self._options)

    def seed(self, changes: Mapping[str, object]) -> None:
        """Empty the account; the quota goes on."""
        if not changes.keys() <= {"seed"}:
            raise BadInput(f"seed takes seed, not {', '.join(sorted(changes))}: use reset for the rest")
        self._options = changed(self._options, changes)
        self._empty()

    def reset(self, changes: Mapping[str, object]) -> None:
        """Empty the account and begin the quotas anew; unnamed options stay as they are, and so do live keys."""
        self._options = changed(self._options, changes)
        self._cabinet.revive()
        self._begin()

    def _typed(self, reply: Reply) -> Reply:
        return as_problem(reply) if self._options.problem_json else reply

    def _begin(self) -> None:
        self._quotas = {limit.name: Quota((limit,), "fixed") for limit in self.limits()}
        self._empty()

    def _empty(self) -> None:
        self._account = Account(self._options.seed, sandbox=self.environment == "sandbox")
        self._tokens = Tokens(self._cabinet, self._clock, self._account.new_id("pr"))
        self._work.forget()

    def _let_in(self, route: Route, header: str | None) -> None:
        if not route.open and not route.delegated:
            self._tokens.check(header)
        if self._options.suspended and not route.open:
            raise refuse("authorization-suspended-account", None)

    def _counted(self, route: Route, request: Incoming) -> Reply | None:
        if not route.quota or self._quotas[route.quota].take(request.arrived_s) is None:
            return None
        standing = self._quotas[route.quota].standings()[0]
        return replace(failure(Problem("too-many-requests")), retry_after_s=max(1, ceil(standing.reset_s)))


def play(options: EmulatorOptions, *, clock: Clock, ground: Ground) -> list[tuple[Provider, Place]]:
    """Both environments as the emulator was told to play them.

    Args:
        options: those of the whole emulator.
        clock: the emulator's clock.
        ground: opens ports.

    Raises:
        BadInput: an option cannot have its value.
    """
    wished = {"seed": options.seed, "skew_s": options.skew_s} | options.wished(ApiVideo.name)
    chosen = changed(AccountOptions(), wished)
    played: list[tuple[Provider, Place]] = []
    for environment in LIMITS:
        place = ground.open(storage=False)
        played.append((ApiVideo(environment, chosen, clock=clock, origin=place.api, folder=ground.folder), place))
    return played

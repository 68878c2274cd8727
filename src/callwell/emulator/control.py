# SPDX-License-Identifier: Apache-2.0
"""The control port: faults, ledger, clock, world and keys of the emulated providers, as JSON.

Every request that cannot be understood is answered 400 with one sentence: `{"error": "..."}`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from starlette.responses import Response

from callwell.emulator.errors import BadInput
from callwell.emulator.fault_rules import parse_rules
from callwell.emulator.score import score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from callwell.emulator.clock import MovableClock
    from callwell.emulator.exchange import Stand
    from callwell.emulator.provider import Item
    from callwell.emulator.registry import Board

T = TypeVar("T")
ITEMS_AT_ONCE: Final = 100


class KeyWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of the key requests; everything in it is optional.

    Attributes:
        provider: which provider, if there are several.
        fingerprint: which key; the newest live one by default.
        name: for a new key.
        expires_in_s: for a new key, clock seconds; never by default.
    """

    provider: str | None = None
    fingerprint: str | None = None
    name: str | None = None
    expires_in_s: float | None = None


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a move of the clock: by how many of its seconds."""

    advance_s: float


def answer(value: object, status: int = 200) -> Response:
    """`value` as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Control:
    """The handlers.

    Attributes:
        board: all that is played.
        clock: the emulator's clock, the same for all.
        describe: where everything is, as `emulate --json` prints it.
    """

    board: Board
    clock: MovableClock
    describe: Callable[[], object]

    async def health(self, _: Request) -> Response:
        """Where everything is, and the options in force."""
        return answer({"status": "ok", "emulator": self.describe(), "options": self._options()})

    async def get_clock(self, _: Request) -> Response:
        """What the emulator's clock says."""
        return answer(self.clock.read())

    async def move_clock(self, request: Request) -> Response:
        """Move the emulator's clock ahead at once."""
        self.clock.advance(_decode(await request.body(), Move).advance_s)
        return answer(self.clock.read())

    async def get_faults(self, _: Request) -> Response:
        """The rules in force with their counters."""
        return answer([rule for stand in self.board for rule in stand.script.describe()])

    async def put_faults(self, request: Request) -> Response:
        """Replace the script of faults."""
        rules = parse_rules(await request.body())
        for number, rule in enumerate(rules, 1):
            for stand in self.board.suffering(rule):
                stand.provider.catalogue.check(rule, f"rule {number}")
        for stand in self.board:
            stand.script.replace([rule for rule in rules if stand in self.board.suffering(rule)])
        return await self.get_faults(request)

    async def ledger(self, _: Request) -> Response:
        """Items and counts by provider."""
        card: dict[str, Any] = {}
        for name, stand in self.board.cards():
            await stand.provider.settle()
            rows = stand.ledger.rows()
            items: list[Item] = []
            for item in stand.provider.items():
                items.append(item)
                if len(items) % ITEMS_AT_ONCE == 0:
                    await asyncio.sleep(0)
            counts = score(rows, stand.provider.limits(), self.clock.jumps) | dict(stand.provider.counts())
            card[name] = {"requests": counts["attempts"], "items": items, "counts": counts}
        return answer(card)

    async def rows(self, _: Request) -> Response:
        """Every row."""
        return answer([row for stand in self.board for row in stand.ledger.rows()])

    async def seed(self, request: Request) -> Response:
        """Rebuild the worlds."""
        for stand, changes in self._changes(await request.body()):
            stand.provider.seed(changes)
        return answer({"options": self._options()})

    async def reset(self, request: Request) -> Response:
        """Rebuild the worlds, begin the ledgers anew, and end all faults; the clock stays where it was moved to."""
        for stand, changes in self._changes(await request.body()):
            stand.provider.reset(changes)
            stand.ledger.clear()
            stand.script.replace([])
        return answer({"options": self._options(), "emulator": self.describe()})

    async def keys(self, _: Request) -> Response:
        """The keys, masked."""
        return answer({name: stand.provider.keys.listed() for name, stand in self.board.cards()})

    async def create_key(self, request: Request) -> Response:
        """One more key."""
        stand, wish = self._wish(await request.body())
        return answer({"key": stand.provider.keys.create(wish.name, wish.expires_in_s)})

    async def rotate_key(self, request: Request) -> Response:
        """A new key for an old one."""
        stand, wish = self._wish(await request.body())
        return answer({"key": stand.provider.keys.rotate(wish.fingerprint, wish.name, wish.expires_in_s)})

    async def revoke_key(self, request: Request) -> Response:
        """Kill a key."""
        stand, wish = self._wish(await request.body())
        return answer({"revoked": stand.provider.keys.revoke(wish.fingerprint)})

    async def disable_key(self, request: Request) -> Response:
        """Refuse a key."""
        stand, wish = self._wish(await request.body())
        return answer({"disabled": stand.provider.keys.disable(wish.fingerprint)})

    async def news(self, request: Request) -> Response:
        """Something that happens to a provider without a request to its API."""
        stand = self.board.one("/".join((request.path_params["provider"], request.path_params["environment"])))
        return answer(stand.provider.told(request.path_params["what"], await request.body()))

    def _options(self) -> dict[str, Mapping[str, object]]:
        return {name: stand.provider.options() for name, stand in self.board.cards()}

    def _wish(self, body: bytes) -> tuple[Stand, KeyWish]:
        wish = _decode(body or b"{}", KeyWish)
        return self.board.one(wish.provider), wish

    def _changes(self, body: bytes) -> list[tuple[Stand, dict[str, object]]]:
        changes = _decode(body or b"{}", dict[str, object])
        name = changes.pop("provider", None)
        meant = self.board.meant(name if name is None or isinstance(name, str) else repr(name))
        return [(stand, changes) for stand in meant]


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"the body must be a JSON object: {error}") from error

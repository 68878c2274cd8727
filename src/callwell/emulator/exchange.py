# SPDX-License-Identifier: Apache-2.0
"""One request from arrival to the last byte of its answer, with at most one fault between."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request

from callwell.emulator import storage
from callwell.emulator.faults import STORAGE
from callwell.emulator.ledger import Row
from callwell.emulator.wire import Incoming, Reply, redacted

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from callwell.clock import Clock
    from callwell.emulator.faults import FaultScript, Hit
    from callwell.emulator.ledger import Entry, Ledger, Place
    from callwell.emulator.protocol import Connection
    from callwell.emulator.provider import Provider

INSTEAD: Final = frozenset({"error_before", "throttle", "throttle_after", "reset"})
BODILESS: Final = (204, 304)


@dataclass(frozen=True, slots=True)
class Stand:
    """One provider with its ledger and its script of faults."""

    provider: Provider
    ledger: Ledger
    script: FaultScript
    clock: Clock


async def read(scope: Scope, receive: Receive) -> Incoming:
    """The whole request; of a body that breaks off, nothing."""
    try:
        body = await Request(scope, receive).body()
    except ClientDisconnect:
        body = b""
    return Incoming(
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body,
        scope["state"]["arrived_s"],
        scope["state"]["arrived_real_s"],
    )


def api_app(stand: Stand) -> Any:
    """The ASGI app of a provider's API."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = await read(scope, receive)
        admission = stand.provider.admit(request)
        row = msgspec.structs.replace(
            arrival(stand, request, "api"),
            operation=admission.operation,
            key=admission.key,
            key_accepted=admission.key_accepted,
        )
        entry = stand.ledger.open(row)
        hit, reply = None, admission.reply
        if reply is None and admission.operation is not None:
            chain = (request.method, request.path, request.query, row.body_sha256)
            hit = stand.script.decide(admission.operation, chain)
            instead = hit is not None and hit.fault in INSTEAD
            reply = Reply(0) if instead else stand.provider.perform(request, admission, hit)
        await Exchange(stand, entry, scope, send).finish(reply or Reply(0), hit)

    return app


def storage_app(stand: Stand) -> Any:
    """The ASGI app of a provider's storage."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = await read(scope, receive)
        entry = stand.ledger.open(arrival(stand, request, "storage"))
        verdict = stand.provider.signer.check(request.path, request.query, stand.clock.wall())
        reply, hit = storage.refusal(request, verdict), None
        if reply is None:
            asset = stand.provider.asset(request.path)
            reply = storage.error("NoSuchKey") if asset is None else storage.serve(request, asset)
            hit = stand.script.decide(STORAGE, (request.method, request.path))
        if hit is not None and hit.fault == "early_expiry":
            stand.provider.signer.kill(request.query)
        await Exchange(stand, entry, scope, send).finish(reply, hit)

    return app


def arrival(stand: Stand, request: Incoming, place: Place) -> Row:
    """The row of a request that has just come in."""
    texts = tuple(stand.provider.keys.texts())
    leaked = request.holds(texts, only_url=place == "api")
    return Row(
        place,
        request.arrived_s,
        request.arrived_real_s,
        STORAGE,
        request.method,
        redacted(request.path, texts) if leaked else request.path,
        redacted(request.query, texts) if leaked else request.query,
        request.body_digest,
        key_misplaced=leaked or (place != "api" and "authorization" in request.headers),
    )


@dataclass(slots=True)
class Exchange:
    """The answering half of one request."""

    stand: Stand
    entry: Entry
    scope: Scope
    send: Send

    async def finish(self, reply: Reply, hit: Hit | None) -> None:
        """Write `reply`, or what the fault makes of it, and complete the row."""
        fault = None if hit is None or reply.fault_missed else hit.fault
        self._note(fault=fault, effect=reply.effect)
        connection: Connection = self.scope["state"]["connection"]
        if fault == "reset":
            connection.reset()
        elif fault == "lost_reply":
            connection.close()
        elif not connection.transport.is_closing():
            if hit is not None and fault in ("error_before", "error_after", "throttle", "throttle_after"):
                reply = self._error(hit)
            cut = fault == "truncated" or (fault == "early_expiry" and self.entry.row.place == STORAGE)
            await self._write(reply, cut=cut)
            if cut:
                connection.close()
        self._note(ended_s=self.stand.clock.now(), ended_real_s=monotonic())

    def _error(self, hit: Hit) -> Reply:
        if self.entry.row.place == STORAGE:
            status = hit.status or 503
            return storage.error("SlowDown" if status == 503 else "InternalError", status=status)  # noqa: PLR2004
        return self.stand.provider.fault_reply(hit)

    async def _write(self, reply: Reply, *, cut: bool) -> None:
        headers = [*reply.headers, (b"date", formatdate(self.stand.clock.wall(), usegmt=True).encode())]
        bare = self.scope["method"] == "HEAD" or reply.status in BODILESS
        if reply.status not in BODILESS:
            headers.append((b"content-length", b"%d" % len(reply.body)))
        body = b"" if bare else reply.body[: len(reply.body) // 2] if cut else reply.body
        until = None if reply.retry_after_s is None else self.stand.clock.now() + reply.retry_after_s
        await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        self._note(status=reply.status, key_dead=reply.dead_key, retry_until_s=until)
        await self.send({"type": "http.response.body", "body": body, "more_body": cut})
        self._note(whole=not cut, sent_bytes=len(body))

    def _note(self, **changes: object) -> None:
        self.entry.row = msgspec.structs.replace(self.entry.row, **changes)

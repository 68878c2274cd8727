# SPDX-License-Identifier: Apache-2.0
"""One request from arrival to the last byte of its answer, with at most one fault between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request

from callwell.emulator import storage
from callwell.emulator.fault_effects import deliver, late_s, patience_s, spoiled
from callwell.emulator.fault_rules import STORAGE
from callwell.emulator.form import Form, FormReader
from callwell.emulator.ledger import Row
from callwell.emulator.messages import Incoming, Reply, redacted

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from callwell.emulator.clock import MovableClock
    from callwell.emulator.fault_effects import Delivery
    from callwell.emulator.fault_script import FaultScript, Hit
    from callwell.emulator.ledger import Entry, Ledger, Place
    from callwell.emulator.protocol import Connection
    from callwell.emulator.provider import Provider

DRIBBLES: Final = 20
# The clock may be moved while something waits for its time.
LOOK_S: Final = 0.02
SENT_AT_ONCE: Final = 1 << 20
FORM: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Stand:
    """One provider and environment with its ledger and its script of faults; `folder` is for files that come in."""

    provider: Provider
    ledger: Ledger
    script: FaultScript
    clock: MovableClock
    folder: Path


async def read(scope: Scope, receive: Receive, folder: Path | None = None) -> Incoming:
    """The whole request; of a body that breaks off, nothing.

    Args:
        scope: of the request.
        receive: gives its body.
        folder: where the files of a form go; without it a form is a body like any other.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    body, form, broken = b"", None, False
    try:
        if folder is not None and headers.get("content-type", "").lower().startswith(FORM):
            form = await _form(Request(scope, receive), FormReader(headers["content-type"], folder))
        else:
            body = await Request(scope, receive).body()
    except ClientDisconnect:
        broken = True
    return Incoming(
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers,
        body,
        scope["state"]["arrived_s"],
        scope["state"]["arrived_real_s"],
        form,
        broken,
    )


async def _form(request: Request, reader: FormReader) -> Form:
    try:
        async for piece in request.stream():
            reader.feed(piece)
    except ClientDisconnect:
        reader.close().discard()
        raise
    return reader.close()


def api_app(stand: Stand) -> Any:
    """The ASGI app of a provider's API, and of what it keeps at the same origin."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = await read(scope, receive, stand.folder)
        try:
            answering = _stored if stand.provider.keeps(request.path) else _performed
            await answering(stand, request, scope, send)
        finally:
            if request.form is not None:
                request.form.discard()

    return app


def storage_app(stand: Stand) -> Any:
    """The ASGI app of a provider's storage."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _stored(stand, await read(scope, receive), scope, send)

    return app


async def _performed(stand: Stand, request: Incoming, scope: Scope, send: Send) -> None:
    admission = stand.provider.admit(request)
    row = msgspec.structs.replace(
        arrival(stand, request, "api"),
        operation=admission.operation,
        key=admission.key,
        key_accepted=admission.key_accepted,
        quota=admission.quota,
    )
    exchange = Exchange(stand, stand.ledger.open(row), scope, send)
    hit, reply = None, admission.reply
    if reply is None and admission.operation is not None:
        chain = (request.method, request.path, request.query, row.body_sha256)
        hit = stand.script.decide(admission.operation, chain)
        if hit is not None and hit.fault == "late_effect":
            await exchange.let_wait(hit)
        instead = hit is not None and hit.instead
        done = Reply(0) if instead else stand.provider.perform(request, admission, hit)
        reply = done if isinstance(done, Reply) else await done
        if hit is not None and (instead or hit.fault == "error_after"):
            reply = replace(stand.provider.fault_reply(request, hit), effect=reply.effect)
    reply = reply or Reply(0)
    about = stand.provider.about(admission, hit)
    await exchange.finish(replace(reply, headers=(*reply.headers, *about)), hit)


async def _stored(stand: Stand, request: Incoming, scope: Scope, send: Send) -> None:
    entry = stand.ledger.open(arrival(stand, request, "storage"))
    reply, hit = stand.provider.fetch(request), None
    if not reply.refused:
        hit = stand.script.decide(STORAGE, (request.method, request.path))
    if hit is not None and hit.fault == "early_expiry":
        stand.provider.expire(request)
    if hit is not None and hit.fault in ("error_before", "error_after"):
        reply = storage.failing(hit.status)
    await Exchange(stand, entry, scope, send).finish(reply, hit)


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
        broken=request.broken,
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
        """Write `reply`, as far as the fault lets it, and complete the row."""
        delivery = deliver(reply, head=self.scope["method"] == "HEAD", wall=self.stand.provider.wall())
        after = None if hit is None or reply.fault_missed else spoiled(delivery, hit, self.entry.row.place)
        fault = None if hit is None or after is None else hit.fault
        self._note(fault=fault, effect=reply.effect)
        if hit is not None and fault in ("reset", "lost_reply", "late_effect", "hang"):
            await self._break_off(hit)
        elif not self._connection.transport.is_closing():
            until = None if reply.retry_after_s is None else self.stand.clock.now() + reply.retry_after_s
            await self._write(after or delivery, key_dead=reply.dead_key, retry_until_s=until)
        self._note(ended_s=self.stand.clock.now(), ended_real_s=monotonic())

    async def let_wait(self, hit: Hit) -> None:
        """End the connection, and let some time pass before anything is done."""
        self._connection.close()
        at = self.stand.clock.now() + late_s(hit)
        while (left_s := at - self.stand.clock.now()) > 0:  # noqa: ASYNC110 - nothing tells that the clock was moved
            await asyncio.sleep(min(LOOK_S, self.stand.clock.real_s(left_s)))

    @property
    def _connection(self) -> Connection:
        connection: Connection = self.scope["state"]["connection"]
        return connection

    async def _break_off(self, hit: Hit) -> None:
        if hit.fault == "reset":
            self._connection.reset()
            return
        if hit.fault == "hang":
            await self._connection.dawdle(patience_s(hit))
        self._connection.close()

    async def _write(self, delivery: Delivery, **about: object) -> None:
        headers = list(delivery.headers)
        if delivery.announced is not None:
            headers.append((b"content-length", b"%d" % delivery.announced))
        await self.send({"type": "http.response.start", "status": delivery.status, "headers": headers})
        self._note(status=delivery.status, **about)
        size = -(-len(delivery.body) // DRIBBLES) if delivery.over_s else SENT_AT_ONCE
        for start in range(0, len(delivery.body) or 1, size or 1):
            if delivery.over_s and not await self._connection.dawdle(delivery.over_s / DRIBBLES):
                return
            end = min(start + size, len(delivery.body))
            more = end < len(delivery.body) or not delivery.whole
            await self.send({"type": "http.response.body", "body": delivery.body[start:end], "more_body": more})
            self._note(whole=not more, sent_bytes=end, wrong_bytes=min(end, delivery.wrong_bytes))
        if not delivery.whole:
            self._connection.close()

    def _note(self, **changes: object) -> None:
        self.entry.row = msgspec.structs.replace(self.entry.row, **changes)

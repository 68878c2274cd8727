# SPDX-License-Identifier: Apache-2.0
"""One request, from its first byte to the last byte of its response, with at most one fault between.

    read_request ──> admit ──> ledger row ──> next_fault ──> perform ──> Reply ──> Exchange.finish ──> row complete
                     key,                     script of      the                   apply_fault, then
                     quota                    faults         provider              write, cut or hang

The row of a request is entered before anything is done, so that a request which is cut off stays in the ledger. It is
completed as the response goes out: status, bytes, end.

The moment of a fault decides what it means for the client. `error_before`, `throttle` and the like skip the handler:
nothing happened. `error_after`, `lost_reply`, `hang` and `truncated` come after it: the effect is there, and the client
cannot see it. `late_effect` closes the connection first and performs the request later.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request

from callwell.emulator import storage
from callwell.emulator.fault_effects import apply_fault, effect_delay_s, silence_s, to_outgoing
from callwell.emulator.fault_rules import STORAGE
from callwell.emulator.form import Form, FormReader
from callwell.emulator.ledger import LedgerRow
from callwell.emulator.messages import IncomingRequest, Reply, redact

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from callwell.emulator.clock import MovableClock
    from callwell.emulator.fault_effects import OutgoingResponse
    from callwell.emulator.fault_script import FaultScript, InjectedFault
    from callwell.emulator.ledger import LedgerEntry, RequestLedger, ServerKind
    from callwell.emulator.protocol import Connection
    from callwell.emulator.provider import EmulatedProvider

# A slow body comes in this many chunks.
SLOW_CHUNKS: Final = 20
# How often a wait polls the clock, in real seconds, because moving the clock triggers no event.
POLL_S: Final = 0.02
# Files are written in chunks of 1 MiB, so that `sent_bytes` says how far a client read before it went away.
CHUNK_BYTES: Final = 1 << 20
FORM_TYPE: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class EmulatedService:
    """One provider and environment with all that the servers keep for it.

    Attributes:
        provider: answers the requests.
        ledger: every request that arrived.
        script: the faults in force.
        clock: the emulator's clock.
        folder: where uploaded files go.
    """

    provider: EmulatedProvider
    ledger: RequestLedger
    script: FaultScript
    clock: MovableClock
    folder: Path


async def read_request(scope: Scope, receive: Receive, folder: Path | None = None) -> IncomingRequest:
    """Read a whole request; a body that breaks off counts as empty.

    Args:
        scope: the request's ASGI scope.
        receive: gives the body.
        folder: where the files of a form go; without it a form is read like any other body.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    body = b""
    form = None
    broken = False
    try:
        if folder is not None and headers.get("content-type", "").lower().startswith(FORM_TYPE):
            form = await _read_form(Request(scope, receive), FormReader(headers["content-type"], folder))
        else:
            body = await Request(scope, receive).body()
    except ClientDisconnect:
        broken = True
    return IncomingRequest(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        arrived_s=scope["state"]["arrived_s"],
        arrived_real_s=scope["state"]["arrived_real_s"],
        lag_real_s=scope["state"]["lag_real_s"],
        form=form,
        broken=broken,
    )


async def _read_form(request: Request, reader: FormReader) -> Form:
    try:
        async for chunk in request.stream():
            reader.feed(chunk)
    except ClientDisconnect:
        reader.close().discard()
        raise
    return reader.close()


def api_app(service: EmulatedService) -> Any:
    """Return the ASGI app of a provider's API, and of the assets at the same origin."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = await read_request(scope, receive, service.folder)
        handle = _handle_storage if service.provider.is_asset_path(request.path) else _handle_api
        try:
            await handle(service, request, scope, send)
        finally:
            if request.form is not None:
                request.form.discard()

    return app


def storage_app(service: EmulatedService) -> Any:
    """Return the ASGI app of a provider's storage."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _handle_storage(service, await read_request(scope, receive), scope, send)

    return app


async def _handle_api(service: EmulatedService, request: IncomingRequest, scope: Scope, send: Send) -> None:
    admission = service.provider.admit(request)
    row = msgspec.structs.replace(
        new_row(service, request, "api"),
        operation=admission.operation,
        key=admission.key,
        key_accepted=admission.key_accepted,
        quota=admission.quota,
    )
    exchange = Exchange(service=service, entry=service.ledger.record(row), scope=scope, send=send)
    reply = admission.reply
    fault = None
    if reply is None and admission.operation is not None:
        identity = (request.method, request.path, request.query, row.body_sha256)
        fault = service.script.next_fault(admission.operation, identity, request.arrived_s)
        if fault is not None and fault.name == "late_effect":
            await exchange.close_and_wait(fault)
        if fault is not None and fault.skips_handler:
            reply = service.provider.fault_reply(request, fault)
        else:
            done = service.provider.perform(request, admission, fault)
            reply = done if isinstance(done, Reply) else await done
            if fault is not None and fault.name == "error_after":
                reply = replace(service.provider.fault_reply(request, fault), effect=reply.effect)
    reply = reply or Reply(0)
    extra_headers = service.provider.extra_headers(admission, fault)
    await exchange.finish(replace(reply, headers=(*reply.headers, *extra_headers)), fault)


async def _handle_storage(service: EmulatedService, request: IncomingRequest, scope: Scope, send: Send) -> None:
    entry = service.ledger.record(new_row(service, request, "storage"))
    reply = service.provider.fetch_asset(request)
    fault = None
    if not reply.refused:
        fault = service.script.next_fault(STORAGE, (request.method, request.path), request.arrived_s)
    if fault is not None and fault.name == "early_expiry":
        service.provider.expire_url(request)
    if fault is not None and fault.name in ("error_before", "error_after"):
        reply = storage.unavailable_reply(fault.status)
    await Exchange(service=service, entry=entry, scope=scope, send=send).finish(reply, fault)


def new_row(service: EmulatedService, request: IncomingRequest, server: ServerKind) -> LedgerRow:
    """Return the row of a request that has just arrived; keys in its URL are replaced."""
    texts = tuple(service.provider.keys.all_texts())
    # At the API a key belongs in a header or, to get a token for it, in a body; nowhere else does it belong at all.
    leaked = request.contains_any(texts, only_url=server == "api")
    return LedgerRow(
        place=server,
        arrived_s=request.arrived_s,
        arrived_real_s=request.arrived_real_s,
        lag_real_s=request.lag_real_s,
        operation=STORAGE,
        method=request.method,
        path=redact(request.path, texts) if leaked else request.path,
        query=redact(request.query, texts) if leaked else request.query,
        body_sha256=request.body_digest,
        broken=request.broken,
        key_misplaced=leaked or (server != "api" and "authorization" in request.headers),
    )


@dataclass(slots=True)
class Exchange:
    """The answering half of one request.

    Attributes:
        service: who answers.
        entry: the request's row in the ledger.
        scope: the request's ASGI scope.
        send: sends ASGI messages.
    """

    service: EmulatedService
    entry: LedgerEntry
    scope: Scope
    send: Send

    async def finish(self, reply: Reply, fault: InjectedFault | None) -> None:
        """Write `reply` as far as the fault allows, and complete the row."""
        wall_s = self.service.provider.server_time()
        response = to_outgoing(reply, head=self.scope["method"] == "HEAD", wall_s=wall_s)
        if fault is not None and not reply.fault_not_applicable:
            changed = apply_fault(response, fault, self.entry.row.place)
            if changed is None:
                fault = None
            else:
                response = changed
        else:
            fault = None
        self._update_row(fault=None if fault is None else fault.name, effect=reply.effect)
        if fault is not None and fault.name in ("reset", "lost_reply", "late_effect", "hang"):
            await self._end_without_reply(fault)
        elif not self._connection.transport.is_closing():
            until_s = None if reply.retry_after_s is None else self.service.clock.now() + reply.retry_after_s
            await self._write(response, key_dead=reply.dead_key, retry_until_s=until_s)
        self._update_row(ended_s=self.service.clock.now(), ended_real_s=monotonic())

    async def close_and_wait(self, fault: InjectedFault) -> None:
        """Close the connection, then wait for as many clock seconds as the fault says."""
        self._connection.close()
        until_s = self.service.clock.now() + effect_delay_s(fault)
        while (left_s := until_s - self.service.clock.now()) > 0:  # noqa: ASYNC110 - a moved clock makes no event
            await asyncio.sleep(min(POLL_S, self.service.clock.real_s(left_s)))

    @property
    def _connection(self) -> Connection:
        connection: Connection = self.scope["state"]["connection"]
        return connection

    async def _end_without_reply(self, fault: InjectedFault) -> None:
        if fault.name == "reset":
            self._connection.reset()
            return
        if fault.name == "hang":
            await self._connection.wait_while_open(silence_s(fault))
        self._connection.close()

    async def _write(self, response: OutgoingResponse, **changes: object) -> None:
        """Send the response, and note in the row what has been written; `changes` go into the row with the status."""
        headers = list(response.headers)
        if response.content_length is not None:
            headers.append((b"content-length", b"%d" % response.content_length))
        await self.send({"type": "http.response.start", "status": response.status, "headers": headers})
        self._update_row(status=response.status, **changes)
        size = len(response.body)
        chunk_bytes = -(-size // SLOW_CHUNKS) if response.duration_s else CHUNK_BYTES
        # An empty body is one empty chunk: it ends the response.
        for start in range(0, size or 1, chunk_bytes or 1):
            if response.duration_s:
                is_open = await self._connection.wait_while_open(response.duration_s / SLOW_CHUNKS)
                if not is_open:
                    return
            end = min(start + chunk_bytes, size)
            more = end < size or not response.complete
            await self.send({"type": "http.response.body", "body": response.body[start:end], "more_body": more})
            self._update_row(whole=not more, sent_bytes=end, wrong_bytes=min(end, response.wrong_bytes))
        if not response.complete:
            self._connection.close()

    def _update_row(self, **changes: object) -> None:
        self.entry.row = msgspec.structs.replace(self.entry.row, **changes)

# SPDX-License-Identifier: Apache-2.0
"""The control port's ASGI app: its paths, and who may use it.

A web page must not control the emulator. A page cannot hide where it comes from: its scripts send `Origin`, its images
and forms `Sec-Fetch-Site`, and a page that has its own name resolved to this machine sends that name in `Host`. All
three are refused.

No key belongs here, so a request that carries one is recorded in the ledger.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from callwell.emulator.control import ControlHandlers, json_response
from callwell.emulator.errors import InvalidInput
from callwell.emulator.exchange import new_row, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from callwell.emulator.clock import MovableClock
    from callwell.emulator.registry import ServiceRegistry

HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
LOCAL_HOST: Final = re.compile(rf"({'|'.join(map(re.escape, HOSTS))})\.?(:\d+)?", re.ASCII)
TRUSTED_SITES: Final = ("none", "same-origin")


def control_app(registry: ServiceRegistry, clock: MovableClock, describe: Callable[[], object]) -> ASGIApp:
    """Return the app.

    Args:
        registry: the emulated services.
        clock: the emulator's clock.
        describe: returns where everything is, for `/health`.
    """
    control = ControlHandlers(registry, clock, describe)
    routes = [
        Route("/health", control.health),
        Route("/clock", control.get_clock, methods=["GET"]),
        Route("/clock", control.move_clock, methods=["POST"]),
        Route("/faults", control.get_faults, methods=["GET"]),
        Route("/faults", control.put_faults, methods=["POST"]),
        Route("/ledger", control.ledger),
        Route("/ledger/requests", control.rows),
        Route("/seed", control.seed, methods=["POST"]),
        Route("/reset", control.reset, methods=["POST"]),
        Route("/keys", control.keys),
        Route("/keys/create", control.create_key, methods=["POST"]),
        Route("/keys/rotate", control.rotate_key, methods=["POST"]),
        Route("/keys/revoke", control.revoke_key, methods=["POST"]),
        Route("/keys/disable", control.disable_key, methods=["POST"]),
        Route("/{provider}/{environment}/{event}", control.post_event, methods=["POST"]),
    ]
    handlers = {InvalidInput: _reply_invalid_input, HTTPException: _reply_not_found}
    return _with_access_check(Starlette(routes=routes, exception_handlers=handlers), registry)


async def _reply_invalid_input(_: Request, error: Exception) -> Response:
    return json_response({"error": str(error)}, 400)


async def _reply_not_found(request: Request, error: Exception) -> Response:
    complaint = f"{request.method} {request.url.path}: there is no such thing on the control port"
    if not isinstance(error, HTTPException):
        return json_response({"error": complaint}, 500)
    response = json_response({"error": complaint}, error.status_code)
    # A 405 names the methods that the path has.
    response.headers.update(error.headers or {})
    return response


def _rejection_reason(scope: Scope) -> str | None:
    """Return why a request must not control the emulator, None if it may."""
    headers = [(name, value.decode("latin-1").strip()) for name, value in scope["headers"]]
    if any(name == b"origin" for name, _ in headers):
        return "a request from a web page (Origin)"
    if any(name == b"sec-fetch-site" and site not in TRUSTED_SITES for name, site in headers):
        return "a request from a web page (Sec-Fetch-Site)"
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) == 1 and LOCAL_HOST.fullmatch(hosts[0].lower()):
        return None
    return f"a request for another host than {', '.join(HOSTS)}"


def _with_access_check(app: ASGIApp, registry: ServiceRegistry) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        request = await read_request(scope, receive)
        for service in registry:
            row = new_row(service, request, "control")
            if row.key_misplaced:
                service.ledger.record(row)
        reason = _rejection_reason(scope)
        if reason is not None:
            response = json_response({"error": f"the control port does not answer {reason}"}, 403)
            await response(scope, receive, send)
            return

        async def replay() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        await app(scope, replay, send)

    return guarded

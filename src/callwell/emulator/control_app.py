# SPDX-License-Identifier: Apache-2.0
"""The control port's ASGI app: who may steer, and which path is which handler.

Requests with an Origin header are refused, and so are those for another host than this one: a web page must not steer
the emulator. A request that carries a key is entered into the ledger, for no key belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from callwell.emulator.control import Control, answer
from callwell.emulator.errors import BadInput
from callwell.emulator.exchange import arrival, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from callwell.emulator.board import Board
    from callwell.emulator.clock import MovableClock

HOSTS: Final = ("127.0.0.1", "localhost")


def control_app(board: Board, clock: MovableClock, describe: Callable[[], object]) -> ASGIApp:
    """The app.

    Args:
        board: all that is played.
        clock: the emulator's clock.
        describe: where everything is, for `/health`.
    """
    control = Control(board, clock, describe)
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
        Route("/{provider}/{environment}/{what}", control.news, methods=["POST"]),
    ]
    handlers = {BadInput: _bad_input, HTTPException: _no_such_thing}
    return _guarded(Starlette(routes=routes, exception_handlers=handlers), board)


async def _bad_input(_: Request, error: Exception) -> Response:
    return answer({"error": str(error)}, 400)


async def _no_such_thing(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return answer({"error": f"{request.method} {request.url.path}: there is no such thing on the control port"}, status)


def _guarded(app: ASGIApp, board: Board) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        request = await read(scope, receive)
        for stand in board:
            row = arrival(stand, request, "control")
            if row.key_misplaced:
                stand.ledger.open(row)
        host = request.headers.get("host", "").rpartition(":")[0]
        if "origin" in request.headers or host not in HOSTS:
            refused = answer({"error": "the control port takes no requests from web pages or for other hosts"}, 403)
            await refused(scope, receive, send)
            return

        async def replay() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        await app(scope, replay, send)

    return guarded

# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/scripted_client.py by tools/unasync.py; do not edit
"""Clients with scripted replies only."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from callwell.client import Client
from callwell.keys import Key
from callwell.testing import Dice, ScriptedTransport
from callwell.transport.base import Response
from tests.client.acme import KEY, acme
from tests.client.world import LOST, PIECE, tried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.transport.base import NoReply, Request
    from tests.client.world import ScriptedProvider


class Pieces:
    """A streamed body that comes in pieces.

    Args:
        reply: the whole response.
    """

    def __init__(self, reply: Response) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self._body = reply.body
        self._read = 0
        self._end: bytes | NoReply = b"" if reply.whole else LOST

    def read(self) -> bytes | NoReply:
        """The next piece."""
        piece = self._body[self._read : self._read + PIECE]
        self._read += len(piece)
        return piece or self._end


class StreamingTransport(ScriptedTransport):
    """A scripted transport with streams in chunks, which counts the open ones."""

    streams = 0

    @contextmanager
    def stream(self, request: Request) -> Iterator[Any]:
        """The script's next reply, piece by piece."""
        reply = self._answer(request)
        self.streams += 1
        try:
            yield Pieces(reply) if isinstance(reply, Response) else reply
        finally:
            self.streams -= 1


def connect(
    world: ScriptedProvider, *, provider: Any = None, source: Any = None, uses: Any = None, **options: Any
) -> Any:
    """A client of a scripted provider.

    Args:
        world: its clock and replies.
        provider: another one than plain Acme.
        source: where its key comes from, if not from a value.
        uses: which keys were ever accepted; the usual one, unless said.
        options: of the client.
    """
    api = Client(
        provider or acme(),
        **{
            "key": Key(KEY),
            "clock": world.clock,
            "transport": StreamingTransport(world.reply),
            "on_notice": world.notices.append,
            **options,
        },
    )
    api._engine.roll = Dice([0.5])
    if source is not None:
        api._engine.keys = api._engine.keys.__class__(
            "acme",
            api.provider.profile.key,
            source=source,
            clock=world.clock,
            uses=uses or tried(KEY),
            notify=world.notices.append,
        )
    return api

# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/fetch.py by tools/unasync.py; do not edit
"""A request to the storage behind a signed URL. Hooks see only its host, since the URL is a secret.

Nothing is added to the request: headers that hooks send to the provider are not meant for a third party's storage.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.observe.call_trace import split_server
from callwell.observe.logs import DEBUG, LOGGER
from callwell.observe.notices import FetchEnded
from callwell.transport.base import NoReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.client._sync.calls.engine import Engine
    from callwell.transport.base import Body, Request

NEVER: Final = float("inf")


class CountedBody:
    """A body that counts its bytes.

    Args:
        body: the body.
    """

    def __init__(self, body: Body) -> None:
        self.status = body.status
        self.headers = body.headers
        self.size = 0
        self.reason = ""
        self._body = body

    def read(self) -> bytes | NoReply:
        """The next chunk: empty at the end, `NoReply` if it broke off."""
        chunk = self._body.read()
        if isinstance(chunk, NoReply):
            self.reason = chunk.reason
        else:
            self.size += len(chunk)
        return chunk


@contextmanager
def open_body(engine: Engine, operation: str, request: Request, deadline: float = NEVER) -> Iterator[Body | NoReply]:
    """Make one request to a storage and leave the body to be read.

    Args:
        engine: makes the request, and notifies its hooks.
        operation: the operation that led to the file.
        request: the request.
        deadline: when its response must have ended, by the engine's clock.
    """
    is_observed = engine.hooks is not None or LOGGER.isEnabledFor(DEBUG)
    began = engine.clock.now() if is_observed else 0.0
    if deadline != NEVER:
        request = replace(request, total_timeout_s=engine.clock.real_s(deadline - engine.clock.now()))
    with engine.transport.stream(request) as body:
        if not is_observed:
            yield body
            return
        counted = body if isinstance(body, NoReply) else CountedBody(body)
        try:
            yield counted
        finally:
            status = None if isinstance(counted, NoReply) else counted.status
            size = 0 if isinstance(counted, NoReply) else counted.size
            seconds = engine.clock.now() - began
            engine.notify(
                FetchEnded(
                    engine.profile.name, operation, status, counted.reason, size, seconds, *split_server(request.url)
                )
            )

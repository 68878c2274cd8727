# SPDX-License-Identifier: Apache-2.0
"""Builds requests of pyreqwest: which client sends one, and all that is in it."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from callwell.transport.clients import ClientKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyreqwest.request import RequestBuilder, SyncRequestBuilder

    from callwell.transport.base import Request
    from callwell.transport.clients import ClientPool

R = TypeVar("R", "RequestBuilder", "SyncRequestBuilder")

NO_READ_AHEAD: Final = 0
"""Bytes to read together with the status where that must be known even if the body breaks off: a break would hide it.

pyreqwest reads 64 KiB by default: what fits costs no further turn of the event loop."""

UNBUILDABLE: Final = NoReply(Outcome.REFUSED, "the request could not be built")
"""It has no cause: the text of one would show the malformed header or address."""

MAX_TIMEDELTAS: Final = 8
"""Time-outs that are kept as `timedelta`: most requests have one of a few, and making one takes 1 µs."""

MS_PER_S: Final = 1_000
"""Milliseconds in a second. Time-outs are cut to whole ones: what is left until a deadline differs in each call."""


@lru_cache(MAX_TIMEDELTAS)
def cached_timedelta(milliseconds: int) -> timedelta:
    """A time-out for pyreqwest, of at least a millisecond."""
    return timedelta(milliseconds=milliseconds or 1)


def client_kind(pool: ClientPool[Any], request: Request, read_timeout_s: float | None = None) -> ClientKind:
    """The kind of client for a request.

    A HEAD has a connection of its own: some servers send a body with its response, which the next request would get.
    """
    return ClientKind(
        read_timeout_s=read_timeout_s,
        new_connection=request.new_connection or request.method == "HEAD",
        proxied_scheme=pool.proxies.proxied_scheme(request.url),
    )


def build_request(begin: Callable[[str, str], R], request: Request, *, unread: bool) -> R | NoReply:
    """A builder of pyreqwest with all of the request but its time-out.

    Args:
        begin: starts a builder, from method and address.
        request: the request.
        unread: read nothing of the response body together with the status.
    """
    try:
        builder = begin(request.method, request.url).headers(list(request.headers))
    except ValueError:
        return UNBUILDABLE
    if unread:
        builder = builder.streamed_read_buffer_limit(NO_READ_AHEAD)
    if request.body is None:
        return builder
    if isinstance(request.body, bytes):
        return builder.body_bytes(request.body)
    if request.body.size is not None:
        builder = builder.header("content-length", str(request.body.size))
    return builder.body_stream(iter(request.body))

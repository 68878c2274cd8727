# SPDX-License-Identifier: Apache-2.0
"""Builds pyreqwest requests: which client sends a request, and everything in it."""

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
"""Bytes to read together with the status if it must be known even if the body breaks off, which would hide it.

pyreqwest reads 64 KiB by default: a body that fits costs no further turn of the event loop."""

UNBUILDABLE: Final = NoReply(Outcome.REFUSED, "the request could not be built")
"""It has no cause, whose text would show the malformed header or address."""

MAX_TIMEDELTAS: Final = 8
"""Cached `timedelta` timeouts: most requests use one of a few, and creating one takes 1 µs."""

MS_PER_S: Final = 1_000
"""Milliseconds in a second. Timeouts are truncated to whole ones, since the time left until a deadline differs in each
call."""


@lru_cache(MAX_TIMEDELTAS)
def cached_timedelta(milliseconds: int) -> timedelta:
    """A timeout for pyreqwest, of at least a millisecond."""
    return timedelta(milliseconds=milliseconds or 1)


def client_kind(pool: ClientPool[Any], request: Request, read_timeout_s: float | None = None) -> ClientKind:
    """The kind of client for a request.

    A HEAD gets its own connection: some servers send a body with its response, which the next request would receive.
    """
    return ClientKind(
        read_timeout_s=read_timeout_s,
        new_connection=request.new_connection or request.method == "HEAD",
        proxied_scheme=pool.proxies.proxied_scheme(request.url),
    )


def build_request(begin: Callable[[str, str], R], request: Request, *, unread: bool) -> R | NoReply:
    """A pyreqwest builder with everything of the request except its timeout.

    Args:
        begin: creates a builder from method and address.
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

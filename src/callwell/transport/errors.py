# SPDX-License-Identifier: Apache-2.0
"""What is known when pyreqwest raises instead of giving a response.

The chain of causes decides, never the exception's class: with pyreqwest 0.15, a request that was received in full and
then reset raises `ConnectError`, and a response that never comes raises `ConnectTimeoutError`. Only a chain with a
failed *connect* shows that nothing was sent. A chain that begins with the response body shows that status and headers
came. Everything else counts as unknown, which is always safe.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyreqwest import exceptions as theirs

from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from callwell.transport.remedies import find_remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTING: Final = "client error (Connect)"
"""What hyper calls the phase before the first byte of a request."""

REASONS: Final[dict[type[theirs.PyreqwestError], str]] = {
    theirs.ReadTimeoutError: "the response stopped coming",
    theirs.BodyDecodeError: "the response broke off",
    theirs.DecodeError: "the response is not HTTP",
    theirs.ReadError: "the response broke off",
    theirs.WriteError: "the connection broke off while sending",
    theirs.WriteTimeoutError: "sending took too long",
    theirs.PoolTimeoutError: "no connection came free in time",
    theirs.ConnectTimeoutError: "no response in time",
    theirs.ConnectError: "the connection was closed before a response came",
    theirs.RequestTimeoutError: "no response in time",
    theirs.NetworkError: "the network failed",
    theirs.TransportError: "the network failed",
    theirs.RedirectError: "redirects without end",
    theirs.StatusError: "an error status",
    theirs.JSONDecodeError: "the response is not JSON",
    theirs.ClientClosedError: "the client was closed meanwhile",
    theirs.RequestPanicError: "the HTTP library failed",
    theirs.RequestError: "the request failed",
    theirs.BuilderError: "the request could not be built",
    theirs.DetailedPyreqwestError: "the request failed",
    theirs.PyreqwestError: "the request failed",
}

READING: Final = "error decoding response body"
"""What reqwest calls the phase after the status and headers of a response."""

ADDRESS: Final = re.compile(r" for url \(.*\)", re.DOTALL)
"""How reqwest writes the address in a cause: with its query, which may hold a signature."""

TO_PROXY: Final = ("tunnel error: failed to create underlying connection", "error connecting to socks proxy")
"""Causes of a connection to a proxy that could not be made, as hyper-util words them."""

SOCKS_ERROR: Final = "SOCKS error: "

NEVER_SENT: Final = (theirs.BuilderError, theirs.PoolTimeoutError)


def to_no_reply(error: theirs.PyreqwestError) -> NoReply:
    """What is known after an exception of pyreqwest.

    Its address is removed from it, since the exception becomes the `__cause__` of one of ours.
    """
    details = getattr(error, "details", None) or {}
    for cause in details.get("causes") or ():
        cause["message"] = ADDRESS.sub("", cause["message"])
    causes = [cause["message"] for cause in details.get("causes") or ()]
    connecting = CONNECTING in causes
    remedy = find_remedy(causes, connecting=connecting)
    if remedy is not None:
        return NoReply(Outcome.REFUSED if connecting else Outcome.UNKNOWN, remedy, error, permanent=True)
    if connecting:
        return NoReply(Outcome.REFUSED, _connect_reason(causes), error)
    if isinstance(error, NEVER_SENT):
        return NoReply(Outcome.REFUSED, REASONS[type(error)], error)
    arrived = bool(causes) and causes[0] == READING
    return NoReply(Outcome.UNKNOWN, REASONS.get(type(error), "the request failed"), error, arrived=arrived)


def _connect_reason(causes: Sequence[str]) -> str:
    """Why no connection was made, for people."""
    deepest = causes[-1].split(" (os error")[0].removeprefix(SOCKS_ERROR)
    to_proxy = any(cause.startswith(TO_PROXY) for cause in causes)
    if "dns error" in causes or "error resolving DNS" in causes:
        return f"the {'proxy' if to_proxy else 'host'}'s name could not be resolved"
    if deepest in ("deadline has elapsed", "operation timed out"):
        return f"no connection{' to the proxy' if to_proxy else ''} in time"
    return f"no connection{' to the proxy' if to_proxy else ''}: {deepest[:1].lower()}{deepest[1:]}"

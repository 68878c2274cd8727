# SPDX-License-Identifier: Apache-2.0
"""What is known when pyreqwest raises instead of returning a response.

The chain of causes decides, never the exception's class: with pyreqwest 0.15, a request that was fully received and
then reset raises `ConnectError`, and a response that never arrives raises `ConnectTimeoutError`. Only a chain with a
failed *connect* shows that nothing was sent. A chain that begins with the response body shows that status and headers
arrived. Everything else counts as unknown, which is always safe.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyreqwest import exceptions as pyreqwest_errors

from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from callwell.transport.remedies import find_remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTING: Final = "client error (Connect)"
"""hyper's name for the phase before the first byte of a request."""

REASONS: Final[dict[type[pyreqwest_errors.PyreqwestError], str]] = {
    pyreqwest_errors.ReadTimeoutError: "the response stopped coming",
    pyreqwest_errors.BodyDecodeError: "the response broke off",
    pyreqwest_errors.DecodeError: "the response is not HTTP",
    pyreqwest_errors.ReadError: "the response broke off",
    pyreqwest_errors.WriteError: "the connection broke off while sending",
    pyreqwest_errors.WriteTimeoutError: "sending took too long",
    pyreqwest_errors.PoolTimeoutError: "no connection came free in time",
    pyreqwest_errors.ConnectTimeoutError: "no response in time",
    pyreqwest_errors.ConnectError: "the connection was closed before a response came",
    pyreqwest_errors.RequestTimeoutError: "no response in time",
    pyreqwest_errors.NetworkError: "the network failed",
    pyreqwest_errors.TransportError: "the network failed",
    pyreqwest_errors.RedirectError: "redirects without end",
    pyreqwest_errors.StatusError: "an error status",
    pyreqwest_errors.JSONDecodeError: "the response is not JSON",
    pyreqwest_errors.ClientClosedError: "the client was closed meanwhile",
    pyreqwest_errors.RequestPanicError: "the HTTP library failed",
    pyreqwest_errors.RequestError: "the request failed",
    pyreqwest_errors.BuilderError: "the request could not be built",
    pyreqwest_errors.DetailedPyreqwestError: "the request failed",
    pyreqwest_errors.PyreqwestError: "the request failed",
}

READING: Final = "error decoding response body"
"""reqwest's name for the phase after the status and headers of a response."""

ADDRESS: Final = re.compile(r" for url \(.*\)", re.DOTALL)
"""The address in a cause as reqwest writes it: with its query, which may contain a signature."""

PROXY_CONNECT_CAUSES: Final = (
    "tunnel error: failed to create underlying connection",
    "error connecting to socks proxy",
)
"""hyper-util's wording for a failed connection to a proxy."""

SOCKS_ERROR: Final = "SOCKS error: "

NEVER_SENT: Final = (pyreqwest_errors.BuilderError, pyreqwest_errors.PoolTimeoutError)


def to_no_reply(error: pyreqwest_errors.PyreqwestError) -> NoReply:
    """What is known after an exception of pyreqwest.

    The address is removed from the exception, since it becomes the `__cause__` of one of ours.
    """
    details = getattr(error, "details", None) or {}
    for cause in details.get("causes") or ():
        cause["message"] = ADDRESS.sub("", cause["message"])
    causes = [cause["message"] for cause in details.get("causes") or ()]
    connecting = CONNECTING in causes
    remedy = find_remedy(causes, connecting=connecting)
    if remedy is not None:
        outcome = Outcome.REFUSED if connecting else Outcome.UNKNOWN
        return NoReply(outcome, reason=remedy, cause=error, permanent=True)
    if connecting:
        return NoReply(Outcome.REFUSED, reason=_connect_reason(causes), cause=error)
    if isinstance(error, NEVER_SENT):
        return NoReply(Outcome.REFUSED, reason=REASONS[type(error)], cause=error)
    headers_arrived = bool(causes) and causes[0] == READING
    reason = REASONS.get(type(error), "the request failed")
    return NoReply(Outcome.UNKNOWN, reason=reason, cause=error, headers_arrived=headers_arrived)


def _connect_reason(causes: Sequence[str]) -> str:
    """Why no connection was made, for display."""
    deepest = causes[-1].split(" (os error")[0].removeprefix(SOCKS_ERROR)
    to_proxy = any(cause.startswith(PROXY_CONNECT_CAUSES) for cause in causes)
    if "dns error" in causes or "error resolving DNS" in causes:
        return f"the {'proxy' if to_proxy else 'host'}'s name could not be resolved"
    if deepest in ("deadline has elapsed", "operation timed out"):
        return f"no connection{' to the proxy' if to_proxy else ''} in time"
    return f"no connection{' to the proxy' if to_proxy else ''}: {deepest[:1].lower()}{deepest[1:]}"

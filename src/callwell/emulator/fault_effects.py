# SPDX-License-Identifier: Apache-2.0
"""From a reply to the bytes that are sent, and what a fault makes of them: pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from callwell.emulator.fault_rules import MAX_DELAY_S, STORAGE

if TYPE_CHECKING:
    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import Reply

# Statuses of responses that have neither content nor Content-Length of their own (RFC 9110, 15.3.5 and 15.4.5).
BODILESS: Final = (204, 304)
OK: Final = 200
# Long enough for a client's read timeout of one or two seconds to expire, short enough for a test.
DEFAULT_SLOW_S: Final = 3.0
# Longer than a client waits between two attempts: the retry arrives before the effect.
DEFAULT_EFFECT_DELAY_S: Final = 30.0
# Every byte becomes another one, and no JSON begins with what `{`, `[` or `"` become.
GARBLE_TABLE: Final = bytes(byte ^ 0xAA for byte in range(256))


@dataclass(frozen=True, slots=True)
class OutgoingResponse:
    """A response as it is written to the connection.

    Attributes:
        status: the status.
        headers: all headers but Content-Length.
        body: the bytes that are sent.
        complete: `body` is all that belongs to the response; if not, the connection is closed after it.
        content_length: the value of Content-Length, None for a response that must not have one.
        wrong_bytes: how many of the bytes are not those of the stored object.
        duration_s: real seconds over which the body is spread.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | memoryview
    complete: bool
    content_length: int | None
    wrong_bytes: int = 0
    duration_s: float = 0.0


def to_outgoing(reply: Reply, *, head: bool, wall_s: float) -> OutgoingResponse:
    """Return the response without any fault.

    Args:
        reply: what the provider replies.
        head: whether it replies to a HEAD request.
        wall_s: the server's time of day, epoch seconds.
    """
    is_bodiless = reply.status in BODILESS
    headers = reply.headers if reply.body else _headers_without_type(reply)
    date = (b"date", formatdate(wall_s, usegmt=True).encode())
    return OutgoingResponse(
        status=reply.status,
        headers=(*headers, date),
        body=b"" if head or is_bodiless else reply.body,
        complete=True,
        content_length=None if is_bodiless else len(reply.body),
    )


def apply_fault(response: OutgoingResponse, fault: InjectedFault, server: str) -> OutgoingResponse | None:
    """Return the response after a fault, or None if the fault cannot happen to it.

    A fault that is not about bytes leaves the response as it is.

    Args:
        response: the response without a fault.
        fault: the fault.
        server: the server that answers, `api` or `storage`.
    """
    body = response.body
    is_success_with_body = bool(body) and 200 <= response.status < 300  # noqa: PLR2004 - 2xx is success
    if fault.name == "truncated" or (fault.name == "early_expiry" and server == STORAGE):
        return replace(response, body=body[: len(body) // 2], complete=False)
    if fault.name == "slow_body":
        return replace(response, duration_s=fault.rule.delay_s or DEFAULT_SLOW_S) if body else None
    if fault.name == "missing_header":
        kept = tuple(header for header in response.headers if header[0] not in (b"date", b"content-type"))
        return replace(response, headers=kept)
    if fault.name == "garbage_body":
        if not is_success_with_body:
            return None
        # The score counts wrong bytes of files, which a client must detect by size or digest.
        wrong_bytes = len(body) if server == STORAGE else 0
        return replace(response, body=bytes(body).translate(GARBLE_TABLE), wrong_bytes=wrong_bytes)
    if fault.name == "wrong_size" and server == STORAGE:
        return _with_wrong_length(response, long=fault.value == "long") if is_success_with_body else None
    return response


def silence_s(fault: InjectedFault) -> float:
    """Return for how many real seconds a `hang` is silent."""
    return fault.rule.delay_s or MAX_DELAY_S["hang"]


def effect_delay_s(fault: InjectedFault) -> float:
    """Return how many clock seconds after the end of the connection a `late_effect` happens."""
    return fault.rule.delay_s or DEFAULT_EFFECT_DELAY_S


def _headers_without_type(reply: Reply) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of a reply without a body: no Content-Type, unless a stored object happens to be empty."""
    if reply.status == OK:
        return reply.headers
    return tuple(header for header in reply.headers if header[0] != b"content-type")


def _with_wrong_length(response: OutgoingResponse, *, long: bool) -> OutgoingResponse:
    """Announce more than comes (long), or less than there is and send no more than that (short)."""
    size = len(response.body)
    if long:
        return replace(response, content_length=size + size // 2 + 1, complete=False)
    return replace(response, content_length=size // 2, body=response.body[: size // 2], complete=False)

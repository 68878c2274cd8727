# SPDX-License-Identifier: Apache-2.0
"""What a fault makes of an answer on its way out: pure, from a reply to the bytes that are sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from callwell.emulator.fault_rules import LONGEST_S, STORAGE

if TYPE_CHECKING:
    from callwell.emulator.fault_script import Hit
    from callwell.emulator.messages import Reply

BODILESS: Final = (204, 304)
OK: Final = 200
SLOW_S: Final = 3.0
LATE_S: Final = 30.0
# Every byte becomes another one, and no JSON begins like that.
GARBLED: Final = bytes(byte ^ 0xAA for byte in range(256))


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer goes out.

    Attributes:
        status: the status.
        headers: all of them.
        body: the bytes that are sent.
        whole: they are all that belongs to the answer; if not, the connection is closed after them.
        announced: the Content-Length, None for an answer that cannot have one.
        wrong_bytes: how many of them are not those of the object.
        over_s: real seconds that they take.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | memoryview
    whole: bool
    announced: int | None
    wrong_bytes: int = 0
    over_s: float = 0.0


def deliver(reply: Reply, *, head: bool, wall: float) -> Delivery:
    """An answer as it should be.

    Args:
        reply: what to answer.
        head: it answers a HEAD request.
        wall: the server's time of day, epoch seconds.
    """
    bodiless = reply.status in BODILESS
    kept = reply.headers if reply.body else _untyped(reply)
    headers = (*kept, (b"date", formatdate(wall, usegmt=True).encode()))
    body = b"" if head or bodiless else reply.body
    return Delivery(reply.status, headers, body, whole=True, announced=None if bodiless else len(reply.body))


def spoiled(delivery: Delivery, hit: Hit, place: str) -> Delivery | None:
    """The answer after a fault that is about its bytes, the same after any other; None if the fault cannot be.

    Args:
        delivery: the answer as it should be.
        hit: the fault.
        place: where the request came to.
    """
    fault, body = hit.fault, delivery.body
    sound = bool(body) and 200 <= delivery.status < 300  # noqa: PLR2004 - a success
    if fault == "truncated" or (fault == "early_expiry" and place == STORAGE):
        return replace(delivery, body=body[: len(body) // 2], whole=False)
    if fault == "slow_body":
        return replace(delivery, over_s=hit.rule.delay_s or SLOW_S) if body else None
    if fault == "missing_header":
        kept = tuple(header for header in delivery.headers if header[0] not in (b"date", b"content-type"))
        return replace(delivery, headers=kept)
    if fault == "garbage_body":
        wrong = len(body) if place == STORAGE else 0
        return replace(delivery, body=bytes(body).translate(GARBLED), wrong_bytes=wrong) if sound else None
    if fault == "wrong_size" and place == STORAGE:
        return _missized(delivery, long=hit.value == "long") if sound else None
    return delivery


def _untyped(reply: Reply) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of an answer without a body: no type, except that of a stored object that has no bytes."""
    if reply.status == OK:
        return reply.headers
    return tuple(header for header in reply.headers if header[0] != b"content-type")


def patience_s(hit: Hit) -> float:
    """Real seconds of silence."""
    return hit.rule.delay_s or LONGEST_S["hang"]


def late_s(hit: Hit) -> float:
    """Seconds of the clock from the end of the connection to the effect."""
    return hit.rule.delay_s or LATE_S


def _missized(delivery: Delivery, *, long: bool) -> Delivery:
    """Too long: more is announced than comes. Too short: less is announced than there is, and no more comes."""
    size = len(delivery.body)
    if long:
        return replace(delivery, announced=size + size // 2 + 1, whole=False)
    return replace(delivery, announced=size // 2, body=delivery.body[: size // 2], whole=False)

# SPDX-License-Identifier: Apache-2.0
"""What a server tells in headers: what is left of its quota, in the three forms that are about, and what will be gone.

`delta` and `epoch` are `X-RateLimit-Limit`, `-Remaining` and `-Reset` of the limit that has least left, with the reset
in seconds from now or as an epoch second by the server's own time of day. `draft` is the IETF's `RateLimit-Policy` and
`RateLimit` (draft-ietf-httpapi-ratelimit-headers, from -08 on) with every limit. Resets are rounded up.
"""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Final, Literal

from callwell.emulator.quota import QuotaStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

HeaderPairs = tuple[tuple[bytes, bytes], ...]
RateHeaderForm = Literal["off", "delta", "epoch", "draft"]
RATE_HEADER_FORMS: Final = ("off", "delta", "epoch", "draft")


def quota_headers(form: RateHeaderForm, standings: Sequence[QuotaStatus], wall_s: float) -> HeaderPairs:
    """The headers of one answer.

    Args:
        form: which.
        standings: what is left of every limit, shortest window first.
        wall_s: the server's time of day, epoch seconds.
    """
    if form == "off" or not standings:
        return ()
    if form == "draft":
        policy = ", ".join(
            f'"{each.limit.name}";q={each.limit.max_requests};w={each.limit.window_s:g}' for each in standings
        )
        left = ", ".join(f'"{each.limit.name}";r={each.remaining};t={ceil(each.reset_s)}' for each in standings)
        return (b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())
    least = min(standings, key=lambda standing: standing.remaining)
    reset = ceil(least.reset_s + (wall_s if form == "epoch" else 0.0))
    return (
        (b"x-ratelimit-limit", b"%d" % least.limit.max_requests),
        (b"x-ratelimit-remaining", b"%d" % least.remaining),
        (b"x-ratelimit-reset", b"%d" % reset),
    )


def false_statuses(standings: Sequence[QuotaStatus], value: str) -> list[QuotaStatus]:
    """What contradicts the truth: `exhausted` or `unlimited`."""
    if value == "exhausted":
        return [QuotaStatus(each.limit, 0, each.limit.window_s) for each in standings]
    return [QuotaStatus(each.limit._replace(max_requests=10**9), 10**9 - 1, 1.0) for each in standings]


def deprecation_headers(wall_s: float, after_s: int | None) -> HeaderPairs:
    """`Deprecation` (RFC 9745) from `wall` on, and `Sunset` (RFC 8594) so many seconds later, if at all."""
    since = (b"deprecation", b"@%d" % wall_s)
    return (since,) if after_s is None else (since, (b"sunset", formatdate(wall_s + after_s, usegmt=True).encode()))

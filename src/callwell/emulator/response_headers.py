# SPDX-License-Identifier: Apache-2.0
"""Headers that announce something: what is left of a quota, in the three forms in use, and deprecations.

- `delta` and `epoch` are `X-RateLimit-Limit`, `-Remaining` and `-Reset` of the limit that has least left. The reset is
  in seconds from now, or an epoch second by the server's own time of day.
- `draft` is the IETF's `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, since -08) with every
  limit.

Resets are rounded up, so that a client which waits that long is never early.
"""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING, Final, Literal

from callwell.emulator.quota import LimitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

HeaderPairs = tuple[tuple[bytes, bytes], ...]
RateHeaderForm = Literal["off", "delta", "epoch", "draft"]
RATE_HEADER_FORMS: Final = ("off", "delta", "epoch", "draft")
# More than any provider grants: a client that believes it has no limit at all.
UNLIMITED: Final = 10**9


def quota_headers(form: RateHeaderForm, statuses: Sequence[LimitStatus], wall_s: float) -> HeaderPairs:
    """Return the quota headers of one response.

    Args:
        form: in which form.
        statuses: what is left of every limit, shortest window first.
        wall_s: the server's time of day, epoch seconds.
    """
    if form == "off" or not statuses:
        return ()
    if form == "draft":
        policy = ", ".join(
            f'"{status.limit.name}";q={status.limit.max_requests};w={status.limit.window_s:g}' for status in statuses
        )
        left = ", ".join(f'"{status.limit.name}";r={status.remaining};t={ceil(status.reset_s)}' for status in statuses)
        return (b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())
    scarcest = min(statuses, key=lambda status: status.remaining)
    base_s = wall_s if form == "epoch" else 0.0
    return (
        (b"x-ratelimit-limit", b"%d" % scarcest.limit.max_requests),
        (b"x-ratelimit-remaining", b"%d" % scarcest.remaining),
        (b"x-ratelimit-reset", b"%d" % ceil(scarcest.reset_s + base_s)),
    )


def false_statuses(statuses: Sequence[LimitStatus], value: str) -> list[LimitStatus]:
    """Return statuses that contradict the truth: `exhausted` or `unlimited`."""
    if value == "exhausted":
        return [LimitStatus(status.limit, remaining=0, reset_s=status.limit.window_s) for status in statuses]
    return [
        LimitStatus(status.limit._replace(max_requests=UNLIMITED), remaining=UNLIMITED - 1, reset_s=1.0)
        for status in statuses
    ]


def deprecation_headers(wall_s: float, sunset_after_s: int | None) -> HeaderPairs:
    """Return `Deprecation` (RFC 9745) since `wall_s`, and `Sunset` (RFC 8594) after `sunset_after_s`, unless None."""
    deprecation = (b"deprecation", b"@%d" % wall_s)
    if sunset_after_s is None:
        return (deprecation,)
    sunset = formatdate(wall_s + sunset_after_s, usegmt=True)
    return deprecation, (b"sunset", sunset.encode())

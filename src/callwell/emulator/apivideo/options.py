# SPDX-License-Identifier: Apache-2.0
"""The options of the emulated api.video, as the control port takes and shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from callwell.emulator.errors import InvalidInput
from callwell.emulator.quota import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_S: Final = 60.0
# Ten years, so that no date overflows.
MAX_SKEW_S: Final = 10 * 365 * 86_400
# Uploads, writes and reads a minute (reference/README).
LIMITS: Final = {"production": (100, 200, 500), "sandbox": (40, 40, 100)}
Positive = Annotated[int, Meta(ge=1)]


class ApiVideoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options.

    Attributes:
        seed: decides the IDs.
        uploads: requests of this class in 60 clock seconds; None for the environment's own limit.
        writes: the same.
        reads: the same.
        token_life_s: how long access tokens are valid, in clock seconds; more than 10, because the official Python
            client refreshes 10 seconds before the end.
        refresh_status: the status for a dead refresh token: 400 as described, or 401 as the error pages say.
        absolute_links: the links of a page name the origin; the documentation has both forms.
        problem_json: send errors as `application/problem+json` instead of the documented `application/json`.
        links_origin: a wrong origin to put into page links; empty for the right one.
        video_restore: the account can restore deleted videos for 90 days.
        suspended: the account is suspended.
        max_webhooks: how many webhooks there may be; the number is not published.
        max_video_bytes: the largest video file; the pages say 30 GiB (vod/video-best-practices).
        ingest_delay_s: clock seconds that each step of an ingest takes at least.
        skew_s: how far the servers' time of day is ahead, in seconds; negative if behind.
    """

    seed: int = 1
    uploads: Positive | None = None
    writes: Positive | None = None
    reads: Positive | None = None
    token_life_s: Annotated[int, Meta(ge=11)] = 3_600
    refresh_status: Literal[400, 401] = 400
    absolute_links: bool = False
    problem_json: bool = False
    links_origin: str = ""
    video_restore: bool = False
    suspended: bool = False
    max_webhooks: Annotated[int, Meta(ge=0)] = 100
    max_video_bytes: Positive = 30 << 30
    ingest_delay_s: Annotated[float, Meta(ge=0)] = 0.0
    skew_s: Annotated[int, Meta(ge=-MAX_SKEW_S, le=MAX_SKEW_S)] = 0

    def limits(self, environment: str) -> tuple[Limit, ...]:
        """Return the quotas of an environment, one for each class of requests."""
        usual_limits = zip(("uploads", "writes", "reads"), LIMITS[environment], strict=True)
        return tuple(
            Limit(name, max_requests=getattr(self, name) or usual, window_s=MINUTE_S, per_class=True)
            for name, usual in usual_limits
        )


def update_options(options: ApiVideoOptions, changes: Mapping[str, object]) -> ApiVideoOptions:
    """Return `options` with some of them changed.

    Raises:
        InvalidInput: an option does not exist, or cannot have this value.
    """
    unknown = changes.keys() - set(ApiVideoOptions.__struct_fields__)
    if unknown:
        known = ", ".join(ApiVideoOptions.__struct_fields__)
        raise InvalidInput(f"option {min(unknown)!r} is not one of {known}")
    try:
        return msgspec.convert(msgspec.structs.asdict(options) | dict(changes), ApiVideoOptions)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"option: {error}") from error

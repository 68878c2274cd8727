# SPDX-License-Identifier: Apache-2.0
"""The options of an account, as the control port takes and shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from callwell.emulator.errors import InvalidInput
from callwell.emulator.quota import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_S: Final = 60.0
MAX_SKEW_S: Final = 10 * 365 * 86_400
LIMITS: Final = {"production": (100, 200, 500), "sandbox": (40, 40, 100)}
Positive = Annotated[int, Meta(ge=1)]


class ApiVideoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an account is made with.

    Attributes:
        seed: decides the ids.
        uploads: requests of this class in 60 clock seconds; None for the environment's own limit.
        writes: the same.
        reads: the same.
        token_life_s: how long access tokens live, clock seconds.
        refresh_status: how a dead refresh token is refused.
        absolute_links: whether the links of a page name the origin.
        problem_json: errors come as `application/problem+json`, not as the documented `application/json`.
        links_origin: another origin that they name in its place: a lie.
        video_restore: whether deleted videos are kept for 90 days.
        suspended: whether the account is suspended.
        webhooks_most: how many webhooks there may be.
        largest_video: bytes of an assembled file at most.
        ingest_delay_s: clock seconds that each step of an ingest takes at least.
        skew_s: how far the servers' time of day is off.
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
    webhooks_most: Annotated[int, Meta(ge=0)] = 100
    largest_video: Positive = 30 << 30
    ingest_delay_s: Annotated[float, Meta(ge=0)] = 0.0
    skew_s: Annotated[int, Meta(ge=-MAX_SKEW_S, le=MAX_SKEW_S)] = 0

    def limits(self, environment: str) -> tuple[Limit, ...]:
        """The quotas of an environment."""
        given = zip(("uploads", "writes", "reads"), LIMITS[environment], strict=True)
        return tuple(Limit(name, getattr(self, name) or usual, MINUTE_S, per_class=True) for name, usual in given)


def update_options(options: ApiVideoOptions, changes: Mapping[str, object]) -> ApiVideoOptions:
    """`options` with some of them changed.

    Raises:
        InvalidInput: an option that does not exist, or cannot have this value.
    """
    unknown = changes.keys() - set(ApiVideoOptions.__struct_fields__)
    if unknown:
        known = ", ".join(ApiVideoOptions.__struct_fields__)
        raise InvalidInput(f"option {min(unknown)!r} is none of {known}")
    try:
        return msgspec.convert(msgspec.structs.asdict(options) | dict(changes), ApiVideoOptions)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"option: {error}") from error

# SPDX-License-Identifier: Apache-2.0
"""The options of the emulated Userplane, as the control port takes and shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from callwell.emulator.errors import InvalidInput
from callwell.emulator.quota import Limit, WindowKind
from callwell.emulator.response_headers import RateHeaderForm
from callwell.emulator.userplane.routes import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
# Ten years: dates stay far from the ends of what they can hold.
MAX_SKEW_S: Final = 10 * 365 * 86_400
Positive = Annotated[int, Meta(ge=1)]


class UserplaneOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options.

    Attributes:
        seed: decides all records.
        recordings: how many recordings there are in the user's workspaces together.
        window: the kind of the quota's windows; the documentation does not say which.
        per_minute: requests in 60 clock seconds; documented are 120 (docs.userplane.io/api/rate-limits).
        per_day: requests in 86,400 clock seconds; documented are 10,000.
        url_life_s: how long signed URLs live, clock seconds; the documentation says only that it is short.
        retry_after: send Retry-After with every 429; the provider does not.
        rate_headers: the form of quota headers on every response; the provider sends none.
        skew_s: how far the servers' time of day is ahead, in seconds; negative if behind.
        deprecated: operations that answer with `Deprecation`, each with the clock seconds until its `Sunset`, if any.
        links_limit: how many links the plan allows in each workspace; the numbers are not published.
        old_meta_name: send `meta`, as in the old documentation, instead of `linkMeta`.
    """

    seed: int = 1
    recordings: Annotated[int, Meta(ge=0, le=100_000)] = 40
    window: WindowKind = "fixed"
    per_minute: Positive = 120
    per_day: Positive = 10_000
    url_life_s: Positive = 900
    retry_after: bool = False
    rate_headers: RateHeaderForm = "off"
    skew_s: Annotated[int, Meta(ge=-MAX_SKEW_S, le=MAX_SKEW_S)] = 0
    deprecated: dict[str, Annotated[int, Meta(ge=0, le=MAX_SKEW_S)] | None] = msgspec.field(default_factory=dict)
    links_limit: Annotated[int, Meta(ge=0)] = 1_000
    old_meta_name: bool = False

    def limits(self) -> tuple[Limit, ...]:
        """Return the quota, shortest window first."""
        return Limit("minute", self.per_minute, MINUTE_S), Limit("day", self.per_day, DAY_S)


def update_options(options: UserplaneOptions, changes: Mapping[str, object]) -> UserplaneOptions:
    """Return `options` with some of them changed.

    Raises:
        InvalidInput: an option does not exist, or cannot have this value.
    """
    unknown = changes.keys() - set(UserplaneOptions.__struct_fields__)
    if unknown:
        known = ", ".join(UserplaneOptions.__struct_fields__)
        raise InvalidInput(f"option {min(unknown)!r} is not one of {known}")
    try:
        updated = msgspec.convert(msgspec.structs.asdict(options) | dict(changes), UserplaneOptions)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"option: {error}") from error
    unknown_operations = updated.deprecated.keys() - OPERATIONS
    if unknown_operations:
        raise InvalidInput(
            f"option deprecated: {min(unknown_operations)!r} is not one of {', '.join(sorted(OPERATIONS))}"
        )
    return updated

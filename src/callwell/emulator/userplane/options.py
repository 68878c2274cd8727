# SPDX-License-Identifier: Apache-2.0
"""The options of a world, as the control port takes and shows them."""

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
MAX_SKEW_S: Final = 10 * 365 * 86_400
Positive = Annotated[int, Meta(ge=1)]


class UserplaneOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a world is made with.

    Attributes:
        seed: decides the world.
        recordings: how many there are in the user's workspaces together.
        window: how the quota's windows are cut.
        per_minute: requests in 60 clock seconds.
        per_day: requests in 86,400 clock seconds.
        url_life_s: how long signed URLs live, clock seconds.
        retry_after: whether 429 says when to come back.
        rate_headers: in which form answers tell what is left of the quota.
        skew_s: how far the servers' time of day is off.
        deprecated: operations that answer with `Deprecation`, each with the clock seconds until its `Sunset`, if any.
        links_limit: how many links the plan lets be created in each workspace.
        old_meta_name: answer `meta` as the old documentation has it, instead of `linkMeta`.
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
        """The quota, shortest window first."""
        return Limit("minute", self.per_minute, MINUTE_S), Limit("day", self.per_day, DAY_S)


def update_options(options: UserplaneOptions, changes: Mapping[str, object]) -> UserplaneOptions:
    """`options` with some of them changed.

    Raises:
        InvalidInput: an option that does not exist, or cannot have this value.
    """
    unknown = changes.keys() - set(UserplaneOptions.__struct_fields__)
    if unknown:
        known = ", ".join(UserplaneOptions.__struct_fields__)
        raise InvalidInput(f"option {min(unknown)!r} is none of {known}")
    try:
        made = msgspec.convert(msgspec.structs.asdict(options) | dict(changes), UserplaneOptions)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"option: {error}") from error
    strange = made.deprecated.keys() - OPERATIONS
    if strange:
        raise InvalidInput(f"option deprecated: {min(strange)!r} is none of {', '.join(sorted(OPERATIONS))}")
    return made

# SPDX-License-Identifier: Apache-2.0
"""The options of the emulated Language Confidence, as the control port takes and shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

# Ten years: dates stay far from the ends of what they can hold.
MAX_SKEW_S: Final = 10 * 365 * 86_400
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]


class LanguageConfidenceOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options.

    Attributes:
        seed: decides the scores, together with what is assessed.
        capacity: how many assessments can be in progress at a time; the service publishes no number.
        service_s: how long an assessment takes at least, clock seconds.
        scaling_s: how many clock seconds the capacity grows after the first request, and again after five idle minutes;
            meanwhile requests that are too many get 429 and 500 in turn.
        overload: the status of requests that are too many at full capacity; `both` means in turn.
        retry_after: send Retry-After with 429 and 503.
        user_required: the plan is billed by monthly active user: a request without an end user is refused.
        new_fields: reports have a field that is not described.
        skew_s: how far the servers' time of day is ahead, in seconds; negative if behind.
    """

    seed: int = 1
    capacity: Positive = 50
    service_s: Seconds = 0.0
    scaling_s: Seconds = 0.0
    overload: Literal[429, 503, "both"] = 429
    retry_after: bool = False
    user_required: bool = False
    new_fields: bool = False
    skew_s: Annotated[int, Meta(ge=-MAX_SKEW_S, le=MAX_SKEW_S)] = 0


def update_options(options: LanguageConfidenceOptions, changes: Mapping[str, object]) -> LanguageConfidenceOptions:
    """Return `options` with some of them changed.

    Raises:
        InvalidInput: an option does not exist, or cannot have this value.
    """
    unknown = changes.keys() - set(LanguageConfidenceOptions.__struct_fields__)
    if unknown:
        known = ", ".join(LanguageConfidenceOptions.__struct_fields__)
        raise InvalidInput(f"option {min(unknown)!r} is not one of {known}")
    try:
        return msgspec.convert(msgspec.structs.asdict(options) | dict(changes), LanguageConfidenceOptions)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"option: {error}") from error

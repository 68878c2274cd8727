# SPDX-License-Identifier: Apache-2.0
"""Whether what a profile says about recordings fits itself, and what OpenAPI says about the operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.core import audio_decision
from callwell.description.arguments import argument, taken
from callwell.description.error import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.media import AudioRule, RecordingRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


def complaints(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """All that does not fit, in the profile's order.

    Args:
        profile: the profile.
        api: the operations that it speaks of.
    """
    if profile.audio:
        yield from _audio(profile.audio)
    for name, rule in profile.operations.items():
        operation = api.operations.get(name)
        if rule.audio and operation:
            path = ("operations", name, "audio")
            if profile.audio is None:
                yield DescriptionError(path, "expected a table [audio] with what the provider takes, found none")
            else:
                yield from _recording(operation, rule.audio, profile.audio, path)


def _audio(rule: AudioRule) -> Iterator[DescriptionError]:
    if audio_decision.format_name(rule, "wav", "pcm_s16le") is None:
        yield DescriptionError(
            ("audio", "formats"), "expected one that takes pcm_s16le in wav, to convert to, found none"
        )
    for field in ("min_rate", "min_depth", "channels"):
        if not getattr(rule, field) > 0:
            yield DescriptionError(("audio", field), "expected more than 0", found=getattr(rule, field))
    for field, least in (("rate", rule.min_rate), ("max_channels", rule.channels)):
        if getattr(rule, field) < least:
            yield DescriptionError(("audio", field), f"expected {least} or more", found=getattr(rule, field))


def _recording(
    operation: Operation, rule: RecordingRule, audio_: AudioRule, path: KeyPath
) -> Iterator[DescriptionError]:
    for field in ("data", "format"):
        yield from argument(operation, getattr(rule, field), (*path, field), "string")
    values = taken(operation).get(rule.format, {}).get("enum") or audio_.formats
    for name in audio_.formats:
        if name not in values:
            yield DescriptionError(
                ("audio", "formats", name), f"expected a value of {rule.format}: {values}", found=name
            )
    for field in ("max_s", "best_min_s", "best_max_s"):
        value = getattr(rule, field)
        if value is not None and not value > 0:
            yield DescriptionError((*path, field), "expected more than 0", found=value)

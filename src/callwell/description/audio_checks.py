# SPDX-License-Identifier: Apache-2.0
"""Checks of a profile's rules for recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.core import audio_decision
from callwell.description.error import DescriptionError
from callwell.description.schema_checks import argument_schemas, check_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.media import AudioRule, RecordingRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


def iter_errors(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """Find all errors, in the order of the profile.

    Args:
        profile: the profile.
        api: the operations of the provider.
    """
    if profile.audio:
        yield from _check_audio(profile.audio)
    for name, rule in profile.operations.items():
        operation = api.operations.get(name)
        if rule.audio and operation:
            path = ("operations", name, "audio")
            if profile.audio is None:
                yield DescriptionError(
                    path, "expected a table [audio] with the formats that the provider takes, found none"
                )
            else:
                yield from _check_recording(operation, rule.audio, profile.audio, path)


def _check_audio(rule: AudioRule) -> Iterator[DescriptionError]:
    # Recordings in other formats are converted to 16-bit PCM in WAV (core/audio_decision.py), so it must be accepted.
    if audio_decision.format_name(rule, "wav", "pcm_s16le") is None:
        yield DescriptionError(
            ("audio", "formats"), "expected a format that takes pcm_s16le in wav, the target of conversion, found none"
        )
    for field in ("min_rate", "min_depth", "channels"):
        value = getattr(rule, field)
        if not value > 0:
            yield DescriptionError(("audio", field), "expected more than 0", found=value)
    for field, minimum in (("rate", rule.min_rate), ("max_channels", rule.channels)):
        value = getattr(rule, field)
        if value < minimum:
            yield DescriptionError(("audio", field), f"expected {minimum} or more", found=value)


def _check_recording(
    operation: Operation, rule: RecordingRule, provider: AudioRule, path: KeyPath
) -> Iterator[DescriptionError]:
    for field in ("data", "format"):
        yield from check_argument(operation, getattr(rule, field), (*path, field), "string")
    # Every format must be a value that the operation's own schema allows, if it lists any.
    values = argument_schemas(operation).get(rule.format, {}).get("enum") or provider.formats
    for name in provider.formats:
        if name not in values:
            yield DescriptionError(
                ("audio", "formats", name), f"expected a value of {rule.format}: {values}", found=name
            )
    for field in ("max_s", "best_min_s", "best_max_s"):
        value = getattr(rule, field)
        if value is not None and not value > 0:
            yield DescriptionError((*path, field), "expected more than 0", found=value)

# SPDX-License-Identifier: Apache-2.0
"""Prepares a recording for an operation: reads it, decides what to do, and converts it."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, NamedTuple, Protocol

from callwell.core.audio_decision import decide
from callwell.core.audio_types import ENCODINGS, AudioOptions, Convert, Refuse
from callwell.description import catalog
from callwell.errors import AudioRefused, FileProblem, InvalidOption, UsageError
from callwell.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.audio_types import AudioInfo, Caution, Decision, Pass, Raw, Step
    from callwell.core.rules.media import AudioRule, RecordingRule
    from callwell.core.rules.operations import OperationRule
    from callwell.core.rules.profile import Profile

__all__ = ["Prepared", "ProviderLike", "prepare"]

NOT_INSTALLED: Final = "reading recordings needs packages that are not installed ({name} is missing); run: {install}"
BYTES: Final = "bytes"
"""The name of a recording without a file, in messages."""


class ProviderLike(Protocol):
    """What is needed from a provider: a client's `provider`, or the result of `callwell.providers.load`."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def profile(self) -> Profile:
        """Its profile."""

    def rule(self, name: str, /) -> OperationRule:
        """The rule of an operation in its profile."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A recording that is ready to be sent.

    Attributes:
        data: the bytes to send: the original or the converted file.
        format: the provider's name of their format.
        duration_s: its length in seconds, as measured.
        steps: the steps of the conversion; empty if it is sent unchanged.
        cautions: the cautions about it.
        info: the original file.
        size_before: bytes of the file.
        names: the names of the arguments for the data and the format.
        source: the file's path, if there is one.
    """

    data: bytes = dataclasses.field(repr=False)
    format: str
    duration_s: float
    steps: tuple[Step, ...]
    cautions: tuple[Caution, ...]
    info: AudioInfo
    size_before: int
    names: tuple[str, str]
    source: Path | None = None

    @property
    def converted(self) -> bool:
        """Whether it was converted."""
        return bool(self.steps)

    @property
    def saved(self) -> int:
        """Bytes saved by the conversion; negative if it became larger."""
        return self.size_before - len(self.data)

    @property
    def done(self) -> str:
        """A description of what was done."""
        if not self.steps:
            return "sent unchanged"
        return f"{', '.join(map(str, self.steps))}: {self.size_before} bytes became {len(self.data)}"

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments for the operation: the data in base64, and the format."""
        data, format_ = self.names
        return {data: base64.b64encode(self.data).decode("ascii"), format_: self.format}


class _Limits(NamedTuple):
    """The inputs of a decision, other than the recording.

    Attributes:
        audio_rule: what the provider accepts.
        recording_rule: what the operation accepts.
        options: what the caller chooses.
    """

    audio_rule: AudioRule
    recording_rule: RecordingRule
    options: AudioOptions


def prepare(
    source: str | os.PathLike[str] | bytes,
    provider: ProviderLike | str | Path,
    operation: str,
    *,
    channel: int | Literal["mix"] | None = None,
    accept_low: bool = False,
    raw: Raw | None = None,
) -> Prepared:
    """Prepare a recording for an operation. Its format is determined by its contents, never by its name.

    Args:
        source: the file, or its bytes.
        provider: a bundled provider's name, the folder of a description, or a description (a client's `provider`).
        operation: the name of an operation that takes recordings.
        channel: the channel to use, from 1 (1 is left); `mix` for all of them, regardless of their contents.
        accept_low: send a recording below the provider's lowest rate or depth, instead of refusing it.
        raw: the format of samples without a header.

    Raises:
        AudioRefused: it cannot be sent or converted without loss; says why and what to do.
        FileProblem: the file cannot be read.
        UnknownName: there is no such provider or operation.
        InvalidOption: the channel or the format of samples is invalid.
        UsageError: the operation takes no recordings, or the extra `media` is not installed.
    """
    described = catalog.load(provider) if isinstance(provider, str | Path) else provider
    rule = described.rule(operation).audio
    audio_rule = described.profile.audio
    if rule is None or audio_rule is None:
        raise UsageError(f"{operation} of {described.name} takes no recordings: its profile describes none")
    _check_options(channel, raw)
    limits = _Limits(audio_rule=audio_rule, recording_rule=rule, options=AudioOptions(channel, accept_low))
    name = BYTES if isinstance(source, bytes) else os.fspath(source)
    with _open(source, name) as file:
        decision, info, converted = _decide_and_convert(file, name, raw, limits)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        data = file.read() if converted is None else converted
    return Prepared(
        data=data,
        format=decision.format,
        duration_s=info.length_s or 0.0,
        steps=decision.steps if isinstance(decision, Convert) else (),
        cautions=decision.cautions,
        info=info,
        size_before=size,
        names=(rule.data, rule.format),
        source=None if isinstance(source, bytes) else Path(source),
    )


def _check_options(channel: object, raw: Raw | None) -> None:
    if channel is not None and channel != "mix" and not (type(channel) is int and channel > 0):
        raise InvalidOption("channel", channel, "a number from 1, or mix")
    if raw and not (raw.rate > 0 and raw.channels > 0):
        raise InvalidOption("raw", raw, "a rate and a number of channels above 0")
    if raw and raw.encoding not in ENCODINGS:
        raise InvalidOption("raw.encoding", raw.encoding, f"one of {', '.join(ENCODINGS)}")


def _decide_and_convert(
    file: BinaryIO, name: str, raw: Raw | None, limits: _Limits
) -> tuple[Convert | Pass, AudioInfo, bytes | None]:
    """The decision, the file's info, and the converted file if it is to be converted."""
    try:
        from callwell.media import convert, meter, reader
    except ModuleNotFoundError as error:
        raise UsageError(NOT_INSTALLED.format(name=error.name, install=install_command("media"))) from error
    try:
        with reader.open_recording(file, raw) as recording:
            info = recording.info
            # Based on the header: most refusals need no samples.
            decision = _raise_refusal(decide(info, *limits), name)
            steps = decision.steps if isinstance(decision, Convert) else ()
            audio_meter = meter.AudioMeter(info.channels, info.rate)
            kept = []
            for block in recording:
                audio_meter.add(block)
                if steps:
                    kept.append(convert.select_channels(block, steps))
                if audio_meter.duration_s > limits.recording_rule.max_s:  # it is refused, no matter how much follows
                    break
    except reader.Unreadable as error:
        raise _to_error(name, error.refusal) from error.__cause__
    # Again, based on measurements: length, loudness, and whether the channels are the same.
    info = info._replace(measured=audio_meter.measurements(recording.damaged / max(1, recording.read)))
    decision = _raise_refusal(decide(info, *limits), name)
    return decision, info, convert.encode_wav(kept, info.rate, steps) if steps else None


def _raise_refusal(decision: Decision, name: str) -> Convert | Pass:
    if isinstance(decision, Refuse):
        raise _to_error(name, decision)
    return decision


def _to_error(name: str, refusal: Refuse) -> AudioRefused:
    return AudioRefused(name, refusal.reason, refusal.remedy, code=refusal.code)


@contextlib.contextmanager
def _open(source: str | os.PathLike[str] | bytes, name: str) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except OSError as error:
        raise FileProblem(f"{name}: cannot be read: {error.strerror}") from error

# SPDX-License-Identifier: Apache-2.0
"""Prepares a recording for an operation: reads it, decides, and does what was decided."""

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

EXTRA: Final = "recordings need packages that are not installed (no {name}): {install}"
BYTES: Final = "bytes"
"""How a recording without a file is called in messages."""


class ProviderLike(Protocol):
    """What is asked of a provider: a client's `provider`, or what `callwell.providers.load` gives."""

    @property
    def name(self) -> str:
        """How it is called."""

    @property
    def profile(self) -> Profile:
        """Its behaviour."""

    def rule(self, name: str, /) -> OperationRule:
        """What its profile says about an operation."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A recording that can be sent.

    Attributes:
        data: the bytes to send: those of the file, or a new file's.
        format: the provider's name of their format.
        duration_s: how long it is, in seconds, as heard.
        steps: what was done to it; nothing, if it is sent as it was.
        cautions: what to know about it.
        sound: what the file was.
        size_before: bytes of the file.
        names: the arguments that take the data and the format.
        source: the file, if it was one.
    """

    data: bytes = dataclasses.field(repr=False)
    format: str
    duration_s: float
    steps: tuple[Step, ...]
    cautions: tuple[Caution, ...]
    sound: AudioInfo
    size_before: int
    names: tuple[str, str]
    source: Path | None = None

    @property
    def converted(self) -> bool:
        """Whether it is another file than before."""
        return bool(self.steps)

    @property
    def saved(self) -> int:
        """Bytes by which it became smaller; below 0 if it became larger."""
        return self.size_before - len(self.data)

    @property
    def done(self) -> str:
        """What was done, in words."""
        if not self.steps:
            return "sent as it is"
        return f"{', '.join(map(str, self.steps))}: {self.size_before} bytes became {len(self.data)}"

    @property
    def arguments(self) -> dict[str, str]:
        """What the operation is called with: the data in base64, and the format."""
        data, format_ = self.names
        return {data: base64.b64encode(self.data).decode("ascii"), format_: self.format}


class _Limits(NamedTuple):
    """What the provider takes, what the operation takes, and what the caller wants."""

    audio: AudioRule
    recording: RecordingRule
    wish: AudioOptions


def prepare(
    source: str | os.PathLike[str] | bytes,
    provider: ProviderLike | str | Path,
    operation: str,
    *,
    channel: int | Literal["mix"] | None = None,
    accept_low: bool = False,
    raw: Raw | None = None,
) -> Prepared:
    """A recording in the form that an operation takes. What the file is, its content tells, and never its name.

    Args:
        source: the file, or its bytes.
        provider: a bundled provider's name, the folder of a description, or a description: a client's `provider`.
        operation: the name of the operation, which must take recordings.
        channel: the channel that is meant, counted from 1 (1 is left); `mix` for all of them, whatever they hold.
        accept_low: a recording below the provider's smallest rate or depth is not refused; it stays as low.
        raw: what the samples are, for sound without a file around it.

    Raises:
        AudioRefused: it cannot be sent as it is, nor made so without loss; with the reason and what to do.
        FileProblem: the file cannot be read.
        UnknownName: there is no such provider or operation.
        InvalidOption: a channel or samples that there cannot be.
        UsageError: the operation takes no recordings, or the extra `media` is not installed.
    """
    described = catalog.load(provider) if isinstance(provider, str | Path) else provider
    rule, audio = described.rule(operation).audio, described.profile.audio
    if rule is None or audio is None:
        raise UsageError(f"{operation} of {described.name} takes no recordings, as far as its profile says")
    _check(channel, raw)
    limits = _Limits(audio, rule, AudioOptions(channel, accept_low))
    name = BYTES if isinstance(source, bytes) else os.fspath(source)
    with _opened(source, name) as file:
        decision, sound, made = _heard(file, name, raw, limits)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        data = file.read() if made is None else made
    return Prepared(
        data=data,
        format=decision.format,
        duration_s=sound.length_s or 0.0,
        steps=decision.steps if isinstance(decision, Convert) else (),
        cautions=decision.cautions,
        sound=sound,
        size_before=size,
        names=(rule.data, rule.format),
        source=None if isinstance(source, bytes) else Path(source),
    )


def _check(channel: object, raw: Raw | None) -> None:
    if channel is not None and channel != "mix" and not (type(channel) is int and channel > 0):
        raise InvalidOption("channel", channel, "a number from 1, or mix")
    if raw and not (raw.rate > 0 and raw.channels > 0):
        raise InvalidOption("raw", raw, "a rate and channels above 0")
    if raw and raw.encoding not in ENCODINGS:
        raise InvalidOption("raw.encoding", raw.encoding, f"one of {', '.join(ENCODINGS)}")


def _heard(
    file: BinaryIO, name: str, raw: Raw | None, limits: _Limits
) -> tuple[Convert | Pass, AudioInfo, bytes | None]:
    """What was decided, what the file is, and the new file if there is to be one."""
    try:
        from callwell.media import convert, meter, reader
    except ModuleNotFoundError as error:
        raise UsageError(EXTRA.format(name=error.name, install=install_command("media"))) from error
    try:
        with reader.open_recording(file, raw) as recording:
            sound = recording.sound
            decision = _allowed(decide(sound, *limits), name)
            steps = decision.steps if isinstance(decision, Convert) else ()
            ear, kept = meter.LevelMeter(sound.channels, sound.rate), []
            for block in recording:
                ear.add(block)
                if steps:
                    kept.append(convert.select_channels(block, steps))
                if ear.heard_s > limits.recording.max_s:
                    break
    except reader.Unreadable as error:
        raise _refused(name, error.refusal) from error.__cause__
    sound = sound._replace(level=ear.level(recording.damaged / max(1, recording.read)))
    decision = _allowed(decide(sound, *limits), name)
    return decision, sound, convert.encode_wav(kept, sound.rate, steps) if steps else None


def _allowed(decision: Decision, name: str) -> Convert | Pass:
    if isinstance(decision, Refuse):
        raise _refused(name, decision)
    return decision


def _refused(name: str, refusal: Refuse) -> AudioRefused:
    return AudioRefused(name, refusal.reason, refusal.remedy, code=refusal.code)


@contextlib.contextmanager
def _opened(source: str | os.PathLike[str] | bytes, name: str) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except OSError as error:
        raise FileProblem(f"{name}: cannot be read: {error.strerror}") from error

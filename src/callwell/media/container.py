# SPDX-License-Identifier: Apache-2.0
"""Reads the streams and the duration of a media file from its container, without decoding anything."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.errors import FileRejected, UsageError
from callwell.extras import install_command
from callwell.media import boxes

if TYPE_CHECKING:
    from io import BufferedIOBase
    from typing import IO

MP4: Final = "mov,mp4,m4a,3gp,3g2,mj2"
"""FFmpeg's name for the MP4 and QuickTime containers."""

MEDIA_KINDS: Final = frozenset({"video", "audio"})


class Container(NamedTuple):
    """The contents of a media file.

    Attributes:
        format: the container's format, by FFmpeg's names.
        duration_s: its length in seconds, if the container declares it.
        streams: kind and codec of each stream, such as `("video", "h264")`, by the container's or FFmpeg's names.
    """

    format: str
    duration_s: float | None
    streams: tuple[tuple[str, str], ...]


def probe(name: str, file: IO[bytes] | BufferedIOBase) -> Container:
    """Read the contents of a file.

    Args:
        name: the file's name, for messages.
        file: open for reading; its position changes.

    Raises:
        FileRejected: it is not a media file, or it is damaged.
        UsageError: PyAV is not installed.
    """
    mp4 = boxes.read_container(file)
    if mp4 is not None:
        return Container(MP4, *mp4)
    file.seek(0)
    av = _import_av()
    try:
        with av.open(file) as opened:
            streams = tuple(
                (stream.type, stream.codec_context.name if stream.codec_context else "") for stream in opened.streams
            )
            duration_s = None if opened.duration is None else opened.duration / av.time_base
            container = Container(opened.format.name, duration_s, streams)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise FileRejected(f"{name}: this is not a media file that can be read ({_reason(error)})") from error
    if not MEDIA_KINDS.intersection(kind for kind, _ in container.streams):
        raise FileRejected(f"{name}: this file ({container.format}) has neither video nor audio")
    return container


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)


def _import_av() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise UsageError(
            f"PyAV checks files before they are sent, and is missing: {install_command('media')}; or pass check=False"
        ) from error

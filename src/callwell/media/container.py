# SPDX-License-Identifier: Apache-2.0
"""What a media file holds, by its container alone: nothing is decoded, so that the largest file takes no longer."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.errors import FileUnfit, UsageError
from callwell.extras import install_command
from callwell.media import boxes

if TYPE_CHECKING:
    from io import BufferedIOBase
    from typing import IO

BOXES: Final = "mov,mp4,m4a,3gp,3g2,mj2"
MEDIA: Final = frozenset({"video", "audio"})


class Container(NamedTuple):
    """What a media file holds.

    Attributes:
        format: names of the container's format, as FFmpeg has them.
        duration_s: how long it lasts, if the container says.
        streams: kind and codec of each stream: `("video", "h264")`; the codec as the container or FFmpeg names it.
    """

    format: str
    duration_s: float | None
    streams: tuple[tuple[str, str], ...]


def probe(name: str, file: IO[bytes] | BufferedIOBase) -> Container:
    """Look into a file.

    Args:
        name: of the file, for messages.
        file: open for reading; its position changes.

    Raises:
        FileUnfit: it is no media file, or a broken one.
        UsageError: PyAV is not installed.
    """
    told = boxes.read_container(file)
    if told is not None:
        return Container(BOXES, *told)
    file.seek(0)
    av = _av()
    try:
        with av.open(file) as opened:
            streams = tuple((one.type, one.codec_context.name if one.codec_context else "") for one in opened.streams)
            duration_s = None if opened.duration is None else opened.duration / av.time_base
            found = Container(opened.format.name, duration_s, streams)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise FileUnfit(f"{name}: not a media file that can be read ({_reason(error)})") from error
    if not MEDIA.intersection(kind for kind, _ in found.streams):
        raise FileUnfit(f"{name}: {found.format}, without picture and sound")
    return found


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)


def _av() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise UsageError(
            f"PyAV checks files before they are sent, and is missing: {install_command('media')}; or pass check=False"
        ) from error

# SPDX-License-Identifier: Apache-2.0
"""Pictures made from pictures: a still, and a new encoding, cut and stamped as the environment wants it.

One thread and a fixed preset, so that the same file becomes the same bytes. Sound is copied, if its kind can be.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import av
from av.filter import Graph

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from av.video.stream import VideoStream

    from callwell.emulator.apivideo.source import MediaFacts

MAX_PIXELS: Final = 600_000_000
TIME_BASE: Final = Fraction(1, 90_000)
COPIED_CODECS: Final = ("aac", "mp3", "ac3", "opus")
TIMECODE: Final = re.compile(r"(?:(\d+):(\d+):)?(\d+(?:\.\d+)?)")
X264: Final = {"preset": "ultrafast", "x264-params": "threads=1"}


class ClipRange(NamedTuple):
    """From when to when a file is wanted, in seconds; no end, all of it."""

    start_s: float = 0.0
    end_s: float | None = None

    @classmethod
    def parse(cls, clip: Mapping[str, str] | None, most_s: float | None) -> ClipRange:
        """What is left of a file after its clip, and at most so many seconds."""
        start = _parse_timecode((clip or {}).get("startTimecode")) or 0.0
        end = _parse_timecode((clip or {}).get("endTimecode"))
        if most_s is not None:
            end = min(end or float("inf"), start + most_s)
        return cls(start, end)

    def duration_s(self, whole_s: float) -> float:
        """Seconds that are left of so many."""
        return max(0.0, min(whole_s, self.end_s or whole_s) - self.start_s)


class Overlay(NamedTuple):
    """What is burnt into the picture: the sandbox's mark, and a picture of the account's."""

    sandbox: bool
    placement: Mapping[str, str] | None = None
    picture: Path | None = None


class EncodeJob(NamedTuple):
    """One encoding.

    Attributes:
        kind: the container, as FFmpeg calls it.
        facts: of the file.
        cut: what is wanted of it.
        stamp: what is burnt in.
        height: of the picture, that of the file unless said.
        options: of the container.
    """

    kind: str
    facts: MediaFacts
    clip: ClipRange
    overlay: Overlay
    height: int | None = None
    options: Mapping[str, str] = {}


def is_small_enough(facts: MediaFacts, cut: ClipRange) -> bool:
    """Whether a file is encoded at all."""
    return facts.width * facts.height * facts.framerate * cut.duration_s(facts.duration_s) <= MAX_PIXELS


def extract_still(path: Path, at_s: float, stamp: Overlay) -> bytes:
    """The picture at a time, or the last one before it, as JPEG."""
    with av.open(str(path)) as container:
        frame = None
        for frame in container.decode(video=0):
            if (frame.time or 0.0) >= at_s:
                break
        if frame is None:
            raise av.FFmpegError(0, "there is no picture")
        picture = next(_with_overlay(iter([frame]), stamp)).reformat(format="yuvj420p")
    encoder = cast("VideoStream", av.CodecContext.create("mjpeg", "w"))
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "yuvj420p"
    encoder.time_base = TIME_BASE
    return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))


def transcode(path: Path, out: Path, order: EncodeJob, stop: threading.Event) -> None:
    """Encode a file anew; ends early, with what there is, when `stop` is set."""
    kind, facts, cut, stamp, height = order.kind, order.facts, order.clip, order.overlay, order.height
    given = {"fflags": "+bitexact", **order.options}
    with av.open(str(path)) as source, av.open(str(out), "w", format=kind, options=given) as target:
        video = target.add_stream("libx264", rate=facts.framerate, options=X264)
        wanted = (height or facts.height) // 2 * 2
        video.height, video.width = wanted, max(2, facts.width * wanted // facts.height // 2 * 2)
        video.pix_fmt, video.codec_context.time_base = "yuv420p", TIME_BASE
        sound = _copyable_audio(source, target)
        frames = (frame for frame in _frames_in_clip(source.decode(video=0), cut) if not stop.is_set())
        for frame in _with_overlay(frames, stamp):
            shown = frame.reformat(video.width, video.height, "yuv420p")
            shown.pts, shown.time_base = round(((frame.time or 0.0) - cut.start_s) / TIME_BASE), TIME_BASE
            target.mux(video.encode(shown))
        target.mux(video.encode(None))
        if sound is not None:
            source.seek(0)
            _copy_audio(source, target, sound, cut, stop)


def _copyable_audio(source: Any, target: Any) -> Any:
    """A stream for the sound, None if there is none that can be copied."""
    streams = source.streams.audio
    if not streams or streams[0].codec_context.name not in COPIED_CODECS:
        return None
    return target.add_stream_from_template(streams[0])


def _copy_audio(source: Any, target: Any, sound: Any, cut: ClipRange, stop: threading.Event) -> None:
    offset = round(cut.start_s / source.streams.audio[0].time_base)
    packets = (packet for packet in source.demux(audio=0) if packet.dts is not None and not stop.is_set())
    for packet in packets:
        at_s = float(packet.dts * packet.time_base)
        if at_s >= cut.start_s and (cut.end_s is None or at_s < cut.end_s):
            packet.stream, packet.pts, packet.dts = sound, packet.pts - offset, packet.dts - offset
            target.mux(packet)


def _frames_in_clip(frames: Iterator[Any], cut: ClipRange) -> Iterator[Any]:
    for frame in frames:
        time = frame.time or 0.0
        if cut.end_s is not None and time >= cut.end_s:
            return
        if time >= cut.start_s:
            yield frame


def _with_overlay(frames: Iterator[Any], stamp: Overlay) -> Iterator[Any]:
    """The frames with what is burnt in."""
    graph: Any = None
    for frame in frames:
        if not stamp.sandbox and stamp.picture is None:
            yield frame
            continue
        graph = graph or _overlay_graph(frame, stamp)
        graph.push(frame)
        yield graph.pull()


def _overlay_graph(frame: Any, stamp: Overlay) -> Graph:
    """Two white bars with a black one between for the sandbox; the account's picture where it was wanted."""
    graph = Graph()
    chain = [
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format.name, time_base=frame.time_base)
    ]
    if stamp.picture is not None:
        place = stamp.placement or {}
        movie = graph.add("movie", str(stamp.picture))
        size = graph.add("scale", f"{_pixels(place, 'width', frame.width)}:{_pixels(place, 'height', frame.height)}")
        movie.link_to(size)
        left, top = (
            _overlay_position(place, *sides) for sides in (("left", "right", "W", "w"), ("top", "bottom", "H", "h"))
        )
        overlay = graph.add("overlay", f"{left}:{top}")
        chain[-1].link_to(overlay, 0, 0)
        size.link_to(overlay, 0, 1)
        chain.append(overlay)
    if stamp.sandbox:
        for row, colour in enumerate(("white", "black", "white")):
            box = graph.add("drawbox", f"x=iw/4:y=ih*{4 + row}/10:w=iw/2:h=ih/10:color={colour}:t=fill")
            chain[-1].link_to(box)
            chain.append(box)
    chain[-1].link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _pixels(place: Mapping[str, str], name: str, whole: int) -> int:
    text = place.get(name, "")
    number = re.match(r"\d+", text)
    if number is None:
        return -1
    return whole * int(number[0]) // 100 if text.endswith("%") else int(number[0])


def _overlay_position(place: Mapping[str, str], near: str, far: str, whole: str, own: str) -> str:
    """Where the picture begins, as the overlay filter counts it."""
    text = place.get(near) or place.get(far) or "0px"
    number = re.match(r"\d+", text)
    value = number[0] if number else "0"
    offset = f"{whole}*{value}/100" if text.endswith("%") else value
    return offset if place.get(near) or not place.get(far) else f"{whole}-{own}-{offset}"


def _parse_timecode(text: str | None) -> float | None:
    found = TIMECODE.fullmatch(text or "")
    if found is None:
        return None
    hours, minutes, rest = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)

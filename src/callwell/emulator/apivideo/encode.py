# SPDX-License-Identifier: Apache-2.0
"""New encodings and stills of a video, clipped and with overlays as the environment requires.

    source ──decode──> frames in the clip ──overlay──> scale ──x264──┐
        └──demux──> audio packets in the clip, copied ───────────────┴──mux──> mp4 or HLS

One thread and a fixed preset, so that the same file becomes the same bytes. Audio is copied if the containers can hold
its codec, and left out otherwise.
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

# About 30 s of 720p at 24 frames: a larger file would take longer to encode than a test waits.
MAX_PIXELS: Final = 600_000_000
# The clock of MPEG transport streams.
TIME_BASE: Final = Fraction(1, 90_000)
# Those that both mp4 and transport streams can hold.
COPIED_CODECS: Final = ("aac", "mp3", "ac3", "opus")
TIMECODE: Final = re.compile(r"(?:(\d+):(\d+):)?(\d+(?:\.\d+)?)")
X264: Final = {"preset": "ultrafast", "x264-params": "threads=1"}


class ClipRange(NamedTuple):
    """The part of a file that is wanted, in seconds; without an end, up to the file's."""

    start_s: float = 0.0
    end_s: float | None = None

    @classmethod
    def parse(cls, clip: Mapping[str, str] | None, max_s: float | None) -> ClipRange:
        """Return the range of a `clip` as the API has it, and at most `max_s` seconds of it."""
        start = _parse_timecode((clip or {}).get("startTimecode")) or 0.0
        end = _parse_timecode((clip or {}).get("endTimecode"))
        if max_s is not None:
            end = min(end or float("inf"), start + max_s)
        return cls(start, end)

    def duration_s(self, whole_s: float) -> float:
        """Return how many seconds of a file of `whole_s` seconds are left."""
        return max(0.0, min(whole_s, self.end_s or whole_s) - self.start_s)


class Overlay(NamedTuple):
    """What is burnt into the picture: the sandbox's watermark, and a picture of the account's."""

    sandbox: bool
    placement: Mapping[str, str] | None = None
    picture: Path | None = None


class EncodeJob(NamedTuple):
    """One encoding.

    Attributes:
        kind: FFmpeg's name of the container.
        facts: the properties of the source.
        clip: the part that is wanted.
        overlay: what is burnt in.
        height: the height of the picture; the source's by default.
        options: FFmpeg's options of the container.
    """

    kind: str
    facts: MediaFacts
    clip: ClipRange
    overlay: Overlay
    height: int | None = None
    options: Mapping[str, str] = {}


def is_small_enough(facts: MediaFacts, clip: ClipRange) -> bool:
    """Return whether a file is small enough to be encoded at all."""
    return facts.width * facts.height * facts.framerate * clip.duration_s(facts.duration_s) <= MAX_PIXELS


def extract_still(path: Path, at_s: float, overlay: Overlay) -> bytes:
    """Return the picture at a time, or the last one before it, as JPEG."""
    with av.open(str(path)) as container:
        frame = None
        for frame in container.decode(video=0):
            if (frame.time or 0.0) >= at_s:
                break
        if frame is None:
            raise av.FFmpegError(0, "there is no picture")
        picture = next(_with_overlay(iter([frame]), overlay)).reformat(format="yuvj420p")
    encoder = cast("VideoStream", av.CodecContext.create("mjpeg", "w"))
    encoder.width = picture.width
    encoder.height = picture.height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = TIME_BASE
    return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))


def transcode(path: Path, out: Path, job: EncodeJob, stop: threading.Event) -> None:
    """Encode a file; ends early, with what there is, when `stop` is set."""
    options = {"fflags": "+bitexact", **job.options}
    with av.open(str(path)) as source, av.open(str(out), "w", format=job.kind, options=options) as target:
        video = target.add_stream("libx264", rate=job.facts.framerate, options=X264)
        # x264 takes even sizes only.
        height = (job.height or job.facts.height) // 2 * 2
        video.height = height
        video.width = max(2, job.facts.width * height // job.facts.height // 2 * 2)
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = TIME_BASE
        audio = _copyable_audio(source, target)
        frames = (frame for frame in _frames_in_clip(source.decode(video=0), job.clip) if not stop.is_set())
        for frame in _with_overlay(frames, job.overlay):
            scaled = frame.reformat(video.width, video.height, "yuv420p")
            scaled.pts = round(((frame.time or 0.0) - job.clip.start_s) / TIME_BASE)
            scaled.time_base = TIME_BASE
            target.mux(video.encode(scaled))
        target.mux(video.encode(None))
        if audio is not None:
            source.seek(0)
            _copy_audio(source, target, audio, job.clip, stop)


def _copyable_audio(source: Any, target: Any) -> Any:
    """Return a new stream for the audio, None if there is none that can be copied."""
    streams = source.streams.audio
    if not streams or streams[0].codec_context.name not in COPIED_CODECS:
        return None
    return target.add_stream_from_template(streams[0])


def _copy_audio(source: Any, target: Any, audio: Any, clip: ClipRange, stop: threading.Event) -> None:
    offset = round(clip.start_s / source.streams.audio[0].time_base)
    packets = (packet for packet in source.demux(audio=0) if packet.dts is not None and not stop.is_set())
    for packet in packets:
        at_s = float(packet.dts * packet.time_base)
        if at_s >= clip.start_s and (clip.end_s is None or at_s < clip.end_s):
            packet.stream = audio
            packet.pts -= offset
            packet.dts -= offset
            target.mux(packet)


def _frames_in_clip(frames: Iterator[Any], clip: ClipRange) -> Iterator[Any]:
    for frame in frames:
        at_s = frame.time or 0.0
        if clip.end_s is not None and at_s >= clip.end_s:
            return
        if at_s >= clip.start_s:
            yield frame


def _with_overlay(frames: Iterator[Any], overlay: Overlay) -> Iterator[Any]:
    """Yield the frames with what is burnt in."""
    graph: Any = None
    for frame in frames:
        if not overlay.sandbox and overlay.picture is None:
            yield frame
            continue
        graph = graph or _overlay_graph(frame, overlay)
        graph.push(frame)
        yield graph.pull()


def _overlay_graph(frame: Any, overlay: Overlay) -> Graph:
    """Return the filter: the account's picture where it was wanted, and the sandbox's bars, white, black and white."""
    graph = Graph()
    chain = [
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format.name, time_base=frame.time_base)
    ]
    if overlay.picture is not None:
        placement = overlay.placement or {}
        movie = graph.add("movie", str(overlay.picture))
        width = _pixels(placement, "width", frame.width)
        height = _pixels(placement, "height", frame.height)
        scale = graph.add("scale", f"{width}:{height}")
        movie.link_to(scale)
        left = _overlay_position(placement, "left", "right", "W", "w")
        top = _overlay_position(placement, "top", "bottom", "H", "h")
        filtered = graph.add("overlay", f"{left}:{top}")
        chain[-1].link_to(filtered, 0, 0)
        scale.link_to(filtered, 0, 1)
        chain.append(filtered)
    if overlay.sandbox:
        for row, colour in enumerate(("white", "black", "white")):
            box = graph.add("drawbox", f"x=iw/4:y=ih*{4 + row}/10:w=iw/2:h=ih/10:color={colour}:t=fill")
            chain[-1].link_to(box)
            chain.append(box)
    chain[-1].link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _pixels(placement: Mapping[str, str], name: str, whole: int) -> int:
    """Return a size in pixels, of `20px` or `10%`; -1, which keeps the proportions, if none is given."""
    text = placement.get(name, "")
    number = re.match(r"\d+", text)
    if number is None:
        return -1
    return whole * int(number[0]) // 100 if text.endswith("%") else int(number[0])


def _overlay_position(placement: Mapping[str, str], near: str, far: str, whole: str, own: str) -> str:
    """Return where the picture begins, as an expression of FFmpeg's overlay filter.

    Args:
        placement: the watermark's placement as the API has it.
        near: the side from which the filter counts, `left` or `top`.
        far: the opposite side.
        whole: the filter's name of the video's size.
        own: the filter's name of the picture's size.
    """
    is_near = bool(placement.get(near)) or not placement.get(far)
    text = placement.get(near) or placement.get(far) or "0px"
    number = re.match(r"\d+", text)
    value = number[0] if number else "0"
    offset = f"{whole}*{value}/100" if text.endswith("%") else value
    return offset if is_near else f"{whole}-{own}-{offset}"


def _parse_timecode(text: str | None) -> float | None:
    """Return the seconds of `HH:MM:SS` or of a number of seconds, None for anything else."""
    found = TIMECODE.fullmatch(text or "")
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)

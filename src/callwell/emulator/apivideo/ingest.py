# SPDX-License-Identifier: Apache-2.0
"""From pieces to media files. Runs in a thread.

    pieces ──join──> one file ──probe──> facts ──> thumbnail
                                          ├──────> mp4: the file itself, or a new encoding
                                          └──────> HLS: one rendition with its segments

The mp4 of a file that already is one is the file itself, byte for byte, in production without clip and watermark. The
sandbox always encodes: it cuts and marks. Nothing that is wrong with a file ends the work: what FFmpeg cannot read is
reported as failed.
"""

from __future__ import annotations

import http.client
import shutil
import uuid
from hashlib import file_digest
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import av

from callwell.emulator.apivideo.encode import ClipRange, EncodeJob, Overlay, extract_still, is_small_enough, transcode
from callwell.emulator.apivideo.probe import probe
from callwell.emulator.apivideo.source import MediaFile

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.emulator.apivideo.records import VideoRecord
    from callwell.emulator.apivideo.source import MediaFacts, SourceFile

CHUNK_BYTES: Final = 1 << 20
# The sandbox cuts uploads at 30 seconds.
SANDBOX_MAX_S: Final = 30.0
# The lowest quality that the service makes. One rendition is enough for a player, and quick to encode.
HLS_HEIGHT: Final = 240
MP4: Final = "mp4/source.mp4"
LOCAL_HOST: Final = "127.0.0.1"
# For a server of this machine.
TIMEOUT_REAL_S: Final = 10.0
# More than the rendition needs; players only choose by it.
BANDWIDTH: Final = 800_000


class IngestPlan(NamedTuple):
    """What is to be made of a file.

    Attributes:
        folder: where files go.
        sandbox: the file is cut and marked.
        clip: the part that is wanted, as the API has it.
        watermark: the placement of the account's picture, as the API has it.
        picture: the picture.
    """

    folder: Path
    sandbox: bool
    clip: Mapping[str, str] | None = None
    watermark: Mapping[str, str] | None = None
    picture: bytes | None = None


def ingest(video: VideoRecord, plan: IngestPlan, stop: threading.Event) -> None:
    """Do all the work for one file; its state is in the video's source."""
    source = video.source
    if source is None:
        return
    try:
        _join_pieces(source, plan.folder)
        if source.path is not None:
            clip = ClipRange.parse(plan.clip, SANDBOX_MAX_S if plan.sandbox else None)
            facts = probe(source.path)
            source.facts = None if facts is None else facts._replace(duration_s=clip.duration_s(facts.duration_s))
            source.probed = True
            if facts is not None:
                source.files = _make_files(source, facts, plan, clip, stop)
    except (OSError, av.FFmpegError, http.client.HTTPException):
        source.facts = None
    finally:
        source.probed = True
        source.finished = True


def _join_pieces(source: SourceFile, folder: Path) -> None:
    """Join all pieces to one file, and compute its digest."""
    if source.path is not None:
        return
    if source.kind == "downloaded":
        path = folder / uuid.uuid4().hex
        _download(source.uri, path)
    else:
        path = source.pieces[0].path
        with path.open("ab") as whole:
            for piece in source.pieces[1:]:
                with piece.path.open("rb") as more:
                    shutil.copyfileobj(more, whole, CHUNK_BYTES)
                piece.path.unlink()
    with path.open("rb") as whole:
        digest = file_digest(whole, "sha256")
    source.size = path.stat().st_size
    source.path = path
    source.pieces = []
    source.sha256 = digest.hexdigest()


def _download(uri: str, path: Path) -> None:
    parts = urlsplit(uri)
    if parts.hostname != LOCAL_HOST or parts.scheme != "http":
        raise OSError("sources are fetched from this machine only")
    connection = http.client.HTTPConnection(LOCAL_HOST, parts.port or 80, timeout=TIMEOUT_REAL_S)
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}")
        response = connection.getresponse()
        if response.status != 200:  # noqa: PLR2004 - only a whole file will do
            raise OSError("there is no such file")
        with path.open("wb") as file:
            shutil.copyfileobj(response, file, CHUNK_BYTES)
    finally:
        connection.close()


def _make_files(
    source: SourceFile, facts: MediaFacts, plan: IngestPlan, clip: ClipRange, stop: threading.Event
) -> dict[str, MediaFile]:
    path = source.path or plan.folder
    overlay = Overlay(sandbox=plan.sandbox, placement=plan.watermark, picture=_write_picture(plan.picture, path))
    thumbnail = path.with_name(uuid.uuid4().hex)
    thumbnail.write_bytes(extract_still(path, clip.start_s, overlay))
    files = {"thumbnail.jpg": _to_media_file(thumbnail, "image/jpeg")}
    is_unchanged = not plan.sandbox and plan.clip is None and plan.picture is None and _is_mp4(path)
    if is_unchanged:
        files[MP4] = MediaFile(path, "video/mp4", source.sha256)
    if is_small_enough(facts, clip):
        if not is_unchanged:
            out = path.with_name(uuid.uuid4().hex + ".mp4")
            transcode(path, out, EncodeJob(kind="mp4", facts=facts, clip=clip, overlay=overlay), stop)
            files[MP4] = _to_media_file(out, "video/mp4")
        height = min(HLS_HEIGHT, facts.height)
        job = EncodeJob(kind="hls", facts=facts, clip=clip, overlay=overlay, height=height)
        files |= _make_playlist(path, job, stop)
    return files


def _make_playlist(path: Path, job: EncodeJob, stop: threading.Event) -> dict[str, MediaFile]:
    """Make a playlist of one rendition with its segments."""
    name = uuid.uuid4().hex
    inner = path.with_name(f"{name}.m3u8")
    options = {
        "hls_time": "4",
        "hls_playlist_type": "vod",
        "hls_segment_filename": str(path.with_name(f"{name}_%03d.ts")),
    }
    transcode(path, inner, job._replace(options=options), stop)
    inner.write_text(inner.read_text().replace(f"{name}_", f"{HLS_HEIGHT}p_"))
    outer = path.with_name(uuid.uuid4().hex)
    outer.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH={BANDWIDTH}\n{HLS_HEIGHT}p.m3u8\n")
    kind = "application/vnd.apple.mpegurl"
    files = {"hls/manifest.m3u8": _to_media_file(outer, kind), f"hls/{HLS_HEIGHT}p.m3u8": _to_media_file(inner, kind)}
    for segment in sorted(path.parent.glob(f"{name}_*.ts")):
        files[f"hls/{HLS_HEIGHT}p_{segment.stem.rpartition('_')[2]}.ts"] = _to_media_file(segment, "video/mp2t")
    return files


def _is_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _to_media_file(path: Path, kind: str) -> MediaFile:
    with path.open("rb") as file:
        return MediaFile(path, kind, file_digest(file, "sha256").hexdigest())


def _write_picture(picture: bytes | None, path: Path) -> Path | None:
    if picture is None:
        return None
    file = path.with_name(uuid.uuid4().hex)
    file.write_bytes(picture)
    return file

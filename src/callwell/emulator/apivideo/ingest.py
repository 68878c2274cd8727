# SPDX-License-Identifier: Apache-2.0
"""From pieces to media: put the file together, look at it, make what can be fetched. Runs in a thread.

Nothing that is wrong with a file ends the work: what cannot be read is told as failed.
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
SANDBOX_MAX_S: Final = 30.0
HLS_HEIGHT: Final = 240
MP4: Final = "mp4/source.mp4"
LOCAL_HOST: Final = "127.0.0.1"
TIMEOUT_REAL_S: Final = 10.0
BANDWIDTH: Final = 800_000


class IngestPlan(NamedTuple):
    """What is to be made of a file.

    Attributes:
        folder: where files go.
        sandbox: it is stamped and cut.
        clip: from where to where it is wanted, as the API has it.
        watermark: where a picture goes.
        picture: the picture.
    """

    folder: Path
    sandbox: bool
    clip: Mapping[str, str] | None = None
    watermark: Mapping[str, str] | None = None
    picture: bytes | None = None


def ingest(video: VideoRecord, plan: IngestPlan, stop: threading.Event) -> None:
    """Do all the work for one file; the source tells how far it is."""
    source = video.source
    if source is None:
        return
    try:
        _join_pieces(source, plan.folder)
        if source.path is not None:
            cut = ClipRange.parse(plan.clip, SANDBOX_MAX_S if plan.sandbox else None)
            facts = probe(source.path)
            source.facts = None if facts is None else facts._replace(duration_s=cut.duration_s(facts.duration_s))
            source.probed = True
            if facts is not None:
                source.files = _make_files(source, facts, plan, cut, stop)
    except (OSError, av.FFmpegError, http.client.HTTPException):
        source.facts = None
    finally:
        source.probed = source.finished = True


def _join_pieces(source: SourceFile, folder: Path) -> None:
    """One file of all pieces, and its digest."""
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
    source.size, source.path, source.pieces = path.stat().st_size, path, []
    source.sha256 = digest.hexdigest()


def _download(uri: str, path: Path) -> None:
    parts = urlsplit(uri)
    if parts.hostname != LOCAL_HOST or parts.scheme != "http":
        raise OSError("only this machine is asked")
    connection = http.client.HTTPConnection(LOCAL_HOST, parts.port or 80, timeout=TIMEOUT_REAL_S)
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}")
        answer = connection.getresponse()
        if answer.status != 200:  # noqa: PLR2004 - only a whole file will do
            raise OSError("there is no such file")
        with path.open("wb") as file:
            shutil.copyfileobj(answer, file, CHUNK_BYTES)
    finally:
        connection.close()


def _make_files(
    source: SourceFile, facts: MediaFacts, plan: IngestPlan, cut: ClipRange, stop: threading.Event
) -> dict[str, MediaFile]:
    path, made = source.path or plan.folder, dict[str, MediaFile]()
    picture = path.with_name(uuid.uuid4().hex)
    stamp = Overlay(plan.sandbox, plan.watermark, _write_picture(plan.picture, path))
    picture.write_bytes(extract_still(path, cut.start_s, stamp))
    made["thumbnail.jpg"] = _to_media_file(picture, "image/jpeg")
    as_it_is = not plan.sandbox and plan.clip is None and plan.picture is None and _is_mp4(path)
    if as_it_is:
        made[MP4] = MediaFile(path, "video/mp4", source.sha256)
    if is_small_enough(facts, cut):
        if not as_it_is:
            out = path.with_name(uuid.uuid4().hex + ".mp4")
            transcode(path, out, EncodeJob("mp4", facts, cut, stamp), stop)
            made[MP4] = _to_media_file(out, "video/mp4")
        made |= _make_playlist(path, EncodeJob("hls", facts, cut, stamp, min(HLS_HEIGHT, facts.height)), stop)
    return made


def _make_playlist(path: Path, order: EncodeJob, stop: threading.Event) -> dict[str, MediaFile]:
    """A playlist of one rendition with its segments."""
    name = uuid.uuid4().hex
    inner = path.with_name(f"{name}.m3u8")
    options = {
        "hls_time": "4",
        "hls_playlist_type": "vod",
        "hls_segment_filename": str(path.with_name(f"{name}_%03d.ts")),
    }
    transcode(path, inner, order._replace(options=options), stop)
    inner.write_text(inner.read_text().replace(f"{name}_", f"{HLS_HEIGHT}p_"))
    outer = path.with_name(uuid.uuid4().hex)
    outer.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH={BANDWIDTH}\n{HLS_HEIGHT}p.m3u8\n")
    kind = "application/vnd.apple.mpegurl"
    made = {"hls/manifest.m3u8": _to_media_file(outer, kind), f"hls/{HLS_HEIGHT}p.m3u8": _to_media_file(inner, kind)}
    for segment in sorted(path.parent.glob(f"{name}_*.ts")):
        made[f"hls/{HLS_HEIGHT}p_{segment.stem.rpartition('_')[2]}.ts"] = _to_media_file(segment, "video/mp2t")
    return made


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

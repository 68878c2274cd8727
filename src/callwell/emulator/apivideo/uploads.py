# SPDX-License-Identifier: Apache-2.0
"""Uploads: a whole file or a piece of one, into a container or, with a delegated token, into a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.pieces import PIECE_MOST, Piece, Received, check, read
from callwell.emulator.apivideo.records import Video
from callwell.emulator.apivideo.replies import refuse, success
from callwell.emulator.apivideo.source import Source
from callwell.emulator.apivideo.video_json import video_shown
from callwell.emulator.apivideo.videos import DEFAULTS

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.form import FormFile
    from callwell.emulator.messages import Reply

ALREADY: Final = {
    "uploaded": "video-source-already-uploaded",
    "recorded": "video-source-already-uploaded",
    "copied": "video-source-already-copied",
    "downloaded": "video-source-already-downloaded",
}


def upload_source(call: Call) -> Reply:
    """A file, or a piece of it, for a container."""
    return _upload(call, call.video())


def upload_with_token(call: Call) -> Reply:
    """The same for whoever has a delegated token; without `videoId` the container is made first."""
    token = call.query.text("token")
    if not token:
        raise refuse("authentication-missing-upload-token")
    known = call.account.tokens.get(token)
    if known is None or not known.alive(call.wall):
        raise refuse("authentication-invalid-upload-token")
    video_id = call.request.form.fields.get("videoId") if call.request.form else None
    if not video_id:
        title = call.file().name or "Untitled"
        return _upload(call, Video(call.account.new_id("vi"), call.wall, call.wall, {**DEFAULTS, "title": title}))
    video = call.account.videos.get(video_id)
    if video is None or video.discarded is not None:
        raise refuse("resource-not-found", "videoId")
    return _upload(call, video)


def _upload(call: Call, video: Video) -> Reply:
    """Take what came; the answer is the whole video when it was the last piece, else only its id."""
    file = call.file()
    if video.source is not None:
        call.account.resent_bytes += file.size if video.source.kind == "uploaded" else 0
        raise refuse(ALREADY[video.source.kind], "file")
    header = call.request.headers.get("content-range")
    if header is None:
        _whole(video.received, file)
        pieces = [Piece(file.path, file.size)]
    else:
        wanted = read(header)
        check(video.received, wanted, file.size)
        if call.suffers("forgotten_piece"):
            video.received.form = wanted.form
            video.received.total = wanted.total
            return success({"videoId": video.id}, 201)
        video.received.take(wanted, Piece(file.path, file.size))
        pieces = video.received.in_order()
    size = sum(piece.size for piece in pieces)
    whole = header is None or video.received.whole
    if size > call.options.largest_video:
        _forget(video, file, started=header is not None)
        raise refuse("uploaded-file-too-large", "file")
    _keep(call, file)
    if video.id not in call.account.videos:
        call.account.add(video)
    if not whole:
        return success({"videoId": video.id}, 201, effect=True)
    uri = f"/videos/{video.id}/source"
    video.source = Source("uploaded", uri, call.wall, call.options.ingest_delay_s, pieces=pieces, size=size)
    video.updated = call.wall
    return success(video_shown(call, video), 201, effect=True)


def _whole(received: Received, file: FormFile) -> None:
    if received.pieces:
        raise refuse("video-content-range-already-initiated")
    if file.size == 0:
        raise refuse("uploaded-file-empty", "file")
    if file.size > PIECE_MOST:
        raise refuse("uploaded-file-too-large", "file")


def _forget(video: Video, file: FormFile, *, started: bool) -> None:
    """Take back a piece that made the file too large."""
    if started:
        video.received.pieces = {
            number: piece for number, piece in video.received.pieces.items() if piece.path != file.path
        }


def _keep(call: Call, file: FormFile) -> None:
    """The file is ours now: the form no longer discards it."""
    if call.request.form is not None:
        call.request.form.files.remove(file)

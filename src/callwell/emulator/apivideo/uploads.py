# SPDX-License-Identifier: Apache-2.0
"""Uploads: a whole file or a piece of one, into a container or, with a delegated token, into a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.pieces import (
    MAX_PIECE_BYTES,
    ReceivedPieces,
    UploadPiece,
    check_piece,
    parse_content_range,
)
from callwell.emulator.apivideo.records import VideoRecord
from callwell.emulator.apivideo.replies import api_error, success_reply
from callwell.emulator.apivideo.source import SourceFile
from callwell.emulator.apivideo.video_json import to_video_json
from callwell.emulator.apivideo.videos import DEFAULTS

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.form import FormFile
    from callwell.emulator.messages import Reply

ALREADY: Final = {
    "uploaded": "video-source-already-uploaded",
    "recorded": "video-source-already-uploaded",
    "copied": "video-source-already-copied",
    "downloaded": "video-source-already-downloaded",
}


def upload_source(call: ApiVideoCall) -> Reply:
    """A file, or a piece of it, for a container."""
    return _accept_upload(call, call.video())


def upload_with_token(call: ApiVideoCall) -> Reply:
    """The same for whoever has a delegated token; without `videoId` the container is made first."""
    token = call.query.text("token")
    if not token:
        raise api_error("authentication-missing-upload-token")
    known = call.account.tokens.get(token)
    if known is None or not known.is_alive(call.wall_s):
        raise api_error("authentication-invalid-upload-token")
    video_id = call.request.form.fields.get("videoId") if call.request.form else None
    if not video_id:
        title = call.form_file().name or "Untitled"
        return _accept_upload(
            call, VideoRecord(call.account.new_id("vi"), call.wall_s, call.wall_s, {**DEFAULTS, "title": title})
        )
    video = call.account.videos.get(video_id)
    if video is None or video.discarded is not None:
        raise api_error("resource-not-found", "videoId")
    return _accept_upload(call, video)


def _accept_upload(call: ApiVideoCall, video: VideoRecord) -> Reply:
    """Take what came; the answer is the whole video when it was the last piece, else only its id."""
    file = call.form_file()
    if video.source is not None:
        call.account.resent_bytes += file.size if video.source.kind == "uploaded" else 0
        raise api_error(ALREADY[video.source.kind], "file")
    header = call.request.headers.get("content-range")
    if header is None:
        _check_whole_file(video.received, file)
        pieces = [UploadPiece(file.path, file.size)]
    else:
        wanted = parse_content_range(header)
        check_piece(video.received, wanted, file.size)
        if call.has_fault("forgotten_piece"):
            video.received.form = wanted.form
            video.received.total = wanted.total
            return success_reply({"videoId": video.id}, 201)
        video.received.add(wanted, UploadPiece(file.path, file.size))
        pieces = video.received.in_order()
    size = sum(piece.size for piece in pieces)
    whole = header is None or video.received.complete
    if size > call.options.largest_video:
        _drop_piece(video, file, started=header is not None)
        raise api_error("uploaded-file-too-large", "file")
    _keep_file(call, file)
    if video.id not in call.account.videos:
        call.account.add_video(video)
    if not whole:
        return success_reply({"videoId": video.id}, 201, effect=True)
    uri = f"/videos/{video.id}/source"
    video.source = SourceFile("uploaded", uri, call.wall_s, call.options.ingest_delay_s, pieces=pieces, size=size)
    video.updated = call.wall_s
    return success_reply(to_video_json(call, video), 201, effect=True)


def _check_whole_file(received: ReceivedPieces, file: FormFile) -> None:
    if received.pieces:
        raise api_error("video-content-range-already-initiated")
    if file.size == 0:
        raise api_error("uploaded-file-empty", "file")
    if file.size > MAX_PIECE_BYTES:
        raise api_error("uploaded-file-too-large", "file")


def _drop_piece(video: VideoRecord, file: FormFile, *, started: bool) -> None:
    """Take back a piece that made the file too large."""
    if started:
        video.received.pieces = {
            number: piece for number, piece in video.received.pieces.items() if piece.path != file.path
        }


def _keep_file(call: ApiVideoCall, file: FormFile) -> None:
    """The file is ours now: the form no longer discards it."""
    if call.request.form is not None:
        call.request.form.files.remove(file)

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

ALREADY_HAS_SOURCE: Final = {
    "uploaded": "video-source-already-uploaded",
    "recorded": "video-source-already-uploaded",
    "copied": "video-source-already-copied",
    "downloaded": "video-source-already-downloaded",
}


def upload_source(call: ApiVideoCall) -> Reply:
    """Receive a file, or a piece of it, for a container."""
    return _accept_upload(call, call.video())


def upload_with_token(call: ApiVideoCall) -> Reply:
    """Receive a file from the holder of a delegated token; without `videoId` a container is created first."""
    token = call.query.text("token")
    if not token:
        raise api_error("authentication-missing-upload-token")
    record = call.account.tokens.get(token)
    if record is None or not record.is_alive(call.wall_s):
        raise api_error("authentication-invalid-upload-token")
    video_id = call.request.form.fields.get("videoId") if call.request.form else None
    if not video_id:
        title = call.form_file().name or "Untitled"
        video = VideoRecord(
            id=call.account.new_id("vi"),
            created=call.wall_s,
            updated=call.wall_s,
            attributes={**DEFAULTS, "title": title},
        )
        return _accept_upload(call, video)
    existing = call.account.videos.get(video_id)
    if existing is None or existing.discarded is not None:
        raise api_error("resource-not-found", "videoId")
    return _accept_upload(call, existing)


def _accept_upload(call: ApiVideoCall, video: VideoRecord) -> Reply:
    """Receive a file or piece; reply with the whole video after the last piece, before with its ID only."""
    file = call.form_file()
    if video.source is not None:
        if video.source.kind == "uploaded":
            call.account.resent_bytes += file.size
        raise api_error(ALREADY_HAS_SOURCE[video.source.kind], "file")
    received = video.received
    header = call.request.headers.get("content-range")
    if header is None:
        _check_whole_file(received, file)
        pieces = [UploadPiece(file.path, file.size)]
        is_complete = True
    else:
        content_range = parse_content_range(header)
        check_piece(received, content_range, file.size)
        if call.has_fault("forgotten_piece"):
            received.form = content_range.form
            received.total = content_range.total
            return success_reply({"videoId": video.id}, 201)
        received.add(content_range, UploadPiece(file.path, file.size))
        pieces = received.in_order()
        is_complete = received.complete
    size = sum(piece.size for piece in pieces)
    if size > call.options.max_video_bytes:
        # The piece is not kept: the form deletes its file.
        received.pieces = {number: piece for number, piece in received.pieces.items() if piece.path != file.path}
        raise api_error("uploaded-file-too-large", "file")
    if call.request.form is not None:
        # The file belongs to the video now: the form no longer deletes it.
        call.request.form.files.remove(file)
    if video.id not in call.account.videos:
        call.account.add_video(video)
    if not is_complete:
        return success_reply({"videoId": video.id}, 201, effect=True)
    video.source = SourceFile(
        kind="uploaded",
        uri=f"/videos/{video.id}/source",
        received_at=call.wall_s,
        delay_s=call.options.ingest_delay_s,
        pieces=pieces,
        size=size,
    )
    video.updated = call.wall_s
    return success_reply(to_video_json(call, video), 201, effect=True)


def _check_whole_file(received: ReceivedPieces, file: FormFile) -> None:
    """Check a file that comes without Content-Range."""
    if received.pieces:
        raise api_error("video-content-range-already-initiated")
    if file.size == 0:
        raise api_error("uploaded-file-empty", "file")
    if file.size > MAX_PIECE_BYTES:
        raise api_error("uploaded-file-too-large", "file")

# SPDX-License-Identifier: Apache-2.0
"""Assets at the environment's own origin: player pages, playlists, pictures, files.

    public     /vod/ID/NAME
    private    /vod/ID/token/TOKEN/NAME         a token opens one asset, once
               /vod/ID?token=TOKEN              the same for the player page
               /vod/ID/session/SESSION/NAME     what a private playlist names

`/live/ID/NAME` are the same for live streams. Without a token the response is 401; with one that opens nothing, or that
has been used, 403. A playlist cannot hold a token for each of its segments, so a token that opens a private playlist
opens a session as well, and the playlist names its segments by that.
"""

from __future__ import annotations

import mmap
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from callwell.emulator import storage
from callwell.emulator.apivideo.records import LiveStreamRecord, VideoRecord
from callwell.emulator.apivideo.replies import CORS, HEADERS
from callwell.emulator.messages import Reply, allow_header

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.apivideo.account import ApiVideoAccount
    from callwell.emulator.messages import IncomingRequest

ASSET: Final = re.compile(
    r"/(?P<kind>vod|live)/(?P<owner>\w+)(?:/(?P<access>token|session)/(?P<word>\w+))?(?:/(?P<name>.+))?"
)
LOGO: Final = re.compile(r"/player/(\w+)/logo")
TEXT_TRACK: Final = re.compile(r"(?P<kind>captions|chapters)/(?P<language>[\w-]+)\.vtt")
NOT_ALLOWED: Final = 405
DAY_S: Final = 86_400
PLAYLIST: Final = "application/vnd.apple.mpegurl"
# The first two bytes of each format.
IMAGES: Final = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}
# A grey pixel, as GIF: the thumbnail of a video or stream that has none yet.
NO_PICTURE: Final = bytes.fromhex("47494638396101000100800000808080ffffff2c00000000010001000002024401003b")


class AssetContent(NamedTuple):
    """One asset: its bytes, its media type, and the digest of the bytes in hex where it is known."""

    body: bytes | memoryview
    type: str
    sha256: str = ""


def is_asset_path(path: str) -> bool:
    """Return whether a path is that of an asset."""
    return path.startswith(("/vod/", "/live/", "/player/"))


def fetch_asset(account: ApiVideoAccount, request: IncomingRequest, wall_s: float) -> Reply:
    """Return the asset of a request, or an error."""
    if request.method not in ("GET", "HEAD"):
        return _error_reply(NOT_ALLOWED)
    logo = LOGO.fullmatch(request.path)
    player = account.players.get(logo[1]) if logo else None
    if player is not None and player.logo is not None:
        return _serve(request, AssetContent(player.logo, _image_type(player.logo)), wall_s)
    match = ASSET.fullmatch(request.path)
    if match is None:
        return _error_reply(404)
    owner = _find_owner(account, match["kind"], match["owner"])
    if owner is None:
        return _error_reply(404)
    name = match["name"] or ""
    session = ""
    if not owner.attributes["public"]:
        status = _access_error(account, request, owner.id, match)
        if status is not None:
            return _error_reply(status)
        session = match["word"] if match["access"] == "session" else account.asset_tokens.open_session(owner.id)
    content = _find_content(owner, name, wall_s)
    if content is None:
        return _error_reply(404)
    if session and content.type == PLAYLIST:
        playlist = _rewrite_playlist(content.body, f"/vod/{owner.id}/session/{session}/hls/")
        content = AssetContent(playlist, PLAYLIST)
    return _serve(request, content, wall_s)


def _find_owner(account: ApiVideoAccount, kind: str, owner_id: str) -> VideoRecord | LiveStreamRecord | None:
    if kind == "live":
        return account.live_streams.get(owner_id)
    video = account.videos.get(owner_id)
    return video if video is not None and video.discarded is None else None


def _access_error(
    account: ApiVideoAccount, request: IncomingRequest, owner_id: str, match: re.Match[str]
) -> int | None:
    """Return the status with which a private asset is refused, None if it may be served; redeem its token."""
    name = match["name"] or ""
    if name and TEXT_TRACK.fullmatch(name):
        # Captions and chapters are always open: a player loads them without a token.
        return None
    if match["access"] == "session":
        return None if account.asset_tokens.is_session_of(match["word"], owner_id) else 403
    token = match["word"]
    if token is None and not name:
        token = dict(parse_qsl(request.query)).get("token")
    if not token:
        return 401
    return None if account.asset_tokens.redeem(token, owner_id) else 403


def _find_content(owner: VideoRecord | LiveStreamRecord, name: str, wall_s: float) -> AssetContent | None:
    if isinstance(owner, LiveStreamRecord):
        return _stream_asset(owner, name)
    return _video_asset(owner, name, wall_s)


def _video_asset(video: VideoRecord, name: str, wall_s: float) -> AssetContent | None:
    if not name:
        return AssetContent(f"<!doctype html><title>{video.id}</title><video controls></video>\n".encode(), "text/html")
    track = TEXT_TRACK.fullmatch(name)
    if track is not None:
        text = _track_text(video, track["kind"], track["language"])
        return None if text is None else AssetContent(text, "text/vtt")
    if name == "thumbnail.jpg" and isinstance(video.thumbnail, bytes):
        return AssetContent(video.thumbnail, _image_type(video.thumbnail))
    source = video.source
    file = source.files.get(name) if source is not None and source.is_playable(wall_s) else None
    if file is not None and (name != "mp4/source.mp4" or video.attributes["mp4Support"]):
        return AssetContent(_map_file(file.path), file.type, file.sha256)
    return AssetContent(NO_PICTURE, "image/gif") if name == "thumbnail.jpg" else None


def _track_text(video: VideoRecord, kind: str, language: str) -> bytes | None:
    if kind == "chapters":
        return video.chapters.get(language)
    caption = video.captions.get(language)
    return None if caption is None else caption.text


def _stream_asset(stream: LiveStreamRecord, name: str) -> AssetContent | None:
    if name == "thumbnail.jpg":
        return AssetContent(stream.thumbnail or NO_PICTURE, _image_type(stream.thumbnail or b""))
    if name == "hls/manifest.m3u8" and stream.broadcasting is not None:
        return AssetContent(b"#EXTM3U\n#EXT-X-VERSION:3\n", PLAYLIST)
    return None if name else AssetContent(f"<!doctype html><title>{stream.id}</title>\n".encode(), "text/html")


def _rewrite_playlist(playlist: bytes | memoryview, base: str) -> bytes:
    """Return the playlist with `base` in front of every name; lines that begin with `#` are not names (RFC 8216)."""
    lines = bytes(playlist).decode().splitlines()
    return "".join(f"{line if line.startswith('#') else base + line}\n" for line in lines).encode()


def _map_file(path: Path) -> bytes | memoryview:
    """Return a file's bytes without reading them all."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _image_type(picture: bytes) -> str:
    return IMAGES.get(picture[:2], "image/gif")


def _serve(request: IncomingRequest, content: AssetContent, wall_s: float) -> Reply:
    digest = content.sha256 or sha256(content.body).hexdigest()
    # The beginning of the day: stable, so that `If-Range` with a date works, and never in the future.
    modified = datetime.fromtimestamp(wall_s // DAY_S * DAY_S, UTC)
    stored = storage.StoredObject(content.body, content.type, digest, modified)
    reply = storage.serve_object(request, stored)
    return Reply(reply.status, reply.body, (*reply.headers, CORS))


def _error_reply(status: int) -> Reply:
    titles = {401: "A token is missing.", 403: "The token opens nothing.", 404: "Not found.", 405: "Only GET."}
    headers = (*HEADERS, allow_header("GET", "HEAD")) if status == NOT_ALLOWED else HEADERS
    return Reply(status, msgspec.json.encode({"title": titles[status], "status": status}), headers, refused=True)

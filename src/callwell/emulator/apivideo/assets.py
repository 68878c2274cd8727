# SPDX-License-Identifier: Apache-2.0
"""Assets at the environment's own origin: player pages, playlists, pictures, files.

`/vod/ID/NAME` and `/live/ID/NAME` are open for public videos and streams. Those of private ones are
`/vod/ID/token/TOKEN/NAME`: a token opens one asset once, after that and for anything else the answer is 403, and
without one 401. A private playlist names what belongs to it by a session that the token has opened.
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

ASSET: Final = re.compile(r"/(vod|live)/(\w+)(?:/(token|session)/(\w+))?(?:/(.+))?")
LOGO: Final = re.compile(r"/player/(\w+)/logo")
TEXT_TRACK: Final = re.compile(r"(captions|chapters)/([\w-]+)\.vtt")
NOT_ALLOWED: Final = 405
PLAYLIST: Final = "application/vnd.apple.mpegurl"
IMAGES: Final = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}
# A grey pixel, as GIF: the picture of what has none yet.
NO_PICTURE: Final = bytes.fromhex("47494638396101000100800000808080ffffff2c00000000010001000002024401003b")


class AssetContent(NamedTuple):
    """One asset: its bytes, its MIME type, and their digest in hex where it is known."""

    body: bytes | memoryview
    type: str
    sha256: str = ""


def is_asset_path(path: str) -> bool:
    """Whether a path is that of an asset."""
    return path.startswith(("/vod/", "/live/", "/player/"))


def fetch_asset(account: ApiVideoAccount, request: IncomingRequest, wall_s: float) -> Reply:
    """The asset of a request, or why not."""
    if request.method not in ("GET", "HEAD"):
        return _error_reply(NOT_ALLOWED)
    logo = LOGO.fullmatch(request.path)
    player = account.players.get(logo[1]) if logo else None
    if player is not None and player.logo is not None:
        return _serve(request, AssetContent(player.logo, _image_type(player.logo)), wall_s)
    match = ASSET.fullmatch(request.path)
    owner = _find_owner(account, match[1], match[2]) if match else None
    if match is None or owner is None:
        return _error_reply(404)
    name, session = match[5] or "", ""
    if not owner.attributes["public"]:
        status = _access_error(account, request, owner.id, match)
        if status is not None:
            return _error_reply(status)
        session = match[4] if match[3] == "session" else account.asset_tokens.open_session(owner.id)
    found = _stream_asset(owner, name) if isinstance(owner, LiveStreamRecord) else _video_asset(owner, name, wall_s)
    if found is None:
        return _error_reply(404)
    if session and found.type == PLAYLIST:
        found = AssetContent(_rewrite_playlist(found.body, f"/vod/{owner.id}/session/{session}/hls/"), PLAYLIST)
    return _serve(request, found, wall_s)


def _find_owner(account: ApiVideoAccount, kind: str, owner_id: str) -> VideoRecord | LiveStreamRecord | None:
    if kind == "live":
        return account.live_streams.get(owner_id)
    video = account.videos.get(owner_id)
    return video if video is not None and video.discarded is None else None


def _access_error(
    account: ApiVideoAccount, request: IncomingRequest, owner_id: str, match: re.Match[str]
) -> int | None:
    """Why a private asset is not given out, None if it is."""
    kind, word, name = match[3], match[4], match[5] or ""
    if name and TEXT_TRACK.fullmatch(name):
        return None
    token = word if kind == "token" else dict(parse_qsl(request.query)).get("token") if not name else None
    if kind == "session":
        return None if account.asset_tokens.is_session_of(word, owner_id) else 403
    if not token:
        return 401
    return None if account.asset_tokens.redeem(token, owner_id) else 403


def _video_asset(video: VideoRecord, name: str, wall_s: float) -> AssetContent | None:
    if not name:
        return AssetContent(f"<!doctype html><title>{video.id}</title><video controls></video>\n".encode(), "text/html")
    text = TEXT_TRACK.fullmatch(name)
    if text is not None:
        caption = video.captions.get(text[2])
        body = video.chapters.get(text[2]) if text[1] == "chapters" else caption.text if caption else None
        return None if body is None else AssetContent(body, "text/vtt")
    if name == "thumbnail.jpg" and isinstance(video.thumbnail, bytes):
        return AssetContent(video.thumbnail, _image_type(video.thumbnail))
    source = video.source
    made = source.files.get(name) if source is not None and source.is_playable(wall_s) else None
    if made is not None and (name != "mp4/source.mp4" or video.attributes["mp4Support"]):
        return AssetContent(_map_file(made.path), made.type, made.sha256)
    return AssetContent(NO_PICTURE, "image/gif") if name == "thumbnail.jpg" else None


def _stream_asset(stream: LiveStreamRecord, name: str) -> AssetContent | None:
    if name == "thumbnail.jpg":
        return AssetContent(stream.thumbnail or NO_PICTURE, _image_type(stream.thumbnail or b""))
    if name == "hls/manifest.m3u8" and stream.broadcasting is not None:
        return AssetContent(b"#EXTM3U\n#EXT-X-VERSION:3\n", PLAYLIST)
    return None if name else AssetContent(f"<!doctype html><title>{stream.id}</title>\n".encode(), "text/html")


def _rewrite_playlist(playlist: bytes | memoryview, base: str) -> bytes:
    lines = bytes(playlist).decode().splitlines()
    return "".join(f"{line if line.startswith('#') else base + line}\n" for line in lines).encode()


def _map_file(path: Path) -> bytes | memoryview:
    """A file's bytes, without reading them all."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _image_type(picture: bytes) -> str:
    return IMAGES.get(picture[:2], "image/gif")


def _serve(request: IncomingRequest, found: AssetContent, wall_s: float) -> Reply:
    digest = found.sha256 or sha256(found.body).hexdigest()
    modified = datetime.fromtimestamp(wall_s // 86_400 * 86_400, UTC)
    reply = storage.serve_object(request, storage.StoredObject(found.body, found.type, digest, modified))
    return Reply(reply.status, reply.body, (*reply.headers, CORS))


def _error_reply(status: int) -> Reply:
    words = {401: "A token is missing.", 403: "The token opens nothing.", 404: "Not found.", 405: "Only GET."}
    headers = (*HEADERS, allow_header("GET", "HEAD")) if status == NOT_ALLOWED else HEADERS
    return Reply(status, msgspec.json.encode({"title": words[status], "status": status}), headers, refused=True)

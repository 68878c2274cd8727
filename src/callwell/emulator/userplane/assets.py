# SPDX-License-Identifier: Apache-2.0
"""The five assets of a recording, computed from its ID whenever they are requested; only digests are cached.

No two recordings share a file: the video ends with an EBML Void element, the thumbnail with a RIFF chunk of an unknown
kind, and both hold a mark made of the ID. Readers of both formats skip what they do not know.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from callwell.emulator.provider import AssetDigest
from callwell.emulator.userplane.clips import DURATIONS_S, HEIGHT, VOID_BYTES, WIDTH, base_clip, void_element
from callwell.emulator.userplane.logs import build_log


class AssetKind(NamedTuple):
    """One kind of asset: its media type, the name of its file in storage, and its name in messages."""

    type: str
    file: str
    label: str


KINDS: Final = {
    "video": AssetKind("video/webm", "video.webm", "video"),
    "thumbnail": AssetKind("image/webp", "thumbnail.webp", "thumbnail"),
    "console_log": AssetKind("application/json", "console-log.json", "console log"),
    "network_log": AssetKind("application/json", "network-log.json", "network log"),
    "action": AssetKind("application/json", "action.json", "action"),
}
# Twice the assets that a test of the largest world reads, about 40 MB.
MAX_CACHED_INFOS: Final = 200_000


def duration_of(recording_id: str) -> int:
    """Return how long a recording plays, in milliseconds."""
    return DURATIONS_S[_clip_number(recording_id)] * 1000


def asset_bytes(kind: str, recording_id: str) -> bytes:
    """Return the whole file."""
    if kind == "video":
        return base_clip(_clip_number(recording_id)).webm + void_element(_mark(recording_id))
    if kind == "thumbnail":
        return _riff(base_clip(_clip_number(recording_id)).webp, _mark(recording_id))
    return build_log(kind, recording_id, duration_of(recording_id))


@lru_cache(maxsize=MAX_CACHED_INFOS)
def asset_info(kind: str, recording_id: str) -> AssetDigest:
    """Return size, digest and type of a file, without building a video."""
    if kind == "video":
        clip = base_clip(_clip_number(recording_id))
        digest = clip.digest.copy()
        digest.update(void_element(_mark(recording_id)))
        return AssetDigest(len(clip.webm) + VOID_BYTES, digest.hexdigest(), KINDS[kind].type)
    body = asset_bytes(kind, recording_id)
    return AssetDigest(len(body), sha256(body).hexdigest(), KINDS[kind].type)


def _mark(recording_id: str) -> bytes:
    return sha256(recording_id.encode()).digest()


def _clip_number(recording_id: str) -> int:
    return _mark(recording_id)[0] % len(DURATIONS_S)


def _riff(bitstream: bytes, mark: bytes) -> bytes:
    """Return an extended WebP file: canvas, picture, and our own chunk."""
    canvas = struct.pack("<I", 0) + (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    body = b"WEBP" + _chunk(b"VP8X", canvas) + bitstream + _chunk(b"MARK", mark)
    return _chunk(b"RIFF", body)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

# SPDX-License-Identifier: Apache-2.0
"""The world comes from its seed, and its media are real."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from typing import TYPE_CHECKING

import av
import pytest

from callwell.emulator.userplane.assets import KINDS, asset_bytes, asset_info, duration_of
from callwell.emulator.userplane.clips import DURATIONS_S, base_clip
from callwell.emulator.userplane.records import LinkRecord, RecordingRecord
from callwell.emulator.userplane.seeding import build_world
from tests.emulator.harness import fetch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

IDS = [str(number) for number in range(20)]


def test_the_same_seed_is_the_same_world() -> None:
    """All tables are equal, and not for another seed."""
    assert build_world(7, 50).tables == build_world(7, 50).tables
    assert build_world(7, 50).tables[LinkRecord] != build_world(8, 50).tables[LinkRecord]


@pytest.mark.parametrize("count", [0, 1, 40, 500])
def test_the_number_of_recordings_is_over_the_visible_workspaces(count: int) -> None:
    """What the user cannot see comes on top; about 3 % lack a capture."""
    world = build_world(1, count)
    visible = [len(world.list_active(RecordingRecord, workspace.id)) for workspace in world.own_workspaces()]
    assert (len(visible), sum(visible)) == (2, count)
    assert len(world.tables[RecordingRecord]) == count + 3
    lacking = sum(bool(recording.missing_assets) for recording in world.tables[RecordingRecord].values())
    assert count // 33 <= lacking <= count // 33 + 1


def test_two_emulators_with_one_seed_answer_the_same(emulate: Callable[..., Emulated]) -> None:
    """Ids, times and digests are equal; keys and signatures are not."""
    first = emulate(seed=3)
    second = emulate(seed=3)
    other = emulate(seed=4)
    items = [each.control("/ledger")["userplane"]["items"] for each in (first, second, other)]
    assert items[0] == items[1] != items[2]
    path = f"{first.workspaces()[0]}/links?per_page=20"
    assert first.call(path).json == second.call(path).json
    assert first.key != second.key


def test_items_are_what_can_be_downloaded(emulated: Emulated) -> None:
    """Size, digest and type of the ledger are those of the bytes."""
    item = emulated.control("/ledger")["userplane"]["items"][0]
    root = f"/public/workspace/{item['workspace']}/recordings/{item['id']}"
    for kind, path in zip(KINDS, ("video", "thumbnail", "console-log", "network-log", "action"), strict=True):
        resource = emulated.call(f"{root}/{path}").data["resource"]
        answer = fetch(resource["url"])
        assert resource["size"] == len(answer.body)
        assert item["assets"][kind] == {
            "size": len(answer.body),
            "sha256": sha256(answer.body).hexdigest(),
            "type": answer.headers["content-type"],
        }


def test_the_video_decodes() -> None:
    """WebM with VP8 and sound, as long as it says, whole to the last frame."""
    for recording_id in IDS[:5]:
        body = asset_bytes("video", recording_id)
        duration_ms = duration_of(recording_id)
        with av.open(io.BytesIO(body), "r") as container:
            assert {stream.type for stream in container.streams} == {"video", "audio"}
            assert abs((container.duration or 0) / 1000 - duration_ms) < 100
            assert len(list(container.decode(video=0))) == duration_ms // 100
        with av.open(io.BytesIO(body), "r") as container:
            assert sum(int(frame.samples) for frame in container.decode(audio=0)) > 40 * duration_ms


def test_the_thumbnail_decodes() -> None:
    """One picture of WebP, as large as the video, in a RIFF container of the right size."""
    body = asset_bytes("thumbnail", "x")
    assert int.from_bytes(body[4:8], "little") == len(body) - 8
    with av.open(io.BytesIO(body), "r") as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (320, 180)


def test_every_recording_has_bytes_of_its_own() -> None:
    """All assets of all recordings differ, and facts match bytes; the videos are small."""
    for kind in KINDS:
        bodies = [asset_bytes(kind, recording_id) for recording_id in IDS]
        assert len({sha256(body).hexdigest() for body in bodies}) == len(IDS)
        for recording_id, body in zip(IDS, bodies, strict=True):
            facts = asset_info(kind, recording_id)
            assert (facts.size, facts.sha256) == (len(body), sha256(body).hexdigest())
    assert all(40_000 < len(base_clip(number).webm) < 120_000 for number in range(len(DURATIONS_S)))


@pytest.mark.parametrize("kind", ["console_log", "network_log", "action"])
def test_logs_are_json_in_the_order_of_time(kind: str) -> None:
    """All entries are within the recording, in the order of time."""
    log = json.loads(asset_bytes(kind, "x"))
    times = [entry["timestampMs"] for entry in log["entries"]]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < duration_of("x")

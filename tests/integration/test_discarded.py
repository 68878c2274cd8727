# SPDX-License-Identifier: Apache-2.0
"""Videos of the emulated api.video that were deleted, with and without the means to restore them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell import Client, errors
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from tests.processes.program import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.providers.apivideo.client import Apivideo


@pytest.fixture(params=["true", "false"])
def restores(request: pytest.FixtureRequest) -> bool:
    """Whether the account can restore."""
    return bool(request.param == "true")


@pytest.fixture
def api(restores: bool) -> Iterator[Apivideo]:  # noqa: FBT001 - a fixture
    """A client of such an account."""
    settings = {"apivideo.video_restore": str(restores).lower()}
    with start(EmulatorOptions(provider=("apivideo",), settings=settings)) as running:
        point = running.endpoint("apivideo", "production")
        with Client("apivideo", base_url=point.base_url, key=Key(point.key)) as result:
            yield result


def test_gone_or_never_there(api: Apivideo, restores: bool) -> None:  # noqa: FBT001 - a fixture
    """A deleted video is gone where it can be restored, and comes back; one that never was is not found."""
    video = api.videos.create(title="t")["videoId"]
    api.videos.delete(video_id=video)
    expected = errors.Gone if restores else errors.NotFound
    for call in (
        lambda: api.videos.get(video_id=video),
        lambda: api.videos.status(video_id=video),
        lambda: api.videos.update(video_id=video, title="u"),
        lambda: api.videos.delete(video_id=video),
        lambda: list(api.captions.list(video_id=video)),
        lambda: api.videos.mp4(video_id=video).info(),
    ):
        with pytest.raises(errors.Missing) as caught:
            call()
        assert type(caught.value) is expected
    with pytest.raises(errors.NotFound):
        api.videos.get(video_id="viNever")
    assert [item["videoId"] for item in api.discarded_videos.list()] == [video] * restores
    if restores:
        assert api.discarded_videos.update(video_id=video, discarded=False)["discarded"] is False
        assert api.videos.get(video_id=video)["title"] == "t"

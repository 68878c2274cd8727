# SPDX-License-Identifier: Apache-2.0
"""Errors under the media type of RFC 9457 are the same errors to the client."""

from __future__ import annotations

import pytest

from callwell import Client, errors
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from tests.processes.program import start


def test_problems_are_errors_like_any_other() -> None:
    """Code, message and parameter are read from them, and nothing else changes."""
    options = EmulatorOptions(provider=("apivideo",), settings={"apivideo.problem_json": "true"})
    with start(options) as running:
        point = running.endpoint("apivideo")
        with Client("apivideo", base_url=point.base_url, key=Key(point.key)) as api:
            with pytest.raises(errors.NotFound) as missing:
                api.videos.get(video_id="viNone")
            assert (missing.value.status, missing.value.code) == (404, "resource-not-found")
            with pytest.raises(errors.BadRequest) as wrong:
                api.request("POST", "/videos", json={})
            assert wrong.value.code == "attribute-required"

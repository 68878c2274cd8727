# SPDX-License-Identifier: Apache-2.0
"""A provider that takes recordings of up to five seconds, in the formats that speech APIs usually take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from callwell.providers import load

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.provider import Provider

FORMATS: Final = ("wav", "mp3", "ogg", "m4a", "webm", "mp4", "aac")

OPENAPI: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "Ear", "version": "1"},
    "paths": {
        f"/{name}": {
            "post": {
                "operationId": f"speech.{name}",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["audio_base64", "audio_format"],
                                "properties": {
                                    "audio_base64": {"type": "string"},
                                    "audio_format": {"type": "string", "enum": list(FORMATS)},
                                    "expected_text": {"type": "string"},
                                },
                            }
                        }
                    },
                },
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            }
        }
        for name in ("read", "talk", "write")
    },
}

PROFILE: Final = """\
name = "ear"
title = "Ear"

[environments.production]
base_url = "https://ear.test/v1"

[key]
scheme = "header"
header = "api-key"
env = "EAR_KEY"

[audio]
min_rate = 16000
rate = 16000

[audio.formats]
wav = { containers = ["wav"], codecs = ["pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8"] }
mp3 = { containers = ["mp3"], codecs = ["mp3"] }
ogg = { containers = ["ogg"], codecs = ["opus", "vorbis"] }
m4a = { containers = ["m4a"], codecs = ["aac"] }
webm = { containers = ["webm"], codecs = ["opus", "vorbis"] }
mp4 = { containers = ["mp4"], codecs = ["aac"] }
aac = { containers = ["aac"], codecs = ["aac"] }

[operations."speech.read".audio]
data = "audio_base64"
format = "audio_format"
max_s = 5
best_min_s = 1
best_max_s = 4

[operations."speech.talk".audio]
data = "audio_base64"
format = "audio_format"
max_s = 30
"""


def ear(folder: Path) -> Provider:
    """The provider, described in a new folder."""
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(OPENAPI, indent=2), encoding="utf-8")
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    return load(folder)

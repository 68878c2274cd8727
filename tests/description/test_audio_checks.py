# SPDX-License-Identifier: Apache-2.0
"""What a profile says about recordings is checked against itself and against the operations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from callwell.description import openapi, profile
from callwell.errors import ProfileError
from tests.media.provider import OPENAPI, PROFILE

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.model import Api

TALK: Final = PROFILE[PROFILE.index('[operations."speech.talk"') :]


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """The operations of the provider for recordings."""
    (tmp_path / "openapi.json").write_text(json.dumps(OPENAPI), encoding="utf-8")
    return openapi.read(tmp_path / "openapi.json")


def test_tables_become_records(api: Api) -> None:
    """The tables become records, with defaults for what they leave out."""
    read = profile.parse(PROFILE, api)
    assert read.audio
    assert (read.audio.rate, read.audio.min_depth, read.audio.channels) == (16_000, 16, 1)
    assert read.audio.formats["webm"].codecs == ("opus", "vorbis")
    rule = read.operations["speech.read"].audio
    assert rule
    assert (rule.data, rule.max_s, rule.best_max_s) == ("audio_base64", 5, 4)


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ('codecs = ["pcm_s16le", ', "codecs = [", "audio.formats", "a format that takes pcm_s16le in wav"),
        ("min_rate = 16000", "min_rate = 0", "audio.min_rate", "more than 0, found 0"),
        ("\nrate = 16000", "\nrate = 8000", "audio.rate", "16000 or more, found 8000"),
        ("\nrate = 16000", "\nrate = 16000\nchannels = 3", "audio.max_channels", "3 or more, found 2"),
        ("\nrate = 16000", '\nrate = "16k"', "audio.rate", "a whole number"),
        ("\nmp3 = {", "\nflac = {", "audio.formats.flac", "a value of audio_format"),
        ('aac = { containers = ["aac"],', "aac = {", "audio.formats.aac.containers", "this key"),
        ("max_s = 5", "max_s = -5", 'operations."speech.read".audio.max_s', "more than 0"),
        ("best_min_s = 1", "best_s = 1", 'operations."speech.read".audio.best_s', "expected best_"),
    ],
)
def test_errors(old: str, new: str, key: str, expected: str, api: Api) -> None:
    """An error has the key, what was expected and what was found."""
    assert PROFILE.count(old) == 1
    with pytest.raises(ProfileError) as caught:
        profile.parse(PROFILE.replace(old, new), api)
    assert caught.value.key == key
    assert expected in caught.value.expected


@pytest.mark.parametrize(("field", "name"), [("data", "sound"), ("format", "form")])
def test_arguments_are_those_of_the_operation(field: str, name: str, api: Api) -> None:
    """An argument that the operation does not take is found, and the closest one is proposed."""
    wrong = TALK.replace(f'{field} = "audio_', f'{field} = "{name}_')
    with pytest.raises(ProfileError, match=r"an argument of type string \(audio_") as caught:
        profile.parse(PROFILE.replace(TALK, wrong), api)
    assert caught.value.key == f'operations."speech.talk".audio.{field}'


def test_an_operation_needs_the_table(api: Api) -> None:
    """An operation with a recording needs the formats that the provider takes."""
    start = PROFILE.index("[audio]")
    end = PROFILE.index("[operations.")
    with pytest.raises(ProfileError, match=r"expected a table \[audio\]"):
        profile.parse(PROFILE[:start] + PROFILE[end:], api)

# SPDX-License-Identifier: Apache-2.0
"""The description and the emulator of Language Confidence agree with the recovered facts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell import providers
from callwell.client.calls.operations import find_operation
from callwell.description import schemas
from callwell.emulator.language_confidence.audio import MIN_BITS, MIN_RATE
from callwell.emulator.language_confidence.provider import ENTRY_POINTS
from callwell.emulator.language_confidence.request_schema import ACCENTS, FORMATS
from callwell.emulator.language_confidence.routes import ROUTES
from tests.facts.language_confidence import FILE

if TYPE_CHECKING:
    from callwell.description.model import Operation

DESCRIBED: Final = providers.load("language_confidence")
PROFILE: Final = DESCRIBED.profile
PATHS: Final = {operation.path: operation for operation in DESCRIBED.api.operations.values()}


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """The facts about Language Confidence."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def fields(operation: Operation, *, required: bool) -> set[str]:
    """The fields of an operation's body."""
    return {
        parameter.wire_name
        for parameter in operation.parameters
        if parameter.location == "body" and parameter.required is required
    }


def test_operations(facts: dict[str, Any]) -> None:
    """Four operations, with the documented paths and fields."""
    rows = facts["operations"]
    assert len(rows) == len(PATHS) == 4
    for row in rows:
        operation = PATHS[row["path"]]
        assert operation.method == "POST"
        assert fields(operation, required=True) == set(row["required"])
        assert fields(operation, required=False) == set(row["optional"])
        assert DESCRIBED.rule(operation.name).repeatable
    assert {route.path + "/{accent}" * route.has_accent for route in ROUTES} == PATHS.keys()


def test_choices(facts: dict[str, Any]) -> None:
    """Accents, formats and the metadata of speakers."""
    scripted = {parameter.wire_name: parameter for parameter in DESCRIBED.operation("assess.scripted").parameters}
    assert facts["accents"] == scripted["accent"].schema["enum"] == list(ACCENTS)
    assert facts["formats"] == scripted["audio_format"].schema["enum"] == list(FORMATS)
    assert facts["speakers"].keys() == {"speaker_gender", "speaker_age", "speaker_english_level"}
    for name, choices in facts["speakers"].items():
        schema = schemas.at_path(scripted["user_metadata"].schema, name)
        assert schema is not None
        assert schema["enum"] == choices


def test_addresses_and_headers(facts: dict[str, Any]) -> None:
    """The direct address and that of the marketplace, each with its key header; the header of the end user."""
    current = facts["addresses"]["current"]
    production = DESCRIBED.environment()
    assert production.base_url == current["base_url"]
    assert [PROFILE.key.header] == current["headers"] == [ENTRY_POINTS["production"].key_header]
    market = facts["addresses"]["market"]
    assert DESCRIBED.environment("rapidapi_scripted").base_url == market["base_url"]
    within = DESCRIBED.in_environment("rapidapi_scripted").profile.key
    headers = [within.header, *DESCRIBED.environment("rapidapi_scripted").headers]
    assert headers == market["headers"]
    assert [ENTRY_POINTS["rapidapi_scripted"].key_header, ENTRY_POINTS["rapidapi_scripted"].second_header] == headers
    assert PROFILE.end_user is not None
    assert PROFILE.end_user.header == facts["end_user_header"]


def test_replies(facts: dict[str, Any]) -> None:
    """Each report has the documented parts."""
    assert facts["replies"].keys() == {"pronunciation", "scripted", "unscripted", "writing (alpha)"}
    for name, parts in facts["replies"].items():
        response = DESCRIBED.operation(f"assess.{name.partition(' ')[0]}").response_schema
        assert set(parts) <= set(response["properties"])
    described = schemas.at_path(DESCRIBED.operation("assess.scripted").response_schema, "reading")
    assert described is not None
    assert set(schemas.alternatives(described)[0]["properties"]) == set(facts["reading"])


def test_sound(facts: dict[str, Any]) -> None:
    """The emulated limits are the documented ones."""
    sound = facts["sound"]
    seconds = sound["longest_s"]
    assert [route.max_audio_s for route in ROUTES] == [*seconds, 0]
    audio = PROFILE.audio
    assert audio is not None
    recorded = {name: rule.audio for name, rule in PROFILE.operations.items() if rule.audio}
    assert [item.max_s for item in recorded.values()] == seconds
    short, long = sound["best_s"]
    assert [[item.best_min_s, item.best_max_s] for item in recorded.values()] == [short, short, long]
    assert (list(audio.formats), audio.min_rate, audio.min_depth) == (list(FORMATS), MIN_RATE, MIN_BITS)
    assert (MIN_RATE, MIN_BITS) == (sound["least_rate"], sound["least_bits"]) == (16_000, 16)


def test_repeats(facts: dict[str, Any]) -> None:
    """What the documentation retries is retried, a lost response once only, and no quota is made up."""
    assert facts["retried"] == ["429", "500", "502", "503", "504", "connect error", "timeout"]
    assert PROFILE.retry.lost_attempts == 2
    for name in DESCRIBED.api.operations:
        assert find_operation(DESCRIBED, name).plan.traits.repeatable
    assert PROFILE.quota_headers is None
    assert [quota.adaptive for quota in PROFILE.quotas.values()] == [True]
    assert (PROFILE.errors.codes, PROFILE.errors.dead_key_statuses) == ({}, (401,))


def test_alpha() -> None:
    """Writing alone is alpha."""
    assert [name for name, rule in PROFILE.operations.items() if rule.alpha] == ["assess.writing"]

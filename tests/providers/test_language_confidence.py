# SPDX-License-Identifier: Apache-2.0
"""What Callwell says of Language Confidence is what the papers beside the project say, and so is its play."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from callwell import providers
from callwell.client.describe import known
from callwell.emulator.language_confidence.bodies import ACCENTS, FORMATS
from callwell.emulator.language_confidence.provider import DOORS
from callwell.emulator.language_confidence.routes import ROUTES
from callwell.emulator.language_confidence.sound import LEAST_BITS, LEAST_RATE
from callwell.spec import schemas

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.spec.model import Operation

DESCRIBED: Final = providers.load("language_confidence")
PROFILE: Final = DESCRIBED.profile
PATHS: Final = {one.path: one for one in DESCRIBED.api.operations.values()}
QUOTED: Final = re.compile(r"`([^`]+)`")


@pytest.fixture(scope="module")
def paper(shared: Path) -> str:
    """The facts about Language Confidence."""
    file = shared / "providers" / "language-confidence.md"
    if not file.is_file():
        pytest.skip("no facts about Language Confidence beside the project")
    return file.read_text(encoding="utf-8")


def table(paper: str, section: str) -> list[list[str]]:
    """The cells of the tables of a section, which begins with a text."""
    begin = paper.index(section)
    end = paper.find("\n#", begin + 1)
    rows = [line for line in paper[begin:end].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def row(paper: str, section: str, begin: str) -> list[str]:
    """The one row that begins so."""
    return next(cells for cells in table(paper, section) if cells[0].startswith(begin))


def fields(operation: Operation, *, required: bool) -> set[str]:
    """The fields of an operation's body."""
    return {one.wire for one in operation.parameters if one.place == "body" and one.required is required}


def test_operations(paper: str) -> None:
    """Four operations, with the paths and fields of the papers."""
    rows = [cells for cells in table(paper, "## 3. Endpoints") if cells[0].startswith("`/")]
    assert len(rows) == len(PATHS) == 4
    for cells in rows:
        operation = PATHS[QUOTED.findall(cells[0])[0]]
        assert operation.method == "POST"
        for required, cell in ((True, cells[2]), (False, cells[3])):
            assert fields(operation, required=required) == set(QUOTED.findall(cell))
        assert DESCRIBED.rule(operation.name).repeatable
    assert {one.path + "/{accent}" * one.accented for one in ROUTES} == PATHS.keys()


def test_choices(paper: str) -> None:
    """Accents, formats and what is said of speakers."""
    section = "### Request fields"
    scripted = {one.wire: one for one in DESCRIBED.operation("assess.scripted").parameters}
    assert tuple(scripted["accent"].schema["enum"]) == ACCENTS
    assert "enum `us`, `uk`" in paper
    formats = QUOTED.findall(row(paper, section, "`audio_format`")[1])
    assert formats == scripted["audio_format"].schema["enum"] == list(FORMATS)
    for name in ("speaker_gender", "speaker_age", "speaker_english_level"):
        schema = schemas.at(scripted["user_metadata"].schema, name)
        assert schema is not None
        assert schema["enum"] == QUOTED.findall(row(paper, section, f"`user_metadata.{name}`")[1])


def test_addresses_and_headers(paper: str) -> None:
    """The direct address and that of the market, each with its header; the end user's header."""
    section = "## 2. Base URLs"
    current = row(paper, section, "**Current")
    production = DESCRIBED.environment()
    assert production.base_url == QUOTED.findall(current[1])[0]
    assert PROFILE.key.header == QUOTED.findall(current[2])[0].partition(":")[0] == DOORS["production"].key
    market = row(paper, section, "RapidAPI, scripted")
    assert DESCRIBED.environment("rapidapi_scripted").base_url == QUOTED.findall(market[1])[0]
    within = DESCRIBED.within("rapidapi_scripted").profile.key
    headers = [within.header, *DESCRIBED.environment("rapidapi_scripted").headers]
    assert headers == QUOTED.findall(market[2])
    assert [DOORS["rapidapi_scripted"].key, DOORS["rapidapi_scripted"].beside] == headers
    assert PROFILE.end_user is not None
    assert PROFILE.end_user.header == QUOTED.findall(row(paper, "## 4. Headers", "`x-user-id`")[0])[0]


def test_replies(paper: str) -> None:
    """Each report has the parts of the papers at its top."""
    rows = {cells[0]: QUOTED.findall(re.sub(r"\{[^}]*\}", "", cells[1])) for cells in table(paper, "| Endpoint | Top")}
    for name, parts in rows.items():
        operation = next((one for one in DESCRIBED.api.operations if one.endswith(name.partition(" ")[0])), None)
        if operation is not None:
            assert set(parts) <= set(DESCRIBED.operation(operation).response["properties"])
    assert {"pronunciation", "scripted", "unscripted", "writing (alpha)"} <= rows.keys()
    reading = QUOTED.findall(row(paper, "## 5. Success", "Reading")[1])
    described = schemas.at(DESCRIBED.operation("assess.scripted").response, "reading")
    assert described is not None
    assert set(schemas.choices(described)[0]["properties"]) == set(reading)


def test_sound(paper: str) -> None:
    """The emulated limits are the documented ones, read as the papers read them."""
    section = "## 6. Audio limits"
    seconds = [int(one) for one in re.findall(r"(\d+) s", row(paper, section, "Max length")[1])]
    assert [route.longest_s for route in ROUTES] == [*seconds, 0]
    audio = PROFILE.audio
    assert audio is not None
    recorded = {name: rule.audio for name, rule in PROFILE.operations.items() if rule.audio}
    assert [one.max_s for one in recorded.values()] == seconds
    best = re.findall(r"(\d+)–(\d+) s", row(paper, section, "Max length")[2])
    assert [(one.best_min_s, one.best_max_s) for one in recorded.values()] == [
        tuple(map(float, best[index])) for index in (0, 0, 1)
    ]
    assert (list(audio.formats), audio.min_rate, audio.min_depth) == (list(FORMATS), LEAST_RATE, LEAST_BITS)
    assert "16 kHz" in row(paper, section, "Sample rate")[3]
    assert (LEAST_RATE, f"minimum {LEAST_BITS} bit") == (16_000, row(paper, section, "Bit depth")[1])


def test_repeats(paper: str) -> None:
    """What the papers repeat is repeated, what has no answer once only, and nothing is made up about quotas."""
    retried = {cells[0] for cells in table(paper, "## 7. Errors") if cells[2].startswith(("yes", "**yes"))}
    assert retried == {"429", "500", "502/503/504, connect error, timeout"}
    assert PROFILE.retry.lost_attempts == 2
    for name in DESCRIBED.api.operations:
        assert known(DESCRIBED, name).plan.traits.repeatable
    assert PROFILE.quota_headers is None
    assert [quota.adaptive for quota in PROFILE.quotas.values()] == [True]
    assert (PROFILE.errors.codes, PROFILE.errors.dead_key_statuses) == ({}, (401,))


def test_alpha() -> None:
    """Writing alone is alpha."""
    assert [name for name, rule in PROFILE.operations.items() if rule.alpha] == ["assess.writing"]

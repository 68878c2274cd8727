# SPDX-License-Identifier: Apache-2.0
"""Speech is assessed over real sockets: what is repeated, what is paid for, and whom the provider hears of."""

from __future__ import annotations

import base64
import struct
import wave
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell import Client, Key, errors
from callwell.clock import parse_clock
from callwell.emulator.options import EmulatorOptions
from tests.emulator.harness import Emulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.providers.language_confidence.client import LanguageConfidence

NAME: Final = "language_confidence"
SCALE: Final = "50"
SECRET: Final = Key("0123456789abcdef")


def tone(seconds: int = 1) -> str:
    """A square wave, in base64."""
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(struct.pack("<40h", *([8_000] * 20 + [-8_000] * 20)) * 400 * seconds)
    return base64.b64encode(out.getvalue()).decode()


RECORDING: Final = tone()


@pytest.fixture
def emulated() -> Iterator[Emulated]:
    """An emulator with a fast clock."""
    running = Emulated(EmulatorOptions(provider=(NAME,), clock=SCALE)).start()
    yield running
    running.stop()


def client(emulated: Emulated, environment: str = "production", **options: Any) -> LanguageConfidence:
    """A client of the emulator."""
    point = emulated.endpoints.providers[NAME][environment]
    made: LanguageConfidence = Client(
        "language_confidence",
        **{
            "key": Key(point.key),
            "base_url": point.base_url,
            "environment": environment,
            "clock": parse_clock(emulated.endpoints.clock),
            "user_secret": SECRET,
            **options,
        },
    )
    return made


def assess(one: LanguageConfidence, text: str = "Hello there.") -> Any:
    """The whole response of a pronunciation."""
    recording = {"audio_base64": RECORDING, "audio_format": "wav", "expected_text": text}
    return one.call_raw("assess.pronunciation", accent="us", **recording)


def counts(emulated: Emulated) -> Any:
    """The score so far."""
    return emulated.control("/ledger")[f"{NAME}/production"]["counts"]


def faults(emulated: Emulated, *rules: dict[str, Any]) -> None:
    """Put rules in force for all operations."""
    emulated.faults(*({"operation": "*", "provider": f"{NAME}/production", **rule} for rule in rules))


def test_received_errors_are_repeated_and_cost_nothing(emulated: Emulated) -> None:
    """Five in a row of every kind, 429 among them, are outlived, and one assessment is billed."""
    statuses = (500, 503, 502, 504, 500)
    failing = [{"fault": "error_before", "nth": 1, "status": status} for status in statuses]
    faults(emulated, *failing[:1], {"fault": "throttle", "nth": [2, 3]}, {"fault": "error_after", "nth": [4, 5, 6]})
    with client(emulated) as api:
        got = assess(api)
    assert (got.status, got.possibly_billed, got.attempts > 2) == (200, 0, True)
    assert (counts(emulated)["billed"], counts(emulated)["billed_twice"]) == (1, 0)


def test_a_lost_answer_is_repeated_once(emulated: Emulated) -> None:
    """The caller learns that it may be billed twice, and with a second loss the call ends."""
    faults(emulated, {"fault": "lost_reply", "nth": 1})
    with client(emulated) as api:
        assert assess(api).possibly_billed == 1
        assert (counts(emulated)["billed"], counts(emulated)["billed_unseen"]) == (2, 1)
        faults(emulated, {"fault": "lost_reply", "rate": 1, "max_in_row": 99})
        with pytest.raises(errors.ConnectionLost, match="2 of them possibly billed"):
            assess(api, "Another text.")
    assert counts(emulated)["billed_unseen"] == 3


def test_both_sides_count_the_same_users(emulated: Emulated) -> None:
    """As many as were named, by pseudonyms, in the same month."""
    with client(emulated, plan="monthly-active-users") as api:
        with pytest.raises(errors.EndUserMissing):
            assess(api)
        for user in ("ann", "bob", "ann"):
            assess(api.with_options(for_user=user))
        mine = api.config.end_users.monthly_counts() if api.config.end_users else {}
    reported = counts(emulated)
    assert (mine, list(mine.values())) == (reported["active_users"], [2])
    assert sorted(reported["calls_by_user"].values()) == [1, 2]
    assert not any("ann" in user for user in reported["calls_by_user"])


def test_a_dead_key_is_reported(emulated: Emulated) -> None:
    """By its status alone, for there are no codes."""
    with client(emulated) as api:
        assess(api)
        emulated.control("/keys/revoke", {"provider": f"{NAME}/production"})
        with pytest.raises(errors.KeyRefused):
            assess(api)


def test_the_market_has_its_own_headers(emulated: Emulated) -> None:
    """The same operation by another way; others are not there."""
    with client(emulated, "rapidapi_scripted") as api:
        recording: Any = {"accent": "uk", "audio_base64": RECORDING, "audio_format": "wav"}
        assert api.assess.scripted(**recording, expected_text="Hello.")["overall"]["overall_score"] > 0
        with pytest.raises(errors.InvalidOption, match=r"this environment has: assess\.scripted"):
            api.assess.pronunciation(**recording, expected_text="Hello.")


def test_refusals_name_what_is_wrong(emulated: Emulated) -> None:
    """A text as it is, a list one by one."""
    with client(emulated) as api:
        with pytest.raises(errors.BadRequest, match="400: The audio is longer than 30 seconds"):
            api.assess.pronunciation(
                accent="us", audio_base64=tone(31), audio_format="wav", expected_text="Hello there."
            )
        with pytest.raises(errors.BadRequest, match=r"422: path\.accent: .*; body\.audio_base64: ") as caught:
            api.request("POST", "/pronunciation/gb", json={})
    assert caught.value.problems[0].parameter == "path.accent"

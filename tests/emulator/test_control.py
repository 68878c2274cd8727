# SPDX-License-Identifier: Apache-2.0
"""The control port: what it does, and what it refuses with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.harness import fetch

if TYPE_CHECKING:
    from tests.emulator.harness import Emulated


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/faults", b"{}", "faults must be a JSON list"),
        ("/faults", b"[", "faults must be a JSON list"),
        ("/faults", b'[{"operation": "me.get"}]', "missing required field `fault`"),
        ("/faults", b'[{"operation": "me.get", "fault": "reset", "rte": 1}]', "unknown field `rte`"),
        (
            "/faults",
            b'[{"operation": "me", "fault": "reset", "rate": 1}]',
            "operation of rule 1: 'me' is not one of *, d",
        ),
        ("/faults", b'[{"operation": "*", "fault": "x", "rate": 1}]', "fault of rule 1: 'x' is not one of cycle"),
        (
            "/faults",
            b'[{"operation": "*", "fault": "reset", "rate": 1, "provider": "y"}]',
            "provider: 'y' is not one of",
        ),
        ("/seed", b'{"recordings": -1}', "option: "),
        ("/seed", b'{"per_minute": 1}', "seed takes seed and recordings"),
        ("/seed", b"[]", "the body must be a JSON object"),
        ("/reset", b'{"windows": "fixed"}', "option 'windows' is not one of seed, recordings"),
        ("/reset", b'{"window": "round"}', "option: Invalid enum value 'round'"),
        ("/reset", b'{"per_minute": 0}', "option: "),
        ("/reset", b'{"provider": 5}', "provider: "),
        ("/keys/create", b'{"expires_in_s": 0}', "expires_in_s must be more than 0"),
        ("/keys/rotate", b'{"fingerprint": "x"}', "no key has fingerprint 'x'"),
        ("/keys/revoke", b'{"key": "x"}', "unknown field `key`"),
    ],
)
def test_bad_input(emulated: Emulated, path: str, body: bytes, expected: str) -> None:
    """400, JSON, one sentence that says what was expected."""
    answer = fetch(emulated.endpoints.control + path, "POST", body=body)
    assert answer.status == 400
    assert answer.json.keys() == {"error"}
    assert expected in answer.json["error"]
    assert "\n" not in answer.json["error"]


def test_what_is_not_there(emulated: Emulated) -> None:
    """Unknown paths and methods are answered as JSON too."""
    assert emulated.control_response("/nothing").status == 404
    answer = emulated.control_response("/ledger", {})
    assert (answer.status, "there is no such thing" in answer.json["error"]) == (405, True)


@pytest.mark.parametrize("headers", [{"Origin": "https://example.test"}, {"Origin": "null"}, {"Host": "evil.test:80"}])
def test_web_pages_cannot_control_it(emulated: Emulated, headers: dict[str, str]) -> None:
    """An Origin header, or a foreign host name, is refused before anything is done."""
    key = emulated.control("/keys")["userplane"][0]["fingerprint"]
    answer = fetch(f"{emulated.endpoints.control}/keys/rotate", "POST", headers=headers)
    assert answer.status == 403
    assert emulated.control("/keys")["userplane"][0]["fingerprint"] == key


def test_reset_begins_anew(emulated: Emulated) -> None:
    """New ledger, no faults, the same world again, keys that still work."""
    path = f"{emulated.workspaces()[0]}/recordings"
    before = emulated.call(path).data["recordings"]
    emulated.call(f"{path}/{before[0]['recordingId']}", "DELETE")
    emulated.faults({"operation": "*", "fault": "reset", "rate": 1})
    reported = emulated.control("/reset", {})
    assert emulated.control("/faults") == []
    assert emulated.rows() == []
    after = emulated.call(path).data["recordings"]
    assert [each["recordingId"] for each in after] == [each["recordingId"] for each in before]
    assert reported["emulator"]["providers"]["userplane"]["production"]["key"] == emulated.key
    assert {item["state"] for item in emulated.control("/ledger")["userplane"]["items"]} == {"unchanged"}


def test_seed_rebuilds_only_the_world(emulated: Emulated) -> None:
    """So many recordings over both workspaces; the ledger goes on, and reset keeps the number."""
    emulated.call("/public/me")
    emulated.control("/seed", {"recordings": 100})
    assert emulated.call("/public/me").data["stats"]["recordings"] == 100
    assert len(emulated.rows()) == 2
    assert len(emulated.control("/ledger")["userplane"]["items"]) == 100
    emulated.control("/reset", {})
    assert emulated.call("/public/me").data["stats"]["recordings"] == 100


def test_health_and_faults_show_what_is_in_force(emulated: Emulated) -> None:
    """Where everything is; which rules there are and how often they hit."""
    health = emulated.control("/health")
    assert health["emulator"]["control"] == emulated.endpoints.control
    assert health["options"]["userplane"]["recordings"] == 40
    rule: dict[str, Any] = {"operation": "me.get", "fault": "throttle", "nth": 2}
    emulated.faults(rule)
    emulated.call("/public/me")
    emulated.call("/public/me")
    assert emulated.control("/faults") == [rule | {"seen": 2, "hits": 1}]


def test_the_life_of_keys(emulated: Emulated) -> None:
    """Three slots; rotation kills at once and keeps the slot; revocation frees one; lists are masked."""
    keys = [emulated.key] + [emulated.control("/keys/create", {"name": f"k{number}"})["key"] for number in (1, 2)]
    assert "at most 3 keys" in emulated.control_response("/keys/create", {}).json["error"]
    assert [emulated.call("/public/me", key=key).status for key in keys] == [200] * 3
    new = emulated.control("/keys/rotate", {})["key"]
    assert [emulated.call("/public/me", key=key).status for key in (*keys, new)] == [200, 200, 401, 200]
    listed = emulated.control("/keys")["userplane"]
    assert [key["name"] for key in listed] == ["emulator", "k1", "k2"]
    assert all(key not in str(listed) for key in (*keys, new))
    assert all(key["masked"].startswith("uspl_…") for key in listed)
    assert (
        emulated.control("/keys/disable", {"fingerprint": listed[1]["fingerprint"]})["disabled"]["state"] == "disabled"
    )
    assert emulated.call("/public/me", key=keys[1]).json["error"] == "API_KEY_DISABLED"
    assert emulated.control("/keys/revoke", {})["revoked"]["state"] == "revoked"
    assert emulated.call("/public/me", key=new).json["error"] == "API_KEY_INVALID"
    assert len(emulated.control("/keys")["userplane"]) == 2
    assert emulated.control("/keys/create", {"expires_in_s": 604_800})["key"]


def test_reset_brings_a_live_key_back(emulated: Emulated) -> None:
    """Looking at a world without a live key makes none; a reset clears dead ones away and makes one."""
    emulated.control("/keys/create", {"expires_in_s": 1e-6})
    emulated.control("/keys/disable", {})
    assert "there is no live key" in emulated.control_response("/keys/rotate", {}).json["error"]
    assert emulated.control("/health")["emulator"]["providers"]["userplane"]["production"]["key"] == ""
    reported = emulated.control("/reset", {})["emulator"]["providers"]["userplane"]["production"]
    assert emulated.call("/public/me", key=reported["key"]).status == 200
    assert [key["state"] for key in emulated.control("/keys")["userplane"]] == ["active"]


def test_a_dead_key_by_fault_is_a_dead_key_in_the_ledger(emulated: Emulated) -> None:
    """The call goes on until the key is taken again."""
    emulated.faults({"operation": "me.get", "fault": "error_before", "nth": 1, "code": "API_KEY_INVALID"})
    assert [emulated.call("/public/me").status for _ in range(2)] == [401, 200]
    counts = emulated.counts()
    assert (counts["attempts"], counts["calls"], counts["dead_key_refusals"]) == (2, 1, 1)

# SPDX-License-Identifier: Apache-2.0
"""Every documented error code can be provoked: by ordinary behaviour where possible, else by a fault that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell.emulator.userplane.records import LinkRecord, ProjectRecord, RecordingRecord, WorkspaceRecord
from callwell.emulator.userplane.replies import ERROR_CODES
from callwell.emulator.userplane.seeding import build_world

if TYPE_CHECKING:
    from callwell.emulator.userplane.world import World
    from tests.emulator.harness import Emulated


class Ids:
    """Ids of a world like the emulated one, which is made from the same seed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.roots = [f"/public/workspace/{each}" for each in world.tables[WorkspaceRecord]]
        self.first, self.second, self.outside, self.closed = self.roots

    def records(self, kind: type[Any], root: str) -> list[Any]:
        """All records of a kind in a workspace."""
        return [each for each in self.world.tables[kind].values() if root.endswith(each.workspace_id)]

    def project(self, *, deleted: bool) -> str:
        """A project of the first workspace."""
        return str(next(each.id for each in self.records(ProjectRecord, self.first) if each.deleted == deleted))

    def domain(self, root: str) -> str:
        """A verified domain."""
        return str(self.records(LinkRecord, root)[0].domain_id)

    def others(self, kind: type[Any]) -> str:
        """Something in the second workspace that the user may not delete."""
        own = self.world.own_member(self.second.rpartition("/")[2]).id
        links = {each.id: each for each in self.records(LinkRecord, self.second)}
        records = self.records(kind, self.second)
        creators = (links[each.link_id if kind is RecordingRecord else each.id].creator_id for each in records)
        return str(next(each.id for each, creator in zip(records, creators, strict=True) if creator != own))


IDS: Final = Ids(build_world(1, 40))
RECORDING: Final = IDS.records(RecordingRecord, IDS.first)[0].id
LINK: Final = IDS.records(LinkRecord, IDS.first)[0].id
NEW_LINK: Final = {"domainId": IDS.domain(IDS.first)}

# code → method, path, body; what comes before it, if anything
ORDINARY: Final[dict[str, tuple[str, str, Any]]] = {
    "NOT_A_MEMBER": ("GET", IDS.outside, None),
    "LINK_DELETE_FORBIDDEN": ("DELETE", f"{IDS.second}/links/{IDS.others(LinkRecord)}", None),
    "RECORDING_DELETE_FORBIDDEN": ("DELETE", f"{IDS.second}/recordings/{IDS.others(RecordingRecord)}", None),
    "RECORDING_WORKSPACE_MISMATCH": ("DELETE", f"{IDS.second}/recordings/{RECORDING}", None),
    "WORKSPACE_NOT_FOUND": ("GET", "/public/workspace/none", None),
    "WORKSPACE_GONE": ("GET", f"{IDS.closed}/search?q=a&type=links", None),
    "PROJECT_NOT_FOUND": ("GET", f"{IDS.first}/projects/none", None),
    "PROJECT_GONE": ("GET", f"{IDS.first}/projects/{IDS.project(deleted=True)}", None),
    "LINK_NOT_FOUND": ("PUT", f"{IDS.first}/links/none", {}),
    "RECORDING_NOT_FOUND": ("GET", f"{IDS.second}/recordings/{RECORDING}", None),
    "LINK_DEFAULT_PROJECT_NOT_FOUND": ("POST", f"{IDS.second}/links", {"domainId": IDS.domain(IDS.second)}),
    "LINK_PROJECT_DELETED": ("POST", f"{IDS.first}/links", {**NEW_LINK, "projectId": IDS.project(deleted=True)}),
    "LINK_CREATE_FAILED": ("POST", f"{IDS.first}/links", {"domainId": "none"}),
    "WORKSPACE_SEARCH_TERM_REQUIRED": ("GET", f"{IDS.first}/search?q=%20&type=links", None),
    "WORKSPACE_SEARCH_TYPE_INVALID": ("GET", f"{IDS.first}/search?q=a&type=recordings", None),
    "BAD_REQUEST": ("POST", f"{IDS.first}/links", {"domainId": ""}),
    "NOT_FOUND": ("GET", "/public", None),
}
FAULTY: Final = (
    "SERVICE_UNAVAILABLE", "FORBIDDEN", "WORKSPACE_SEARCH_UNAVAILABLE", "LINK_CREATE_FAILED", "LINK_UPDATE_FAILED",
    "LINK_DELETE_FAILED", "RECORDING_DELETE_FAILED", "INTERNAL_SERVER_ERROR",
)  # fmt: skip
STEPS: Final = (
    "API_KEY_REQUIRED", "API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_DISABLED", "RATE_LIMITED", "PLAN_LIMIT_EXCEEDED",
    "LINK_GONE", "RECORDING_GONE",
)  # fmt: skip


@pytest.mark.parametrize("code", ORDINARY)
def test_ordinary_behaviour(emulated: Emulated, code: str) -> None:
    """One request to the seeded world is enough, and the envelope has exactly two fields."""
    method, path, body = ORDINARY[code]
    answer = emulated.call(path, method, body=body)
    assert (answer.status, answer.json["error"]) == (ERROR_CODES[code][0], code)
    assert answer.json.keys() == {"error", "message"}


@pytest.mark.parametrize("code", FAULTY)
def test_by_a_fault_that_names_the_code(emulated: Emulated, code: str) -> None:
    """What ordinary behaviour cannot show comes from the script, with its documented status."""
    emulated.faults({"operation": "*", "fault": "error_before", "nth": 1, "code": code})
    answer = emulated.call("/public/me")
    assert (answer.status, answer.json["error"]) == (ERROR_CODES[code][0], code)
    assert emulated.call("/public/me").status == 200


def test_keys_that_are_refused(emulated: Emulated) -> None:
    """No key, an unknown key, a disabled one, an expired one."""
    clocked = emulated.control("/keys/create", {"expires_in_s": 1e-6})["key"]
    disabled = emulated.control("/keys/create", {})["key"]
    print_of_disabled = emulated.control("/keys")["userplane"][-1]["fingerprint"]
    emulated.control("/keys/disable", {"fingerprint": print_of_disabled})
    cases = {None: "API_KEY_REQUIRED", "uspl_x": "API_KEY_INVALID", disabled: "API_KEY_DISABLED"}
    for key, code in {**cases, clocked: "API_KEY_EXPIRED"}.items():
        answer = emulated.call("/public/me", key=key)
        assert (answer.status, answer.json["error"]) == (ERROR_CODES[code][0], code)
        assert "See https://" in answer.json["message"]


def test_limits_that_are_reached(emulated: Emulated) -> None:
    """The plan's links, then the quota's requests."""
    emulated.control("/reset", {"links_limit": 1, "per_minute": 3})
    path = f"{IDS.first}/links"
    answers = [emulated.call(path, "POST", body=NEW_LINK) for _ in range(4)]
    assert [each.status for each in answers] == [200, 403, 403, 429]
    assert [each.json.get("error") for each in answers[1:]] == ["PLAN_LIMIT_EXCEEDED"] * 2 + ["RATE_LIMITED"]
    assert "retry-after" not in answers[-1].headers


@pytest.mark.parametrize(
    ("path", "code"), [(f"links/{LINK}", "LINK_GONE"), (f"recordings/{RECORDING}", "RECORDING_GONE")]
)
def test_what_was_deleted(emulated: Emulated, path: str, code: str) -> None:
    """A second DELETE finds nothing to delete."""
    answers = [emulated.call(f"{IDS.first}/{path}", "DELETE") for _ in range(2)]
    assert [each.status for each in answers] == [200, 410]
    assert answers[1].json["error"] == code


def test_every_code_is_provoked_here() -> None:
    """The three tables above cover the catalogue."""
    assert set(ORDINARY) | set(FAULTY) | set(STEPS) == set(ERROR_CODES)


def test_the_order_of_checks(emulated: Emulated) -> None:
    """Key, validation, workspace, membership, resource, permission."""
    assert emulated.call("/public/workspace/none?page=x", key="dead").json["error"] == "API_KEY_INVALID"
    assert emulated.call("/public/workspace/none/links?page=x").json["error"] == "BAD_REQUEST"
    assert emulated.call(f"{IDS.outside}/links/none").json["error"] == "NOT_A_MEMBER"
    assert emulated.call(f"{IDS.second}/links/none", "DELETE").json["error"] == "LINK_NOT_FOUND"

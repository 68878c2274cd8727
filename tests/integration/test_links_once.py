# SPDX-License-Identifier: Apache-2.0
"""Links of the emulated Userplane are made exactly once, and found again by the mark in their metadata."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from callwell import Client
from callwell.clock import parse_clock
from callwell.emulator.options import EmulatorOptions
from callwell.errors import InvalidOption, NameTaken
from callwell.keys import Key
from tests.processes.program import start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.emulator.process import Running


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    """The emulator, on a clock that runs fast: a request that was lost is waited for 90 seconds."""
    old_name = getattr(request, "param", "false")
    settings = {"userplane.old_meta_name": old_name, "userplane.per_minute": "100000"}
    with start(EmulatorOptions(provider=("userplane",), clock=clock(25), settings=settings)) as running:
        yield running


def connect(running: Running) -> Any:
    """A client that makes its calls exactly once, in no hurry."""
    point = running.endpoint("userplane")
    return Client(
        "userplane",
        key=Key(point.key),
        base_url=point.base_url,
        clock=parse_clock(running.endpoints.clock),
        exactly_once=True,
        deadline_s=None,
    )


def strike(running: Running, *rules: dict[str, Any]) -> None:
    """Put faults in force."""
    body = json.dumps(rules).encode()
    with urllib.request.urlopen(urllib.request.Request(running.control + "/faults", body)):  # noqa: S310 - this machine
        pass


def test_no_fault_makes_a_link_twice_or_loses_one(running: Running) -> None:
    """Responses lost after the commit, requests lost before it, errors before and after, and a list that fails."""
    strike(
        running,
        {"operation": "links.create", "fault": "lost_reply", "nth": 1},
        {"operation": "links.create", "fault": "error_after", "nth": 3},
        {"operation": "links.create", "fault": "reset", "nth": 5},
        {"operation": "links.list", "fault": "error_before", "nth": 2},
    )
    with connect(running) as api:
        workspace = next(iter(api.workspaces.list()))["workspaceId"]
        domains = api.domains.list(workspace_id=workspace)
        domain = next(item["domainId"] for item in domains if item["domainStatus"] == "verified")
        before = {link["linkId"] for link in api.links.list(workspace_id=workspace)}
        made = list[Any]()
        for number in range(6):
            meta = {"number": str(number)} if number % 2 else None
            made.append(
                api.links.create(workspace_id=workspace, domain_id=domain, link_reference=f"{number}", link_meta=meta)
            )
        links = [link for link in api.links.list(workspace_id=workspace) if link["linkId"] not in before]
        assert api.ledger.entries(settled=True) == ()
        with pytest.raises(InvalidOption, match="callwell-call"):
            api.links.create(workspace_id=workspace, domain_id=domain, link_meta={"callwell-call": "x"})
    assert {answer["workspaceId"] for answer in made} == {workspace}
    assert sorted(answer["link"]["linkId"] for answer in made) == sorted(link["linkId"] for link in links)
    assert sorted(link["linkProviderReference"] for link in links) == [str(number) for number in range(6)]
    assert [answer["link"]["linkMeta"].get("number") for answer in made[1::2]] == ["1", "3", "5"]


@pytest.mark.parametrize("running", ["false", "true"], ids=["linkMeta", "meta"], indirect=True)
def test_a_link_is_found_by_its_name(running: Running) -> None:
    """The same call returns the same link, whichever name its metadata has, and once the link is deleted, says so."""
    strike(running, {"operation": "links.create", "fault": "lost_reply", "nth": 1})
    with connect(running) as api:
        workspace = next(iter(api.workspaces.list()))["workspaceId"]
        domains = api.domains.list(workspace_id=workspace)
        domain = next(item["domainId"] for item in domains if item["domainStatus"] == "verified")
        named = api.with_options(exactly_once="order 1")
        first = named.links.create(workspace_id=workspace, domain_id=domain)
        assert named.links.create(workspace_id=workspace, domain_id=domain) == first
        link_id = first["link"]["linkId"]
        api.links.delete(workspace_id=workspace, link_id=link_id)
        with pytest.raises(NameTaken) as raised:
            named.links.create(workspace_id=workspace, domain_id=domain)
        assert raised.value.object_key == link_id

# SPDX-License-Identifier: Apache-2.0
"""A world from a seed: the same seed and number of recordings is the same world, to the byte.

The user is an admin of the first workspace and a plain member of the second; there is one that the user does not
belong to, and one that was deleted. The first has a deleted project, the second no default project.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from callwell.emulator.userplane.assets import KINDS, duration_of
from callwell.emulator.userplane.records import (
    DomainRecord,
    LinkRecord,
    MemberRecord,
    ProjectRecord,
    RecordingRecord,
    WorkspaceRecord,
)
from callwell.emulator.userplane.world import DAY_S, World

if TYPE_CHECKING:
    from collections.abc import Sequence

# 2026-03-02T08:00:00Z: fixed, so that timestamps too depend on the seed only.
FIRST_DAY: Final = 1_772_438_400.0
RETENTION_DAYS: Final = 3_650
# Of every 33 recordings one lacks a capture, of every 41 one has expired: 40 recordings have one of each.
LACKING_EVERY: Final = 33
LACKING_AT: Final = 7
EXPIRED_EVERY: Final = 41
EXPIRED_AT: Final = 11

USER: Final = ("Ada Example", "ada@example.test")
PEOPLE: Final = ("Ben Sample", "Cleo Proof", "Dan Specimen", "Eve Pattern", "Finn Model", "Gia Draft")
TITLES: Final = ("Billing", "Onboarding", "Checkout", "Mobile", "Search", "Reports", "Support", "Imports")
WORDS: Final = ("invoice", "login", "refund", "export", "upload", "report", "seat", "webhook", "timeout", "avatar")
PROVIDERS: Final = ("zendesk", "intercom", "linear", "jira", "github", "slack", "others")


@dataclass(frozen=True, slots=True)
class WorkspacePlan:
    """What one workspace is to have."""

    name: str
    role: str | None
    members: int
    projects: int
    domains: tuple[str, ...]
    links: int
    default_project: bool = True
    deleted: bool = False


PLANS: Final = (
    WorkspacePlan("Northwind Support", "admin", 6, 7, ("verified", "verified", "pending", "revoked"), 24),
    WorkspacePlan("Field Team", "member", 4, 2, ("verified", "pending"), 8, default_project=False),
    WorkspacePlan("Somebody Else", None, 2, 1, ("verified",), 2),
    WorkspacePlan("Closed Down", "owner", 1, 1, ("verified",), 1, deleted=True),
)
SHARES: Final = (0.7, 0.3)
OUTSIDE_RECORDINGS: Final = 3


def build_world(seed: int, recordings: int) -> World:
    """A world.

    Args:
        seed: decides everything.
        recordings: how many there are in the user's workspaces together.
    """
    world = World(seed)
    # Seeded on purpose, and apart from the dice for ids.
    rng = random.Random(f"world {seed}")  # noqa: S311
    links = [_add_workspace(world, plan, rng, number) for number, plan in enumerate(PLANS)]
    first = round(recordings * SHARES[0])
    counts = (first, recordings - first, OUTSIDE_RECORDINGS, 0)
    number = 0
    for workspace_links, count in zip(links, counts, strict=True):
        for _ in range(count):
            _add_recording(world, workspace_links, rng, number)
            number += 1
    return world


def _add_workspace(world: World, plan: WorkspacePlan, rng: random.Random, number: int) -> list[LinkRecord]:
    created = FIRST_DAY - (40 - number) * DAY_S
    workspace = WorkspaceRecord(world.token("ws_"), plan.name, created, plan.role, plan.deleted)
    world.put(workspace)
    members = _add_members(world, workspace, plan)
    projects = _add_projects(world, workspace, plan)
    domains = [
        DomainRecord(world.token("dom_"), workspace.id, f"app{index}.ws{number}.example.test", status, created + index)
        for index, status in enumerate(plan.domains)
    ]
    for domain in domains:
        world.put(domain)
    verified = [domain for domain in domains if domain.status == "verified"]
    return [
        _add_link(world, (members, projects, verified), rng, FIRST_DAY + index * 600.0) for index in range(plan.links)
    ]


def _add_members(world: World, workspace: WorkspaceRecord, plan: WorkspacePlan) -> list[MemberRecord]:
    people = [(*USER, plan.role or "", True)] if plan.role else []
    roles = ("owner", "member", "admin", "member", "member", "member")
    people += [
        (name, f"{_first_name(name)}@example.test", role, False) for name, role in zip(PEOPLE, roles, strict=True)
    ]
    members = [MemberRecord(world.token("wm_"), workspace.id, *person) for person in people[: plan.members]]
    for member in members:
        world.put(member)
    return members


def _first_name(name: str) -> str:
    return name.split(maxsplit=1)[0].lower()


def _add_projects(world: World, workspace: WorkspaceRecord, plan: WorkspacePlan) -> list[ProjectRecord]:
    projects = [
        ProjectRecord(
            world.token("prj_"),
            workspace.id,
            title,
            plan.default_project and index == 0,
            RETENTION_DAYS,
            workspace.created + index * DAY_S,
        )
        for index, title in enumerate(TITLES[: plan.projects])
    ]
    gone = ProjectRecord(world.token("prj_"), workspace.id, "Abandoned", False, RETENTION_DAYS, workspace.created, True)  # noqa: FBT003
    for project in (*projects, gone):
        world.put(project)
    return projects


def _add_link(
    world: World,
    belongings: tuple[Sequence[MemberRecord], Sequence[ProjectRecord], Sequence[DomainRecord]],
    rng: random.Random,
    created: float,
) -> LinkRecord:
    members, projects, domains = belongings
    ticket = f"T-{rng.randint(1000, 9999)}"
    title = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {ticket}" if rng.random() < 0.8 else None  # noqa: PLR2004
    project = rng.choice(projects)
    link = LinkRecord(
        world.token("lnk_"),
        project.workspace_id,
        project.id,
        rng.choice(domains).id,
        rng.choice(members).id,
        f"https://record.userplane.io/r/{world.token('')}",
        created,
        title,
        reusable=True,
        provider_type=rng.choice(PROVIDERS),
        provider_reference=ticket,
        meta={"source": rng.choice(WORDS)} if rng.random() < 0.5 else None,  # noqa: PLR2004
    )
    world.put(link)
    return link


def _add_recording(world: World, links: Sequence[LinkRecord], rng: random.Random, number: int) -> None:
    link = rng.choice(links)
    recording_id = world.recording_id()
    created = FIRST_DAY + DAY_S + number * 97.0 + rng.randrange(90)
    expired = number % EXPIRED_EVERY == EXPIRED_AT
    kind = rng.choice(tuple(KINDS))
    world.put(
        RecordingRecord(
            recording_id,
            link.workspace_id,
            link.id,
            link.creator_id,
            created,
            duration_of(recording_id),
            created + (30 if expired else RETENTION_DAYS) * DAY_S,
            frozenset({kind}) if number % LACKING_EVERY == LACKING_AT else frozenset(),
            {"plan": rng.choice(("trial", "team", "business"))},
            f"The {rng.choice(WORDS)} is wrong." if rng.random() < 0.3 else None,  # noqa: PLR2004
        )
    )

# SPDX-License-Identifier: Apache-2.0
"""A world from a seed: the same seed and number of recordings give the same world, to the byte.

Four workspaces make every documented refusal possible. The user is an admin of the first and a plain member of the
second, does not belong to the third, and the fourth was deleted. The first has a deleted project, the second has no
default project.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

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

# 2026-03-02T08:00:00Z: fixed, so that timestamps also depend on the seed only.
FIRST_DAY: Final = 1_772_438_400.0
# Ten years: nothing expires during a test unless it is meant to.
RETENTION_DAYS: Final = 3_650
# One of 33 recordings lacks an asset, one of 41 has expired: the usual 40 recordings have one of each.
MISSING_ASSET_EVERY: Final = 33
MISSING_ASSET_OFFSET: Final = 7
EXPIRED_EVERY: Final = 41
EXPIRED_OFFSET: Final = 11
# In the past on any machine with a right clock.
EXPIRED_RETENTION_DAYS: Final = 30
# Some links have a title and meta, some recordings have notes: a client must expect null.
TITLED_SHARE: Final = 0.8
META_SHARE: Final = 0.5
NOTED_SHARE: Final = 0.3

USER: Final = ("Ada Example", "ada@example.test")
PEOPLE: Final = ("Ben Sample", "Cleo Proof", "Dan Specimen", "Eve Pattern", "Finn Model", "Gia Draft")
TITLES: Final = ("Billing", "Onboarding", "Checkout", "Mobile", "Search", "Reports", "Support", "Imports")
WORDS: Final = ("invoice", "login", "refund", "export", "upload", "report", "seat", "webhook", "timeout", "avatar")
PROVIDERS: Final = ("zendesk", "intercom", "linear", "jira", "github", "slack", "others")


@dataclass(frozen=True, slots=True)
class WorkspacePlan:
    """What one workspace gets."""

    name: str
    role: str | None
    members: int
    projects: int
    domains: tuple[str, ...]
    links: int
    default_project: bool = True
    deleted: bool = False


class LinkChoices(NamedTuple):
    """What the links of one workspace are made of."""

    members: Sequence[MemberRecord]
    projects: Sequence[ProjectRecord]
    domains: Sequence[DomainRecord]


PLANS: Final = (
    WorkspacePlan("Northwind Support", "admin", 6, 7, ("verified", "verified", "pending", "revoked"), 24),
    WorkspacePlan("Field Team", "member", 4, 2, ("verified", "pending"), 8, default_project=False),
    WorkspacePlan("Somebody Else", None, 2, 1, ("verified",), 2),
    WorkspacePlan("Closed Down", "owner", 1, 1, ("verified",), 1, deleted=True),
)
# The shares of the recordings that go to the user's two workspaces.
SHARES: Final = (0.7, 0.3)
OUTSIDE_RECORDINGS: Final = 3


def build_world(seed: int, recordings: int) -> World:
    """Return a world.

    Args:
        seed: decides all records.
        recordings: how many recordings there are in the user's workspaces together.
    """
    world = World(seed)
    # Seeded on purpose, and apart from the generator of IDs.
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
    """Add a workspace with all but its recordings, and return its links."""
    created = FIRST_DAY - (40 - number) * DAY_S
    workspace = WorkspaceRecord(
        id=world.token("ws_"), name=plan.name, created=created, role=plan.role, deleted=plan.deleted
    )
    world.put(workspace)
    members = _add_members(world, workspace, plan)
    projects = _add_projects(world, workspace, plan)
    domains = [
        DomainRecord(
            id=world.token("dom_"),
            workspace_id=workspace.id,
            url=f"app{index}.ws{number}.example.test",
            status=status,
            created=created + index,
        )
        for index, status in enumerate(plan.domains)
    ]
    for domain in domains:
        world.put(domain)
    verified = [domain for domain in domains if domain.status == "verified"]
    choices = LinkChoices(members=members, projects=projects, domains=verified)
    return [_add_link(world, choices, rng, created=FIRST_DAY + index * 600.0) for index in range(plan.links)]


def _add_members(world: World, workspace: WorkspaceRecord, plan: WorkspacePlan) -> list[MemberRecord]:
    people: list[tuple[str, str, str, bool]] = []
    if plan.role:
        name, email = USER
        people.append((name, email, plan.role, True))
    roles = ("owner", "member", "admin", "member", "member", "member")
    for name, role in zip(PEOPLE, roles, strict=True):
        first_name = name.split(maxsplit=1)[0].lower()
        people.append((name, f"{first_name}@example.test", role, False))
    members = [
        MemberRecord(id=world.token("wm_"), workspace_id=workspace.id, name=name, email=email, role=role, own=is_user)
        for name, email, role, is_user in people[: plan.members]
    ]
    for member in members:
        world.put(member)
    return members


def _add_projects(world: World, workspace: WorkspaceRecord, plan: WorkspacePlan) -> list[ProjectRecord]:
    """Add the projects of a workspace, and one that was deleted, which is not returned."""
    projects = [
        ProjectRecord(
            id=world.token("prj_"),
            workspace_id=workspace.id,
            title=title,
            default=plan.default_project and index == 0,
            retention_days=RETENTION_DAYS,
            created=workspace.created + index * DAY_S,
        )
        for index, title in enumerate(TITLES[: plan.projects])
    ]
    deleted = ProjectRecord(
        id=world.token("prj_"),
        workspace_id=workspace.id,
        title="Abandoned",
        default=False,
        retention_days=RETENTION_DAYS,
        created=workspace.created,
        deleted=True,
    )
    for project in (*projects, deleted):
        world.put(project)
    return projects


def _add_link(world: World, choices: LinkChoices, rng: random.Random, *, created: float) -> LinkRecord:
    ticket = f"T-{rng.randint(1000, 9999)}"
    title = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {ticket}" if rng.random() < TITLED_SHARE else None
    project = rng.choice(choices.projects)
    link = LinkRecord(
        id=world.token("lnk_"),
        workspace_id=project.workspace_id,
        project_id=project.id,
        domain_id=rng.choice(choices.domains).id,
        creator_id=rng.choice(choices.members).id,
        url=f"https://record.userplane.io/r/{world.token('')}",
        created=created,
        title=title,
        reusable=True,
        provider_type=rng.choice(PROVIDERS),
        provider_reference=ticket,
        meta={"source": rng.choice(WORDS)} if rng.random() < META_SHARE else None,
    )
    world.put(link)
    return link


def _add_recording(world: World, links: Sequence[LinkRecord], rng: random.Random, number: int) -> None:
    link = rng.choice(links)
    recording_id = world.recording_id()
    created = FIRST_DAY + DAY_S + number * 97.0 + rng.randrange(90)
    is_expired = number % EXPIRED_EVERY == EXPIRED_OFFSET
    kind = rng.choice(tuple(KINDS))
    lacks_asset = number % MISSING_ASSET_EVERY == MISSING_ASSET_OFFSET
    world.put(
        RecordingRecord(
            id=recording_id,
            workspace_id=link.workspace_id,
            link_id=link.id,
            creator_id=link.creator_id,
            created=created,
            duration_ms=duration_of(recording_id),
            expires=created + (EXPIRED_RETENTION_DAYS if is_expired else RETENTION_DAYS) * DAY_S,
            missing_assets=frozenset({kind}) if lacks_asset else frozenset(),
            custom_meta={"plan": rng.choice(("trial", "team", "business"))},
            notes=f"The {rng.choice(WORDS)} is wrong." if rng.random() < NOTED_SHARE else None,
        )
    )

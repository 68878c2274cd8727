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
from callwell.emulator.userplane.records import Domain, Link, Member, Project, Recording, Workspace
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
class Plan:
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
    Plan("Northwind Support", "admin", 6, 7, ("verified", "verified", "pending", "revoked"), 24),
    Plan("Field Team", "member", 4, 2, ("verified", "pending"), 8, default_project=False),
    Plan("Somebody Else", None, 2, 1, ("verified",), 2),
    Plan("Closed Down", "owner", 1, 1, ("verified",), 1, deleted=True),
)
SHARES: Final = (0.7, 0.3)
OUTSIDE_RECORDINGS: Final = 3


def build(seed: int, recordings: int) -> World:
    """A world.

    Args:
        seed: decides everything.
        recordings: how many there are in the user's workspaces together.
    """
    world = World(seed)
    # Seeded on purpose, and apart from the dice for ids.
    dice = random.Random(f"world {seed}")  # noqa: S311
    links = [_workspace(world, plan, dice, number) for number, plan in enumerate(PLANS)]
    first = round(recordings * SHARES[0])
    counts = (first, recordings - first, OUTSIDE_RECORDINGS, 0)
    number = 0
    for workspace_links, count in zip(links, counts, strict=True):
        for _ in range(count):
            _recording(world, workspace_links, dice, number)
            number += 1
    return world


def _workspace(world: World, plan: Plan, dice: random.Random, number: int) -> list[Link]:
    created = FIRST_DAY - (40 - number) * DAY_S
    workspace = Workspace(world.token("ws_"), plan.name, created, plan.role, plan.deleted)
    world.put(workspace)
    members = _members(world, workspace, plan)
    projects = _projects(world, workspace, plan)
    domains = [
        Domain(world.token("dom_"), workspace.id, f"app{index}.ws{number}.example.test", status, created + index)
        for index, status in enumerate(plan.domains)
    ]
    for domain in domains:
        world.put(domain)
    verified = [domain for domain in domains if domain.status == "verified"]
    return [_link(world, (members, projects, verified), dice, FIRST_DAY + index * 600.0) for index in range(plan.links)]


def _members(world: World, workspace: Workspace, plan: Plan) -> list[Member]:
    people = [(*USER, plan.role or "", True)] if plan.role else []
    roles = ("owner", "member", "admin", "member", "member", "member")
    people += [(name, f"{_first(name)}@example.test", role, False) for name, role in zip(PEOPLE, roles, strict=True)]
    members = [Member(world.token("wm_"), workspace.id, *person) for person in people[: plan.members]]
    for member in members:
        world.put(member)
    return members


def _first(name: str) -> str:
    return name.split(maxsplit=1)[0].lower()


def _projects(world: World, workspace: Workspace, plan: Plan) -> list[Project]:
    projects = [
        Project(
            world.token("prj_"),
            workspace.id,
            title,
            plan.default_project and index == 0,
            RETENTION_DAYS,
            workspace.created + index * DAY_S,
        )
        for index, title in enumerate(TITLES[: plan.projects])
    ]
    gone = Project(world.token("prj_"), workspace.id, "Abandoned", False, RETENTION_DAYS, workspace.created, True)  # noqa: FBT003
    for project in (*projects, gone):
        world.put(project)
    return projects


def _link(
    world: World,
    belongings: tuple[Sequence[Member], Sequence[Project], Sequence[Domain]],
    dice: random.Random,
    created: float,
) -> Link:
    members, projects, domains = belongings
    ticket = f"T-{dice.randint(1000, 9999)}"
    title = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {ticket}" if dice.random() < 0.8 else None  # noqa: PLR2004
    project = dice.choice(projects)
    link = Link(
        world.token("lnk_"),
        project.workspace_id,
        project.id,
        dice.choice(domains).id,
        dice.choice(members).id,
        f"https://record.userplane.io/r/{world.token('')}",
        created,
        title,
        reusable=True,
        provider_type=dice.choice(PROVIDERS),
        provider_reference=ticket,
        meta={"source": dice.choice(WORDS)} if dice.random() < 0.5 else None,  # noqa: PLR2004
    )
    world.put(link)
    return link


def _recording(world: World, links: Sequence[Link], dice: random.Random, number: int) -> None:
    link = dice.choice(links)
    recording_id = world.recording_id()
    created = FIRST_DAY + DAY_S + number * 97.0 + dice.randrange(90)
    expired = number % EXPIRED_EVERY == EXPIRED_AT
    kind = dice.choice(tuple(KINDS))
    world.put(
        Recording(
            recording_id,
            link.workspace_id,
            link.id,
            link.creator_id,
            created,
            duration_of(recording_id),
            created + (30 if expired else RETENTION_DAYS) * DAY_S,
            frozenset({kind}) if number % LACKING_EVERY == LACKING_AT else frozenset(),
            {"plan": dice.choice(("trial", "team", "business"))},
            f"The {dice.choice(WORDS)} is wrong." if dice.random() < 0.3 else None,  # noqa: PLR2004
        )
    )

# SPDX-License-Identifier: Apache-2.0
"""A state that not all processes of the project share."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.client_code import UNKNOWN, read_client_code
from callwell.readiness.deployment.processes import find_replicas
from callwell.readiness.deployment.reading import read_deployment
from callwell.readiness.origins import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Place
    from callwell.readiness.client_code import ClientCode
    from callwell.readiness.deployment.facts import DeploymentFacts
    from callwell.readiness.deployment.processes import Replicas
    from callwell.readiness.project import Project

MEMORY: Final = ("memory:", "memory")
SQLITE: Final = "sqlite:///"
VARIABLE: Final = re.compile(r"CALLWELL_(?:\w+_)?STATE")
MOUNTS: Final = Path("/proc/self/mounts")

NETWORK_SHARES: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs"),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.blobfuse"),
    }
)
"""Kinds of file system that several machines mount. SQLite's locks do not hold on them (sqlite.org/faq.html, 5)."""


class StateUse(NamedTuple):
    """A state that the project chooses.

    Attributes:
        url: `memory:`, `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`.
        place: where it is chosen.
    """

    url: str
    place: Place | None


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Compare the states that settings and code choose with what runs at once."""
    if not project.in_use:
        raise NotApplicable("the project uses no provider")
    facts = read_deployment(project.files)
    code = read_client_code(project.files)
    deployed = [*_in_code(project, code), *_in_variables(facts)]
    several = list(find_replicas(facts))
    for state in [*_in_settings(project), *deployed]:
        if state.url in MEMORY:
            yield from _not_shared(state, several)
        elif state.url.startswith(SQLITE):
            yield from _in_file(state, several)
    for state in deployed:  # the paths of settings are those of this machine, not of a container
        if state.url.startswith(SQLITE):
            yield from _in_container(state, facts)
    yield from code.unchecked
    yield from facts.unchecked


def _in_settings(project: Project) -> Iterator[StateUse]:
    """The states that are set, each once: settings are the same for most accounts."""
    settings = (account.settings["state"] for account in project.in_use)
    yield from dict.fromkeys(
        StateUse(str(setting.value), place_of(setting, project.root)) for setting in settings if setting.is_set
    )


def _in_code(project: Project, code: ClientCode) -> Iterator[StateUse]:
    for use in code.uses:
        if not use.makes or not any(use.is_of(account.provider.name) for account in project.in_use):
            continue
        option = use.options.get("state")
        if option is None and use.complete:
            yield StateUse(MEMORY[0], use.place)  # the default of a client
        elif option is not None and option.value is not UNKNOWN:
            yield StateUse(str(option.value), option.place)


def _in_variables(facts: DeploymentFacts) -> Iterator[StateUse]:
    """The states that variables choose for commands."""
    for variable in facts.variables:
        if VARIABLE.fullmatch(variable.name):
            yield StateUse(variable.value, variable.place)


def _not_shared(state: StateUse, several: list[Replicas]) -> Iterator[Finding]:
    if several:
        first = several[0]
        yield Finding(
            what=f"each process has its own state (memory:), and there are several: {first.what} ({first.place})",
            place=state.place,
            fix=(
                "Give all of them one state: state=sqlite:///PATH on one machine, "
                "state=postgresql://USER@HOST/DATABASE on several."
            ),
            identity="memory",
        )


def _in_file(state: StateUse, several: list[Replicas]) -> Iterator[Finding]:
    path = state.url.removeprefix(SQLITE)
    machines = [one for one in several if not one.one_machine]
    if machines:
        first = machines[0]
        yield Finding(
            what=f"the state is a file of one machine, and several may run: {first.what} ({first.place})",
            place=state.place,
            fix="Give all of them one database: state=postgresql://USER@HOST/DATABASE.",
            identity="machines",
            severity=Severity.WARNING,
        )
    kind = network_share(path)
    if kind:
        yield Finding(
            what=f"the state file {path} is on a network share ({kind}), where SQLite's locks do not hold",
            place=state.place,
            fix="Put the file on a disk of the machine.",
            identity="network",
        )


def _in_container(state: StateUse, facts: DeploymentFacts) -> Iterator[Finding]:
    path = state.url.removeprefix(SQLITE)
    is_mounted = any(PurePosixPath(path).is_relative_to(mount.target) for mount in facts.mounts)
    if facts.containers and path.startswith("/") and not is_mounted and not network_share(path):
        yield Finding(
            what=f"the state file {path} is inside a container ({facts.containers[0]}) and on none of its volumes",
            place=state.place,
            fix=f"Mount a volume at {PurePosixPath(path).parent}.",
            identity="container",
            severity=Severity.WARNING,
        )


def network_share(path: str, mounts: Path = MOUNTS) -> str:
    """The kind of network share that a file is on; empty if it is on none, as far as this machine knows.

    Args:
        path: the file, which need not exist.
        mounts: the kernel's table of mounts.
    """
    if path.startswith(("//", "\\\\")):
        return "a path of Windows shares"
    try:
        rows = [line.split() for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:  # not Linux
        return ""
    file = PurePosixPath(path)
    around = {row[1]: row[2] for row in rows if len(row) > 2 and file.is_relative_to(row[1])}  # noqa: PLR2004 - device, path, kind
    kind = around[max(around, key=len)] if around else ""
    return kind if kind in NETWORK_SHARES else ""


CHECK = Check(
    id="life.shared-state",
    group=Group.LIFE,
    title="All processes share one state",
    severity=Severity.ERROR,
    why=(
        "The state contains quotas, keys and exactly-once calls. Processes that do not share it spend the "
        "quota several times over, and a call that one of them has made is made again by another."
    ),
    fix=(
        "Choose a state that all processes reach and that outlives them: state=sqlite:///PATH on one machine, "
        "state=postgresql://USER@HOST/DATABASE on several."
    ),
    run=run,
)

# SPDX-License-Identifier: Apache-2.0
"""What configuration files say, whatever their form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from callwell.readiness.check import Place, Unchecked


class Variable(NamedTuple):
    """An environment variable that a file sets.

    Attributes:
        name: its name.
        value: its text; empty if it comes from elsewhere, such as a secret.
        place: where it is set.
        path: the keys that lead to it, such as the name of a CI job.
    """

    name: str
    value: str
    place: Place
    path: tuple[str, ...] = ()


class Command(NamedTuple):
    """A command line that a file runs.

    Attributes:
        words: its words.
        place: where it is.
    """

    words: tuple[str, ...]
    place: Place


class ReplicaCount(NamedTuple):
    """How many copies of something run at once.

    Attributes:
        number: how many; 2 if that is decided when it runs.
        what: how the file says it, such as `replicas: 3`.
        one_machine: all of them run on one machine; else each may have its own.
        place: where it is said.
    """

    number: int
    what: str
    one_machine: bool
    place: Place


class Volume(NamedTuple):
    """A path that outlives the container that it is mounted into.

    Attributes:
        target: the path inside.
        place: where it is said.
    """

    target: str
    place: Place


class DeploymentFacts(NamedTuple):
    """What the files of a project say about how it runs, tests and developers' files left out.

    Attributes:
        variables: the environment variables.
        commands: the command lines.
        copies: what runs several times.
        mounts: the paths that outlive a container.
        containers: the files that make containers.
        unchecked: the files that cannot be read.
    """

    variables: tuple[Variable, ...]
    commands: tuple[Command, ...]
    copies: tuple[ReplicaCount, ...]
    mounts: tuple[Volume, ...]
    containers: tuple[Place, ...]
    unchecked: tuple[Unchecked, ...]


Fact = Variable | Command | ReplicaCount | Volume

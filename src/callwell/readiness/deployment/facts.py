# SPDX-License-Identifier: Apache-2.0
"""Facts in configuration files, whatever their format."""

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
    """How many replicas of something run at the same time.

    Attributes:
        number: the number; 2 if it is only known at run time.
        what: the setting, such as `replicas: 3`.
        one_machine: whether all of them run on one machine; otherwise each may have its own.
        place: where it is set.
    """

    number: int
    what: str
    one_machine: bool
    place: Place


class Volume(NamedTuple):
    """A path that outlives the container that it is mounted into.

    Attributes:
        target: the path inside.
        place: where it is set.
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

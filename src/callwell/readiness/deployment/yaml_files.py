# SPDX-License-Identifier: Apache-2.0
"""Reads configuration in YAML and JSON: Compose files, manifests, CI files and the like, by form and not by tool."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml

from callwell.readiness.check import Place
from callwell.readiness.deployment.facts import Command, ReplicaCount, Variable, Volume
from callwell.readiness.deployment.lines import mount_target, split_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.deployment.facts import Fact

NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{2,}")
"""The name of an environment variable, as everyone writes it."""

ASSIGNMENT: Final = re.compile(rf"(?P<name>{NAME.pattern})(?:=(?P<value>.*))?", re.DOTALL)
NAME_KEYS: Final = ("name", "key", "Name")
VALUE_KEYS: Final = ("value", "Value")

COPY_WORDS: Final = frozenset(
    {*("replicas", "replicacount", "minreplicas", "maxreplicas", "desiredcount", "scale"), "numprocs", "mininstances"}
)
"""Keys for the number of copies, in lower case, without `-` and `_`."""

COMMAND_KEYS: Final = ("entrypoint", "entryPoint", "command", "args", "cmd", "run", "script", "startCommand")
"""Keys of command lines, in the order in which those of one mapping make one."""

MOUNT_KEYS: Final = ("mountPath", "target", "containerPath")
LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_NODES: Final = 200_000
"""Nodes of a document, those behind a reference counted each time: one that refers to itself has no end."""


class NotYaml(Exception):
    """A string is neither YAML nor JSON.

    Args:
        line: where that shows; None if unknown.
    """

    def __init__(self, line: int | None) -> None:
        super().__init__(line)
        self.line = line


def read_yaml(name: str, text: str) -> Iterator[Fact]:
    """What a file in YAML or JSON says.

    Args:
        name: the file, relative to the project's root.
        text: its text.

    Raises:
        NotYaml: it is neither.
    """
    try:
        documents = list(yaml.compose_all(text, Loader=LOADER))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise NotYaml(None if mark is None else mark.line + 1) from error
    for document in documents:  # an empty file has none
        yield from FactCollector(name).walk(document, ())


class FactCollector:
    """Collects the facts of one document.

    Args:
        name: the file.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._one_machine = False
        self._left = MAX_NODES

    def walk(self, node: yaml.Node, path: tuple[str, ...]) -> Iterator[Fact]:
        """Collect the facts of a node and its descendants.

        Args:
            node: a mapping, a list or a scalar.
            path: the keys that lead to it.
        """
        self._left -= 1
        if self._left < 0:
            raise NotYaml(node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            yield from self._mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                if isinstance(item, yaml.ScalarNode):
                    yield from self._assignment(item, path)
                else:
                    yield from self.walk(item, path)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> Iterator[Fact]:
        pairs = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        services = pairs.get("services")
        if not path and isinstance(services, yaml.MappingNode):  # a Compose file, which one machine runs
            self._one_machine = True
            yield from self._same_image(services)
        yield from self._named_variable(pairs, path)
        yield from self._command(pairs)
        for key, value in pairs.items():
            if isinstance(value, yaml.ScalarNode):
                yield from self._scalar(key, value, path)
            else:
                yield from self._mounts(key, value)
                yield from self.walk(value, (*path, key))

    def _same_image(self, services: yaml.MappingNode) -> Iterator[ReplicaCount]:
        """Services that are built from the same folder, such as a web server and its worker."""
        built: dict[str, list[str]] = {}
        for name, service in services.value:
            folder = _build_folder(service)
            if folder:
                built.setdefault(folder, []).append(name.value)
        for names in built.values():
            what = f"{' and '.join(names)} are built from the same folder"
            yield ReplicaCount(len(names), what, one_machine=True, place=self._place(services))

    def _scalar(self, key: str, value: yaml.ScalarNode, path: tuple[str, ...]) -> Iterator[Fact]:
        place = self._place(value)
        if NAME.fullmatch(key):
            yield Variable(key, value.value, place, path)
        word = key.replace("-", "").replace("_", "").lower()
        if word in COPY_WORDS and value.value.isdecimal():
            is_here = self._one_machine or word == "numprocs"
            yield ReplicaCount(int(value.value), f"{key}: {value.value}", is_here, place)
        if key in MOUNT_KEYS and value.value.startswith("/"):
            yield Volume(value.value, place)

    def _named_variable(self, pairs: dict[str, yaml.Node], path: tuple[str, ...]) -> Iterator[Variable]:
        """A variable as a mapping with its name and its value."""
        name = next((pairs[key] for key in NAME_KEYS if key in pairs), None)
        if not isinstance(name, yaml.ScalarNode) or not NAME.fullmatch(name.value):
            return
        value = next((pairs[key] for key in VALUE_KEYS if key in pairs), None)
        text = value.value if isinstance(value, yaml.ScalarNode) else ""
        yield Variable(name.value, text, self._place(name), path)

    def _assignment(self, item: yaml.ScalarNode, path: tuple[str, ...]) -> Iterator[Variable]:
        match = ASSIGNMENT.fullmatch(item.value)
        if match:
            yield Variable(match["name"], match["value"] or "", self._place(item), path)

    def _command(self, pairs: dict[str, yaml.Node]) -> Iterator[Command]:
        given = [pairs[key] for key in COMMAND_KEYS if key in pairs]
        words = [word for node in given for word in _words(node)]
        if words:
            yield Command(tuple(words), self._place(given[0]))

    def _mounts(self, key: str, node: yaml.Node) -> Iterator[Volume]:
        if key != "volumes" or not isinstance(node, yaml.SequenceNode):
            return
        for item in node.value:
            target = mount_target(item.value) if isinstance(item, yaml.ScalarNode) else ""
            if target:
                yield Volume(target, self._place(item))

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._name, node.start_mark.line + 1)


def _build_folder(service: yaml.Node) -> str:
    """The folder that a service of a Compose file is built from; empty if it is not built."""
    pairs = {key.value: value for key, value in service.value} if isinstance(service, yaml.MappingNode) else {}
    build = pairs.get("build")
    if isinstance(build, yaml.MappingNode):
        build = next((value for key, value in build.value if key.value == "context"), None)
    return str(build.value) if isinstance(build, yaml.ScalarNode) else ""


def _words(node: yaml.Node) -> list[str]:
    """The words of a command: a string, or a list of words or of command lines."""
    if isinstance(node, yaml.ScalarNode):
        return list(split_words(node.value))
    if isinstance(node, yaml.SequenceNode):
        return [word for item in node.value if isinstance(item, yaml.ScalarNode) for word in split_words(item.value)]
    return []

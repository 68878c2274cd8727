# SPDX-License-Identifier: Apache-2.0
"""Reads configuration in lines: files of variables, Dockerfiles, Procfiles, unit files, shell scripts, INI, TOML."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Place
from callwell.readiness.deployment.facts import Command, ReplicaCount, Variable, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.deployment.facts import Fact

VARIABLE: Final = re.compile(r"""(?:^|[\s"'])(?P<name>[A-Z][A-Z0-9_]{2,})\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s"']*)""")
DOCKER_VARIABLE: Final = re.compile(r"^(?:ENV|env)\s+(?P<name>[A-Z][A-Z0-9_]+)\s+(?P<value>[^=]+)$")
COPIES: Final = re.compile(r"^(?P<word>numprocs|min_machines_running|count)\s*=\s*(?P<count>\d+)$")
SERVER_SETTINGS: Final = re.compile(r"(?:^|/)[^/]*(?:gunicorn|hypercorn)[^/]*$")
WORKERS: Final = re.compile(r"^workers\s*=\s*(?P<count>.+)$")
PROCESS: Final = re.compile(r"^(?P<word>[\w-]+)\s*:\s*\S")
ONCE: Final = "release"
"""The process of a Procfile that runs before the others, and ends."""

SCALE: Final = re.compile(r"--(?P<word>scale|replicas)[\s=](?:[\w.-]+=)?(?P<count>\d+)")
VOLUME: Final = re.compile(r"(?:^VOLUME|\s-v|\s--volume)[\s=](?P<targets>.+)")
DESTINATION: Final = re.compile(r"""^destination\s*=\s*["'](?P<target>/[^"']*)""")
ONE_MACHINE: Final = frozenset({"numprocs", "scale"})
"""Words for copies on one machine: supervisor's, and those of `docker compose up`."""

KEYWORD: Final = re.compile(r"^(?:CMD|ENTRYPOINT|ExecStart\s*=|command\s*=|[\w-]+\s*:|web\s*=|app\s*=|\w+\s*=)\s*")
"""What precedes a command: a Dockerfile's instruction, a unit's key, a Procfile's name."""


def read_lines(name: str, text: str) -> Iterator[Fact]:
    """What a file in lines says.

    Args:
        name: the file, relative to the project's root.
        text: its text.
    """
    if PurePosixPath(name).name.startswith("Procfile"):
        yield from _processes(name, text)
    is_server = SERVER_SETTINGS.search(name) is not None
    for number, line in _logical_lines(text):
        place = Place(name, number)
        yield from _variables(line, place)
        yield from _copies(line, place)
        if is_server:
            yield from _workers(line, place)
        yield from _mounts(line, place)
        yield Command(split_words(KEYWORD.sub("", line)), place)


def split_words(line: str) -> tuple[str, ...]:
    """The words of a command line, or of the list of words of a Dockerfile."""
    if line.startswith("["):
        line = line.strip("[] ").replace(",", " ")
    try:
        return tuple(shlex.split(line))
    except ValueError:  # a quote is not closed
        return tuple(line.split())


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, each with its number; a backslash at an end joins the next one."""
    begun = 0
    joined = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith(("#", ";")):
            continue
        begun = begun or number
        joined += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        if joined:
            yield begun, joined
        begun = 0
        joined = ""
    if joined:
        yield begun, joined


def _variables(line: str, place: Place) -> Iterator[Variable]:
    old = DOCKER_VARIABLE.match(line)
    if old:
        yield Variable(old["name"], old["value"].strip(), place)
        return
    for match in VARIABLE.finditer(line):
        yield Variable(match["name"], match["value"].strip("\"'"), place)


def _copies(line: str, place: Place) -> Iterator[ReplicaCount]:
    for match in (COPIES.match(line), *SCALE.finditer(line)):
        if match is not None:
            word = match["word"]
            yield ReplicaCount(int(match["count"]), f"{word}: {match['count']}", word in ONE_MACHINE, place)


def _workers(line: str, place: Place) -> Iterator[ReplicaCount]:
    """The number of workers in the settings of a server."""
    match = WORKERS.match(line)
    if match:
        count = match["count"]
        yield ReplicaCount(int(count) if count.isdecimal() else 2, line, one_machine=True, place=place)


def _processes(name: str, text: str) -> Iterator[ReplicaCount]:
    """The process types of a Procfile: a host runs each type on its own machines."""
    found = [(number, match["word"]) for number, line in _logical_lines(text) if (match := PROCESS.match(line))]
    kinds = [word for _, word in found if word != ONCE]
    if kinds:
        what = f"{' and '.join(kinds)} are separate processes"
        yield ReplicaCount(len(kinds), what, one_machine=False, place=Place(name, found[0][0]))


def _mounts(line: str, place: Place) -> Iterator[Volume]:
    found = DESTINATION.match(line)
    if found:
        yield Volume(found["target"], place)
    for match in VOLUME.finditer(line):
        for word in split_words(match["targets"]):
            target = mount_target(word)
            if target:
                yield Volume(target, place)


def mount_target(text: str) -> str:
    """The path inside of a mount such as `data:/var/lib/app:rw`; empty if there is none."""
    parts = text.split(":")
    target = parts[1] if len(parts) > 1 else parts[0]
    return target if target.startswith("/") else ""

# SPDX-License-Identifier: Apache-2.0
"""How many processes and machines run a project, as its commands and its numbers of copies say."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Place
    from callwell.readiness.deployment.facts import DeploymentFacts


class Server(NamedTuple):
    """A program that runs several processes of a project.

    Attributes:
        flags: the options with the number of processes.
        command: another word that the command line must have; empty if there is none.
        several: it runs several processes unless an option says otherwise.
        threads: words after which it runs no processes.
    """

    flags: tuple[str, ...]
    command: str = ""
    several: bool = False
    threads: tuple[str, ...] = ()


SERVERS: Final = {
    "gunicorn": Server(flags=("-w", "--workers")),
    "uvicorn": Server(flags=("--workers",)),
    "fastapi": Server(flags=("--workers",), command="run"),
    "hypercorn": Server(flags=("-w", "--workers")),
    "granian": Server(flags=("--workers",)),
    "uwsgi": Server(flags=("-p", "--processes", "--workers")),
    # Without the option, Celery and Dramatiq start one process for each core.
    "celery": Server(
        flags=("-c", "--concurrency"),
        command="worker",
        several=True,
        threads=("solo", "threads", "gevent", "eventlet", "--pool=solo", "--pool=threads"),
    ),
    "dramatiq": Server(flags=("-p", "--processes"), several=True),
    "rq": Server(flags=("-n", "--num-workers"), command="worker-pool"),
}
"""By the name of the program."""

COUNT_VARIABLE: Final = "WEB_CONCURRENCY"
"""The variable that gunicorn, uvicorn and hosts such as Heroku read the number of workers from."""

DEFAULTED: Final = re.compile(r"\$\{\w+:-(\d+)\}")
"""A shell's variable with a default, such as `${WORKERS:-4}`."""


class Replicas(NamedTuple):
    """Something that runs more than once.

    Attributes:
        what: what it is, such as `gunicorn with --workers 4`.
        one_machine: all of it runs on one machine; else each copy may have its own machine.
        place: where it is set.
    """

    what: str
    one_machine: bool
    place: Place


def find_replicas(facts: DeploymentFacts) -> Iterator[Replicas]:
    """What runs more than once.

    Args:
        facts: what the files of the project say.
    """
    for command in facts.commands:
        what = _several_in(_flatten(command.words))
        if what:
            yield Replicas(what, one_machine=True, place=command.place)
    for variable in facts.variables:
        if variable.name == COUNT_VARIABLE and variable.value.isdecimal() and int(variable.value) > 1:
            yield Replicas(f"{variable.name}={variable.value}", one_machine=True, place=variable.place)
    for copies in facts.copies:
        if copies.number > 1:
            yield Replicas(copies.what, copies.one_machine, copies.place)


def _flatten(words: tuple[str, ...]) -> list[str]:
    """The words of a command line, with those of a command in quotes (`sh -c "…"`)."""
    return [part for word in words for part in (word.split() if " " in word else [word])]


def _several_in(words: list[str]) -> str:
    """What a command line runs several processes of; empty if it does not."""
    for number, word in enumerate(words):
        program = PurePosixPath(word).name
        server = SERVERS.get(program)
        after = words[number + 1 :]
        if server is None or (server.command and server.command not in after):
            continue
        if any(thread in after for thread in server.threads):
            continue
        given = _option(after, server.flags)
        if given is None:
            return f"{program}, which starts a process for each core" if server.several else ""
        flag, count = given
        return "" if _is_one(count) else f"{program} with {flag} {count}"
    return ""


def _option(words: list[str], flags: tuple[str, ...]) -> tuple[str, str] | None:
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in flags:
            return name, value if equals else "".join(words[number + 1 : number + 2])
        short = next((flag for flag in flags if len(flag) == len("-w") and re.fullmatch(rf"{flag}\d+", word)), None)
        if short is not None:
            return short, word.removeprefix(short)
    return None


def _is_one(count: str) -> bool:
    default = DEFAULTED.fullmatch(count)
    return (default[1] if default else count) in ("0", "1")

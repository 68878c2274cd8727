# SPDX-License-Identifier: Apache-2.0
"""The standard course: work that is made from a provider's description alone, cheap operations first.

A survey calls each operation once, while nothing fails: reads, then writes, with the IDs that results have named so
far, as often as that makes more of them possible. What succeeds is a call of the course. What the provider refuses was
called with the wrong arguments, which says nothing about the client, and is left out. Nothing is deleted: other calls
need it.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.client.concurrency.event_loop import run_workers
from callwell.errors import ApiError, AssetError, CallwellError, UploadError, UsageError
from callwell.readiness.check import CannotCheck
from callwell.readiness.drills.arguments import fill_arguments, find_ids, make_silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from callwell.client import AsyncClient
    from callwell.description.model import Operation
    from callwell.description.provider import Provider

MAX_CALLS: Final = {"reads": 12, "assets": 2, "writes": 4, "uploads": 1}
"""How many operations of a kind are in a course: what is drilled is the client, not the provider."""

WORKERS: Final = 4
"""Calls at the same time: fewer would meet no other call's 429."""


class CourseCall(NamedTuple):
    """One call of a course.

    Attributes:
        kind: a key of `MAX_CALLS`.
        operation: the operation's name.
        arguments: its arguments.
    """

    kind: str
    operation: str
    arguments: Mapping[str, Any]

    async def run(self, client: AsyncClient) -> Any:
        """Make the call."""
        if self.kind == "uploads":
            return (await client.upload(self.operation, make_silence(1), **self.arguments)).answer
        if self.kind == "assets":
            return await client.asset(self.operation, **self.arguments).read()
        return await client.call(self.operation, **self.arguments)


class CourseRun(NamedTuple):
    """What became of the calls of a course.

    Attributes:
        done: how many succeeded.
        failures: the errors of the others.
    """

    done: int
    failures: tuple[CallwellError, ...]


async def survey(client: AsyncClient) -> tuple[CourseCall, ...]:
    """Choose the calls of a course.

    Args:
        client: a client on the stage, with nothing that fails.

    Raises:
        CannotCheck: no operation can be called with what the description says.
    """
    known: dict[str, Any] = {}
    calls: dict[str, CourseCall] = {}
    tried: set[str] = set()
    candidates = tuple(_candidates(client))
    progress = True
    while progress:
        progress = False
        for kind, operation in candidates:
            arguments = fill_arguments(client.provider, operation, known)
            is_full = sum(call.kind == kind for call in calls.values()) >= MAX_CALLS[kind]
            if operation.name in tried or arguments is None or is_full:
                continue
            tried.add(operation.name)
            call = CourseCall(kind, operation.name, arguments)
            try:
                result = await call.run(client)
            except (ApiError, AssetError, UploadError, UsageError):
                continue
            calls[operation.name] = call
            known = {**find_ids(operation, result), **known}
            progress = True
    if not calls:
        raise CannotCheck(
            f"no operation of {client.provider.name} can be called with what its description says",
            "Give a program of your own with --run.",
        )
    return tuple(calls.values())


async def run_course(client: AsyncClient, calls: Sequence[CourseCall], more: Callable[[int], bool]) -> CourseRun:
    """Make the calls of a course side by side, over and over.

    Args:
        client: the client.
        calls: the calls of the course.
        more: whether there are more calls to make, by the number that have begun.
    """
    failures: list[CallwellError] = []
    begun = 0
    done = 0
    upcoming = cycle(calls)

    async def work() -> None:
        nonlocal begun, done
        while more(begun):
            begun += 1
            try:
                await next(upcoming).run(client)
            except CallwellError as error:
                failures.append(error)
            else:
                done += 1

    await run_workers(WORKERS, work)
    return CourseRun(done, tuple(failures))


def _candidates(client: AsyncClient) -> Iterator[tuple[str, Operation]]:
    """The operations that a course may call, each with its kind, cheap ones first."""
    provider = client.provider
    for kind in MAX_CALLS:
        for operation in sorted(_of_kind(client, kind), key=lambda operation: _cost(provider, operation)):
            yield kind, operation


def _of_kind(client: AsyncClient, kind: str) -> Iterator[Operation]:
    provider = client.provider
    allowed = client.config.operations
    for operation in provider.api.operations.values():
        rule = provider.rule(operation.name)
        if operation.keyless or operation.only_streams or operation.server or operation.method == "DELETE":
            continue
        if (rule.alpha and not client.config.alpha) or (allowed is not None and operation.name not in allowed):
            continue
        if _kind(provider, operation) == kind:
            yield operation


def _kind(provider: Provider, operation: Operation) -> str:
    rule = provider.rule(operation.name)
    if rule.upload is not None:
        return "uploads"
    if rule.asset is not None:
        return "assets"
    return "reads" if operation.method == "GET" else "writes"


def _cost(provider: Provider, operation: Operation) -> tuple[bool, int]:
    """The canary costs least, then what needs few arguments."""
    required = sum(parameter.required for parameter in operation.parameters)
    return operation.name != provider.profile.key.canary, required

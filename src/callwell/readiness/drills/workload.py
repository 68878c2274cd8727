# SPDX-License-Identifier: Apache-2.0
"""The standard workload: calls generated from a provider's description alone, cheap operations first.

To plan it, each operation is called once, before any fault: reads, then writes, with the IDs from results so far. This
is repeated as long as new IDs make more calls possible. A call that succeeds becomes part of the workload. A call that
the provider refuses had wrong arguments, which says nothing about the client, so it is left out. Nothing is deleted,
because other calls need it.
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
"""The most operations of each kind in a workload: the drill tests the client, not the provider."""

WORKERS: Final = 4
"""The number of concurrent calls: with fewer, no call would be affected by the 429 of another."""


class WorkloadCall(NamedTuple):
    """One call of a workload.

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


class WorkloadResult(NamedTuple):
    """The result of a workload.

    Attributes:
        done: the number of calls that succeeded.
        failures: the errors of the calls that failed.
    """

    done: int
    failures: tuple[CallwellError, ...]


async def plan_workload(client: AsyncClient) -> tuple[WorkloadCall, ...]:
    """Choose the calls of a workload.

    Args:
        client: a client of the setup, before any fault is injected.

    Raises:
        CannotCheck: the description is not enough to call any operation.
    """
    known: dict[str, Any] = {}
    calls: dict[str, WorkloadCall] = {}
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
            call = WorkloadCall(kind, operation.name, arguments)
            try:
                result = await call.run(client)
            except (ApiError, AssetError, UploadError, UsageError):
                continue
            calls[operation.name] = call
            known = {**find_ids(operation, result), **known}
            progress = True
    if not calls:
        raise CannotCheck(
            f"no operation of {client.provider.name} can be called with its description alone",
            "Give your own program with --run.",
        )
    return tuple(calls.values())


async def run_workload(
    client: AsyncClient, calls: Sequence[WorkloadCall], more: Callable[[int], bool]
) -> WorkloadResult:
    """Make the calls of a workload concurrently, in a loop.

    Args:
        client: the client.
        calls: the calls of the workload.
        more: whether to make another call, given the number of calls begun.
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
    return WorkloadResult(done, tuple(failures))


def _candidates(client: AsyncClient) -> Iterator[tuple[str, Operation]]:
    """The operations that a workload may call, each with its kind, cheap ones first."""
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
    """Rank an operation: the canary first, then operations with few arguments."""
    required = sum(parameter.required for parameter in operation.parameters)
    return operation.name != provider.profile.key.canary, required

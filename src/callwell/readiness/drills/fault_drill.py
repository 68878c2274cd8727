# SPDX-License-Identifier: Apache-2.0
"""Drills in which the emulator injects faults: which faults, and what the drill proves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.client.concurrency import event_loop
from callwell.clock import scaled_clock
from callwell.emulator import process
from callwell.readiness.check import NotApplicable
from callwell.readiness.drills.accounts import drill_accounts, find_unknown_keys, no_requests
from callwell.readiness.drills.program import LIMIT_S, run_program
from callwell.readiness.drills.setup import set_up_drill
from callwell.readiness.drills.verdict import (
    DrillResult,
    Proof,
    only_api,
    prove_server_errors,
    prove_single_effects,
    prove_throttling,
)
from callwell.readiness.drills.workload import WorkloadResult, plan_workload, run_workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callwell.clock import ScaledClock
    from callwell.core.rules.operations import OperationRule
    from callwell.description.model import Operation
    from callwell.emulator.ledger import LedgerRow
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.process import Running
    from callwell.readiness.drills.setup import DrillAccount, DrillSetup
    from callwell.readiness.project import ConfiguredAccount, Project

SCALE: Final = 4.0
"""The speed of a workload's clock. With a faster one, a call with a deadline of ten seconds would have too little real
time on a busy machine."""

CALLS: Final = 60
"""The number of calls of a workload: half of the smallest known quota per minute, so that none waits for a window."""

PAUSE_S: Final = 4
"""`Retry-After` for a workload, in scaled seconds: one real second, four times the longest request."""

PROGRAM_PAUSE_S: Final = 1
"""`Retry-After` for a program, in real seconds: it has no faster clock."""


class FaultDrill(NamedTuple):
    """One drill.

    Attributes:
        faults: makes the emulator's rules for an account. Its flag is true for a program, and false for a workload.
        selects: whether a workload includes an operation.
        fault_names: the names of the faults. At least one of them must have been injected.
        prove: judges the recorded requests.
        not_applicable: why the drill does not apply if no fault could be injected.
        may_fail: whether a call may end with an error, because the fault leaves no other outcome.
        one_call_per_step: whether a workload makes one call per step, because a second one would create another object.
    """

    faults: Callable[[ConfiguredAccount, bool], list[dict[str, Any]]]
    selects: Callable[[Operation, OperationRule], bool]
    fault_names: frozenset[str]
    prove: Callable[[Sequence[LedgerRow]], Iterator[Proof]]
    not_applicable: str
    may_fail: bool = False
    one_call_per_step: bool = False


def run_fault_drill(
    drill: FaultDrill,
    project: Project,
    *,
    limit_s: float = LIMIT_S,
    start: Callable[[EmulatorOptions], Running] = process.start,
) -> Iterator[DrillResult]:
    """Run a drill with the user's program, or with a workload for each account.

    Args:
        drill: the drill.
        project: the project.
        limit_s: the time limit of the program in seconds.
        start: starts the emulator.

    Raises:
        CannotCheck: the emulator or the program cannot be started, or no workload can be planned.
        NotApplicable: no provider can be emulated, or there is nothing to drill.
    """
    accounts = drill_accounts(project)
    if project.scope.command:
        with set_up_drill(accounts, start=start) as setup:
            results = [_drill_with_program(drill, project, setup, limit_s)]
    else:
        clock = scaled_clock(SCALE)
        with set_up_drill(accounts, clock, start=start) as setup:
            results = [event_loop.run(_drill_with_workload(drill, setup, drilled, clock)) for drilled in setup.in_use]
    found = [result for result in results if result is not None]
    if not found:
        raise NotApplicable(drill.not_applicable)
    yield from found


def _drill_with_program(drill: FaultDrill, project: Project, setup: DrillSetup, limit_s: float) -> DrillResult | None:
    setup.inject([(drilled, drill.faults(drilled.account, True)) for drilled in setup.accounts])  # noqa: FBT003 - one of two cases
    command = project.scope.command
    with run_program(command, project.root, setup, project.accounts, limit_s=limit_s) as program:
        end = program.wait()
    rows = setup.rows()
    unchecked = [*find_unknown_keys(setup, project.accounts, rows)]
    problem = end.problem()
    was_injected = any(row.fault in drill.fault_names for row in rows)
    may_fail = drill.may_fail and was_injected and end.exit_code is not None and not end.refused
    if problem is not None and not may_fail:
        unchecked.append(problem)
    if not only_api(rows):
        unchecked.append(no_requests(setup))
    elif not was_injected and not unchecked:
        return None
    # A program that was stopped did not have the time to repeat everything.
    proofs = [proof for proof in drill.prove(rows) if end.exit_code is not None or proof.name != "lost"]
    return DrillResult("the program", tuple(proofs) if was_injected else (), tuple(unchecked))


async def _drill_with_workload(
    drill: FaultDrill, setup: DrillSetup, drilled: DrillAccount, clock: ScaledClock
) -> DrillResult | None:
    provider = drilled.account.provider
    async with drilled.client(clock) as client:
        found = await plan_workload(client)
        steps = [
            step for step in found if drill.selects(provider.operation(step.operation), provider.rule(step.operation))
        ]
        if not steps:
            return None
        before = len(setup.rows())
        setup.inject([(drilled, drill.faults(drilled.account, False))])  # noqa: FBT003 - one of two cases
        calls = len(steps) if drill.one_call_per_step else CALLS
        run = await run_workload(client, steps, lambda begun: begun < calls)
    rows = setup.rows()[before:]
    was_injected = any(row.fault in drill.fault_names for row in rows)
    if not was_injected and (drill.may_fail or not run.failures):
        return None
    over_quota = setup.count_over_quota(drilled)
    proofs = [
        *(drill.prove(rows) if was_injected else ()),
        Proof("over-quota", over_quota == 0, f"requests beyond the quota: {over_quota}"),
    ]
    if not drill.may_fail:
        proofs.insert(0, judge_failures(run, drilled.account))
    return DrillResult(drilled.label, tuple(proofs))


def judge_failures(run: WorkloadResult, account: ConfiguredAccount) -> Proof:
    """Judge whether every call of a workload succeeded.

    Args:
        run: the result of the workload.
        account: the account, for the settings that explain failures.
    """
    failed = len(run.failures)
    text = f"calls that failed: {failed} of {failed + run.done}"
    if not failed:
        return Proof("failed-calls", holds=True, text=text)
    deadline = account.settings.get("deadline")
    fix = ""
    if deadline is not None and deadline.is_set:
        fix = (
            f"Set a deadline that leaves time for the waits that the provider asks for ({deadline.value:g} s in "
            f"{deadline.origin})."
        )
    return Proof("failed-calls", holds=False, text=f"{text}; the first: {run.failures[0]}", fix=fix)


def _throttle(_: ConfiguredAccount, is_program: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - the signature of `FaultDrill.faults`
    nth = [1, 4, 9] if is_program else [3, 30]
    pause_s = PROGRAM_PAUSE_S if is_program else PAUSE_S
    return [{"operation": "*", "fault": "throttle_after", "nth": nth, "retry_after_s": pause_s, "hold": True}]


def _fail_reads(account: ConfiguredAccount, _: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - the signature of `FaultDrill.faults`
    names = _select_operations(account, _is_read)
    return [{"operation": name, "fault": "error_before", "status": 503, "nth": 1} for name in names]


def _lose_creation_replies(account: ConfiguredAccount, _: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - the signature of `FaultDrill.faults`
    return [{"operation": name, "fault": "lost_reply", "nth": 1} for name in _select_operations(account, _is_creation)]


def _select_operations(account: ConfiguredAccount, selects: Callable[[Operation, OperationRule], bool]) -> list[str]:
    provider = account.provider
    allowed = provider.environment(account.environment).operations
    return [
        name
        for name, operation in provider.api.operations.items()
        if (allowed is None or name in allowed)
        and not provider.rule(name).like
        and selects(operation, provider.rule(name))
    ]


def _is_read(operation: Operation, _: OperationRule) -> bool:
    return operation.method == "GET"


def _is_creation(operation: Operation, rule: OperationRule) -> bool:
    """Whether an operation creates something that would exist twice if the call was repeated."""
    return operation.method == "POST" and not rule.repeatable and rule.upload is None and not operation.keyless


THROTTLE: Final = FaultDrill(
    faults=_throttle,
    selects=lambda _operation, _rule: True,
    fault_names=frozenset({"throttle_after"}),
    prove=prove_throttling,
    not_applicable="nothing was called",
)
SERVER_ERRORS: Final = FaultDrill(
    faults=_fail_reads,
    selects=_is_read,
    fault_names=frozenset({"error_before"}),
    prove=prove_server_errors,
    not_applicable="nothing is read from the providers in use",
)
LOST_RESPONSE: Final = FaultDrill(
    faults=_lose_creation_replies,
    selects=_is_creation,
    fault_names=frozenset({"lost_reply"}),
    prove=prove_single_effects,
    not_applicable="nothing is created at the providers in use",
    may_fail=True,
    one_call_per_step=True,
)

# SPDX-License-Identifier: Apache-2.0
"""Drills in which the emulator fails by a script: what they inject, and what they prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.client.concurrency import event_loop
from callwell.clock import scaled_clock
from callwell.emulator import process
from callwell.readiness.check import NotApplicable
from callwell.readiness.drills.course import CourseRun, run_course, survey
from callwell.readiness.drills.players import find_foreign_key, nothing_arrived, players
from callwell.readiness.drills.program import LIMIT_S, run_program
from callwell.readiness.drills.stage import open_stage
from callwell.readiness.drills.verdict import (
    DrillResult,
    Proof,
    only_api,
    prove_server_errors,
    prove_single_effects,
    prove_throttling,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callwell.clock import ScaledClock
    from callwell.core.rules.operations import OperationRule
    from callwell.description.model import Operation
    from callwell.emulator.ledger import LedgerRow
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.process import Running
    from callwell.readiness.drills.stage import Stage, StagedAccount
    from callwell.readiness.project import ConfiguredAccount, Project

SCALE: Final = 4.0
"""The speed of a course's clock. A faster one would leave a call with a deadline of ten seconds too little real time on
a busy machine."""

CALLS: Final = 60
"""Calls of a course, half of the smallest quota of a minute that is known: none waits for a window to end."""

PAUSE_S: Final = 4
"""What Retry-After says to a course: one real second, four times what a request may be under way."""

PROGRAM_PAUSE_S: Final = 1
"""What it says to a program, which has no faster clock."""


class FaultDrill(NamedTuple):
    """One drill.

    Attributes:
        faults: makes the emulator's rules for an account. Its flag is true for a program, and false for a course.
        takes: whether a course has this operation.
        names: the names of the faults. At least one of them must have struck.
        prove: judges the rows.
        absent: why the drill does not apply where there is nothing that it could strike.
        may_fail: a call may end with an error, because the fault leaves it no other way.
        once: a course makes each call once, because a second one would be another creation.
    """

    faults: Callable[[ConfiguredAccount, bool], list[dict[str, Any]]]
    takes: Callable[[Operation, OperationRule], bool]
    names: frozenset[str]
    prove: Callable[[Sequence[LedgerRow]], Iterator[Proof]]
    absent: str
    may_fail: bool = False
    once: bool = False


def run_fault_drill(
    drill: FaultDrill,
    project: Project,
    *,
    limit_s: float = LIMIT_S,
    start: Callable[[EmulatorOptions], Running] = process.start,
) -> Iterator[DrillResult]:
    """Run a drill with the user's program, or else with a course for each account.

    Args:
        drill: the drill.
        project: the project.
        limit_s: seconds that the program may take.
        start: starts the emulator.

    Raises:
        CannotCheck: the emulator or the program cannot be started, or no course can be made.
        NotApplicable: no provider can be emulated, or there is nothing to drill.
    """
    accounts = players(project)
    if project.scope.command:
        with open_stage(accounts, start=start) as stage:
            results = [_drill_program(drill, project, stage, limit_s)]
    else:
        clock = scaled_clock(SCALE)
        with open_stage(accounts, clock, start=start) as stage:
            results = [event_loop.run(_drill_course(drill, stage, staged, clock)) for staged in stage.in_use]
    found = [result for result in results if result is not None]
    if not found:
        raise NotApplicable(drill.absent)
    yield from found


def _drill_program(drill: FaultDrill, project: Project, stage: Stage, limit_s: float) -> DrillResult | None:
    stage.inject([(staged, drill.faults(staged.account, True)) for staged in stage.accounts])  # noqa: FBT003 - one of two cases
    command = project.scope.command
    with run_program(command, project.root, stage, project.accounts, limit_s=limit_s) as program:
        end = program.wait()
    rows = stage.rows()
    unchecked = [*find_foreign_key(stage, project.accounts, rows)]
    complaint = end.complaint()
    is_struck = any(row.fault in drill.names for row in rows)
    may_fail = drill.may_fail and is_struck and end.exit_code is not None and not end.refused
    if complaint is not None and not may_fail:
        unchecked.append(complaint)
    if not only_api(rows):
        unchecked.append(nothing_arrived(stage))
    elif not is_struck and not unchecked:
        return None
    # A program that was stopped has not had the time to repeat everything.
    proofs = [proof for proof in drill.prove(rows) if end.exit_code is not None or proof.name != "lost"]
    return DrillResult("the program", tuple(proofs) if is_struck else (), tuple(unchecked))


async def _drill_course(
    drill: FaultDrill, stage: Stage, staged: StagedAccount, clock: ScaledClock
) -> DrillResult | None:
    provider = staged.account.provider
    async with staged.client(clock) as client:
        found = await survey(client)
        steps = [
            step for step in found if drill.takes(provider.operation(step.operation), provider.rule(step.operation))
        ]
        if not steps:
            return None
        before = len(stage.rows())
        stage.inject([(staged, drill.faults(staged.account, False))])  # noqa: FBT003 - one of two cases
        calls = len(steps) if drill.once else CALLS
        run = await run_course(client, steps, lambda begun: begun < calls)
    rows = stage.rows()[before:]
    over = stage.count_over_quota(staged)
    proofs = [
        *drill.prove(rows),
        Proof("over-quota", over == 0, f"requests beyond the quota: {over}"),
    ]
    if not drill.may_fail:
        proofs.insert(0, prove_no_failure(run, staged.account))
    return DrillResult(staged.label, tuple(proofs))


def prove_no_failure(run: CourseRun, account: ConfiguredAccount) -> Proof:
    """Every call of a course succeeded.

    Args:
        run: what became of the calls.
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


def _throttle(_: ConfiguredAccount, is_program: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - as `FaultDrill` has it
    nth = [1, 4, 9] if is_program else [3, 30]
    pause_s = PROGRAM_PAUSE_S if is_program else PAUSE_S
    return [{"operation": "*", "fault": "throttle_after", "nth": nth, "retry_after_s": pause_s, "hold": True}]


def _fail_reads(account: ConfiguredAccount, _: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - as `FaultDrill` has it
    names = _operations(account, _is_read)
    return [{"operation": name, "fault": "error_before", "status": 503, "nth": 1} for name in names]


def _lose_creations(account: ConfiguredAccount, _: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - as `FaultDrill` has it
    return [{"operation": name, "fault": "lost_reply", "nth": 1} for name in _operations(account, _is_creation)]


def _operations(account: ConfiguredAccount, takes: Callable[[Operation, OperationRule], bool]) -> list[str]:
    provider = account.provider
    allowed = provider.environment(account.environment).operations
    return [
        name
        for name, operation in provider.api.operations.items()
        if (allowed is None or name in allowed)
        and not provider.rule(name).like
        and takes(operation, provider.rule(name))
    ]


def _is_read(operation: Operation, _: OperationRule) -> bool:
    return operation.method == "GET"


def _is_creation(operation: Operation, rule: OperationRule) -> bool:
    """Whether it creates something that would exist twice if it were repeated."""
    return operation.method == "POST" and not rule.repeatable and rule.upload is None and not operation.keyless


THROTTLE: Final = FaultDrill(
    faults=_throttle,
    takes=lambda _operation, _rule: True,
    names=frozenset({"throttle_after"}),
    prove=prove_throttling,
    absent="nothing was called",
)
SERVER_ERRORS: Final = FaultDrill(
    faults=_fail_reads,
    takes=_is_read,
    names=frozenset({"error_before"}),
    prove=prove_server_errors,
    absent="nothing is read from the providers in use",
)
LOST_RESPONSE: Final = FaultDrill(
    faults=_lose_creations,
    takes=_is_creation,
    names=frozenset({"lost_reply"}),
    prove=prove_single_effects,
    absent="nothing is created at the providers in use",
    may_fail=True,
    once=True,
)

# SPDX-License-Identifier: Apache-2.0
"""The rotation drill: the key is revoked while the program works, and its file gets a new one.

The keys do not overlap: the provider refuses the old key as soon as the new one exists, and the new one is written to
the key file after a request was refused. For a program, the first response is slow, and the key is rotated while the
program reads it: so even a program that makes all its requests quickly makes the next one with a revoked key.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from callwell.client._sync.keys.single_trial import try_one_key
from callwell.client.concurrency import event_loop
from callwell.client.config import ClientConfig
from callwell.client.keys.rotation import RotationDriver
from callwell.clock import scaled_clock
from callwell.core.key_rotation import RotationStep
from callwell.emulator import process
from callwell.keys import Key
from callwell.readiness.check import CannotCheck, Severity, Unchecked
from callwell.readiness.drill_record import ROTATION, record_drill
from callwell.readiness.drills.accounts import drill_accounts, find_unknown_keys, no_requests
from callwell.readiness.drills.fault_drill import SCALE, judge_failures
from callwell.readiness.drills.program import LIMIT_S, POLL_S, run_program
from callwell.readiness.drills.setup import set_up_drill, write_key
from callwell.readiness.drills.verdict import DrillResult, Proof, only_api, prove_rotation
from callwell.readiness.drills.workload import plan_workload, run_workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callwell.client.keys.rotation import RotationProgress
    from callwell.clock import ScaledClock
    from callwell.emulator.ledger import LedgerRow
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.process import Running
    from callwell.readiness.drills.setup import DrillAccount, DrillSetup
    from callwell.readiness.project import ConfiguredAccount, Project

CALLS_BEFORE: Final = 12
CALLS_AFTER: Final = 24
"""The number of calls of a workload before the rotation and after it: several for each worker."""

SLOW_FIRST: Final[dict[str, Any]] = {"operation": "*", "fault": "slow_body", "nth": 1, "delay_s": 1.0}
"""The first response takes one real second, in which the ledger is polled fifty times."""

WORKLOAD_LIMIT_S: Final = 60.0
"""The time limit of a workload in real seconds; it usually takes three."""


def run_rotation_drill(
    project: Project,
    *,
    limit_s: float = LIMIT_S,
    start: Callable[[EmulatorOptions], Running] = process.start,
) -> Iterator[DrillResult]:
    """Rotate the keys of the user's program, or of a workload for each account.

    Args:
        project: the project.
        limit_s: the time limit of the program in seconds.
        start: starts the emulator.

    Raises:
        CannotCheck: the emulator or the program cannot be started, or no workload can be planned.
        NotApplicable: no provider can be emulated.
    """
    accounts = drill_accounts(project)
    fixed = [account for account in accounts if account.in_use and is_key_fixed(account, project)]
    for account in fixed:
        yield _report_fixed_key(account)
    others = [account for account in accounts if account not in fixed]
    if not any(account.in_use for account in others):
        return
    if project.scope.command:
        with set_up_drill(others, start=start) as setup:
            yield from _drill_with_program(project, setup, limit_s)
        return
    clock = scaled_clock(SCALE)
    with set_up_drill(others, clock, start=start) as setup:
        for drilled in setup.in_use:
            yield event_loop.run(_drill_with_workload(setup, drilled, clock))


def record_results(results: Sequence[DrillResult], at: float) -> None:
    """Record the result of each account in its state. Incomplete results are not recorded.

    Args:
        results: all results of one drill.
        at: the end of the drill, in seconds since the epoch.

    Raises:
        CallwellError: a state cannot be opened or written.
    """
    is_partial = any(result.unchecked for result in results)
    for result in results:
        has_failed = any(not proof.holds for proof in result.proofs)
        if result.account is not None and (has_failed or not is_partial):
            record_drill(result.account, ROTATION, passed=not has_failed, at=at)


def is_key_fixed(account: ConfiguredAccount, project: Project) -> bool:
    """Whether a running process cannot get a new key: its environment variables cannot be changed from outside.

    Without a configured key, a program may still read its key from a file in its own way.

    Args:
        account: the account.
        project: its project.
    """
    key = account.settings["key"]
    return str(key.value).startswith("env:") and (key.is_set or not project.scope.command)


def _report_fixed_key(account: ConfiguredAccount) -> DrillResult:
    place = account.settings["key"].value
    proof = Proof(
        name="key-source",
        holds=False,
        text=f"the key is in {place}, which cannot change in a running process: a rotation takes a restart",
        fix="Keep the key in its own file with mode 600, and name it: `key = file:PATH` in callwell.toml or code.",
        severity=Severity.WARNING,
    )
    return DrillResult(f"{account.provider.name}/{account.environment}", (proof,), account=account)


async def _drill_with_workload(setup: DrillSetup, drilled: DrillAccount, clock: ScaledClock) -> DrillResult:
    old = drilled.fingerprint
    begun_so_far = 0
    last: int | None = None
    ready = asyncio.Event()
    person = EmulatedOperator(setup, drilled, clock)

    def more(begun: int) -> bool:
        nonlocal begun_so_far, last
        begun_so_far = begun
        if begun >= CALLS_BEFORE:
            ready.set()
        if last is None and person.has_stored.is_set():
            last = begun_so_far + CALLS_AFTER
        return last is None or begun < last

    async def rotate() -> RotationProgress:
        await ready.wait()
        return await asyncio.to_thread(person.rotate)

    try:
        async with asyncio.timeout(WORKLOAD_LIMIT_S), drilled.client(clock) as client:
            steps = await plan_workload(client)
            before = len(setup.rows())
            rotation = asyncio.create_task(rotate())
            try:
                run = await run_workload(client, steps, more)
                rows = setup.rows()[before:]
                person.may_try_old.set()
                end = await rotation
            finally:
                rotation.cancel()
    except TimeoutError as error:
        raise CannotCheck(f"{drilled.label}: the workload had not finished after {WORKLOAD_LIMIT_S:g} s") from error
    proofs = (
        judge_failures(run, drilled.account),
        *prove_steps(end),
        *prove_rotation(rows, old, drilled.fingerprint),
    )
    return DrillResult(drilled.label, proofs, account=drilled.account)


class EmulatedOperator:
    """Takes all steps of a rotation at the emulator, like a person with `callwell keys rotate`.

    Args:
        setup: the setup.
        drilled: the account.
        clock: the emulator's clock.

    Attributes:
        has_stored: whether the new key is in its file.
        may_try_old: whether the workload has finished: the old key is only tried then, so as not to count as its call.
    """

    def __init__(self, setup: DrillSetup, drilled: DrillAccount, clock: ScaledClock) -> None:
        self._stage = setup
        self._drilled = drilled
        self._options = drilled.options(clock)
        self._old = Key(drilled.read_key())
        self.has_stored = threading.Event()
        self.may_try_old = threading.Event()

    def rotate(self) -> RotationProgress:
        """Rotate the key, and return the outcome: the step that still waits, if the time is up."""
        provider = self._drilled.account.provider
        config = ClientConfig.from_options(provider, self._options)
        try:
            has_canary = config.provider.profile.key.canary is not None
            driver = RotationDriver(config, self._try_key if has_canary else None)
            driver.begin(overlaps=False)
            give_up_at = time.monotonic() + WORKLOAD_LIMIT_S
            while True:
                progress = driver.proceed(frozenset({RotationStep.PREPARE, RotationStep.REVOKE}))
                if progress.wait is None or time.monotonic() > give_up_at:
                    return progress
                if progress.wait.step is RotationStep.CREATE and not self.has_stored.is_set():
                    self._replace_key()
                time.sleep(POLL_S)
        finally:
            config.close()

    def _replace_key(self) -> None:
        """Revoke the old key, and write the new one after a call was refused."""
        key = self._stage.rotate_key(self._drilled)
        _wait_for_refusal(self._stage)
        write_key(self._drilled.key_file, key)
        self.has_stored.set()

    def _try_key(self, key: Key) -> str | None:
        if key == self._old:
            self.may_try_old.wait(WORKLOAD_LIMIT_S)
        return try_one_key(self._drilled.account.provider, self._options, key)


def prove_steps(end: RotationProgress) -> Iterator[Proof]:
    """The proof of each step of the rotation, and the step at which it stopped.

    Args:
        end: the outcome of the rotation.
    """
    for proof in end.rotation.proofs:
        yield Proof(f"step-{proof.step}", holds=True, text=f"{proof.step}: {proof.seen}")
    if end.wait is not None:
        yield Proof(f"step-{end.wait.step}", holds=False, text=f"{end.wait.step} waits: {end.wait.reason}")


def _wait_for_refusal(setup: DrillSetup) -> None:
    """Wait until the emulator has refused a revoked key, at most as long as a workload may take."""
    give_up_at = time.monotonic() + WORKLOAD_LIMIT_S
    while not any(row.key_dead for row in setup.rows()) and time.monotonic() < give_up_at:
        time.sleep(POLL_S)


def _drill_with_program(project: Project, setup: DrillSetup, limit_s: float) -> Iterator[DrillResult]:
    setup.inject([(drilled, [SLOW_FIRST]) for drilled in setup.accounts])
    old = {drilled.label: drilled.fingerprint for drilled in setup.accounts}
    rotated: list[DrillAccount] = []
    after: Sequence[LedgerRow] = ()
    with run_program(project.scope.command, project.root, setup, project.accounts, limit_s=limit_s) as program:
        if program.wait_for(lambda: bool(_find_users(setup, old))):
            rotated = _find_users(setup, old)
            before = len(setup.rows())
            keys = {drilled.key_file: setup.rotate_key(drilled) for drilled in rotated}
            program.wait_for(lambda: any(row.key_dead for row in setup.rows()))
            for file, key in keys.items():
                write_key(file, key)
        end = program.wait()
    rows = setup.rows()
    unchecked = [*find_unknown_keys(setup, project.accounts, rows), *filter(None, [end.problem()])]
    after = only_api(rows[before:]) if rotated else ()
    if not only_api(rows):
        unchecked.append(no_requests(setup))
    elif not after:
        unchecked.append(
            Unchecked(
                what="the program made no request after its key was rotated",
                fix="Give --run a command that makes several calls, one after the other.",
            )
        )
    for drilled in rotated if after else ():
        own = [row for row in rows if row.key in (old[drilled.label], drilled.fingerprint)]
        proofs = tuple(prove_rotation(own, old[drilled.label], drilled.fingerprint))
        yield DrillResult(f"the program at {drilled.label}", proofs, account=drilled.account)
    if unchecked:
        yield DrillResult("the program", (), tuple(unchecked))


def _find_users(setup: DrillSetup, fingerprints: dict[str, str]) -> list[DrillAccount]:
    """The accounts with which a request of the program was accepted.

    Args:
        setup: the setup.
        fingerprints: the fingerprints of the keys, by the label of the account.
    """
    used = {row.key for row in setup.rows() if row.key_accepted}
    return [drilled for drilled in setup.accounts if fingerprints[drilled.label] in used]

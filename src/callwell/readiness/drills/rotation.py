# SPDX-License-Identifier: Apache-2.0
"""The rotation drill: the key dies while the program works, and its file gets another one.

The provider lets nothing overlap: the old key is refused from the moment at which the new one exists, and the new one
is written to its file when a request has been refused. For a program, the first response is slow, and the key is
rotated while the program reads it: so even one that makes its requests in a moment makes the next with a dead key.
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
from callwell.readiness.drills.course import run_course, survey
from callwell.readiness.drills.fault_drill import SCALE, prove_no_failure
from callwell.readiness.drills.players import find_foreign_key, nothing_arrived, players
from callwell.readiness.drills.program import LIMIT_S, POLL_S, run_program
from callwell.readiness.drills.stage import open_stage, write_key
from callwell.readiness.drills.verdict import DrillResult, Proof, only_api, prove_rotation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callwell.client.keys.rotation import Progress
    from callwell.clock import ScaledClock
    from callwell.emulator.ledger import LedgerRow
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.process import Running
    from callwell.readiness.drills.stage import Stage, StagedAccount
    from callwell.readiness.project import ConfiguredAccount, Project

CALLS_BEFORE: Final = 12
CALLS_AFTER: Final = 24
"""Calls of a course before the rotation and after it: several for each of its workers."""

SLOW_FIRST: Final[dict[str, Any]] = {"operation": "*", "fault": "slow_body", "nth": 1, "delay_s": 1.0}
"""The first response takes a real second: fifty looks at the ledger."""

COURSE_LIMIT_S: Final = 60.0
"""Real seconds for a course that takes three."""


def run_rotation_drill(
    project: Project,
    *,
    limit_s: float = LIMIT_S,
    start: Callable[[EmulatorOptions], Running] = process.start,
) -> Iterator[DrillResult]:
    """Rotate the keys of the user's program, or else of a course for each account.

    Args:
        project: the project.
        limit_s: seconds that the program may take.
        start: starts the emulator.

    Raises:
        CannotCheck: the emulator or the program cannot be started, or no course can be made.
        NotApplicable: no provider can be emulated.
    """
    accounts = players(project)
    fixed = [account for account in accounts if account.in_use and is_fixed(account, project)]
    for account in fixed:
        yield _refuse_fixed_key(account)
    others = [account for account in accounts if account not in fixed]
    if not any(account.in_use for account in others):
        return
    if project.scope.command:
        with open_stage(others, start=start) as stage:
            yield from _drill_program(project, stage, limit_s)
        return
    clock = scaled_clock(SCALE)
    with open_stage(others, clock, start=start) as stage:
        for staged in stage.in_use:
            yield event_loop.run(_drill_course(stage, staged, clock))


def remember(results: Sequence[DrillResult], at: float) -> None:
    """Keep what was proved of each account in its state. What could not be looked at proves nothing.

    Args:
        results: all results of one drill.
        at: when it ended, in seconds since the epoch.

    Raises:
        CallwellError: a state cannot be opened or written.
    """
    is_partial = any(result.unchecked for result in results)
    for result in results:
        has_failed = any(not proof.holds for proof in result.proofs)
        if result.account is not None and (has_failed or not is_partial):
            record_drill(result.account, ROTATION, passed=not has_failed, at=at)


def is_fixed(account: ConfiguredAccount, project: Project) -> bool:
    """Whether a running process keeps its key: an environment variable cannot be changed from outside.

    Where nothing is configured, a program may still read its key from a file, as its code says.

    Args:
        account: the account.
        project: its project.
    """
    key = account.settings["key"]
    return str(key.value).startswith("env:") and (key.is_set or not project.scope.command)


def _refuse_fixed_key(account: ConfiguredAccount) -> DrillResult:
    place = account.settings["key"].value
    proof = Proof(
        name="key-source",
        holds=False,
        text=f"the key is in {place}, which cannot change in a running process: a rotation takes a restart of all",
        fix="Keep the key in a file of its own with mode 600, and name it: `key = file:PATH` in callwell.toml or code.",
        severity=Severity.WARNING,
    )
    return DrillResult(f"{account.provider.name}/{account.environment}", (proof,), account=account)


async def _drill_course(stage: Stage, staged: StagedAccount, clock: ScaledClock) -> DrillResult:
    old = staged.fingerprint
    begun_so_far = 0
    last: int | None = None
    ready = asyncio.Event()
    person = EmulatedPerson(stage, staged, clock)

    def more(begun: int) -> bool:
        nonlocal begun_so_far, last
        begun_so_far = begun
        if begun >= CALLS_BEFORE:
            ready.set()
        if last is None and person.has_stored.is_set():
            last = begun_so_far + CALLS_AFTER
        return last is None or begun < last

    async def rotate() -> Progress:
        await ready.wait()
        return await asyncio.to_thread(person.rotate)

    try:
        async with asyncio.timeout(COURSE_LIMIT_S), staged.client(clock) as client:
            steps = await survey(client)
            before = len(stage.rows())
            rotation = asyncio.create_task(rotate())
            try:
                run = await run_course(client, steps, more)
                rows = stage.rows()[before:]
                person.may_try_old.set()
                end = await rotation
            finally:
                rotation.cancel()
    except TimeoutError as error:
        raise CannotCheck(f"{staged.label}: the course had not ended after {COURSE_LIMIT_S:g} s") from error
    proofs = (
        prove_no_failure(run, staged.account),
        *prove_steps(end),
        *prove_rotation(rows, old, staged.fingerprint),
    )
    return DrillResult(staged.label, proofs, account=staged.account)


class EmulatedPerson:
    """Takes all steps of a rotation as a person does with `callwell keys rotate`, at the emulator.

    Args:
        stage: the stage.
        staged: the account.
        clock: the emulator's clock.

    Attributes:
        has_stored: the new key is in its file.
        may_try_old: the course has ended: the old key is tried by then, so that its calls are judged without that.
    """

    def __init__(self, stage: Stage, staged: StagedAccount, clock: ScaledClock) -> None:
        self._stage = stage
        self._staged = staged
        self._options = staged.options(clock)
        self._old = Key(staged.read_key())
        self.has_stored = threading.Event()
        self.may_try_old = threading.Event()

    def rotate(self) -> Progress:
        """Rotate the key, and return how that ended: at a step that waits if the time is up."""
        provider = self._staged.account.provider
        config = ClientConfig.from_options(provider, self._options)
        try:
            has_canary = config.provider.profile.key.canary is not None
            driver = RotationDriver(config, self._try_key if has_canary else None)
            driver.begin(overlaps=False)
            give_up_at = time.monotonic() + COURSE_LIMIT_S
            while True:
                progress = driver.go_on(frozenset({RotationStep.PREPARE, RotationStep.REVOKE}))
                if progress.wait is None or time.monotonic() > give_up_at:
                    return progress
                if progress.wait.step is RotationStep.CREATE and not self.has_stored.is_set():
                    self._replace_key()
                time.sleep(POLL_S)
        finally:
            config.close()

    def _replace_key(self) -> None:
        """Let the old key die, and write the new one once a call was refused."""
        key = self._stage.rotate_key(self._staged)
        _wait_for_refusal(self._stage)
        write_key(self._staged.key_file, key)
        self.has_stored.set()

    def _try_key(self, key: Key) -> str | None:
        if key == self._old:
            self.may_try_old.wait(COURSE_LIMIT_S)
        return try_one_key(self._staged.account.provider, self._options, key)


def prove_steps(end: Progress) -> Iterator[Proof]:
    """Each step of the rotation, with what has proved it, and the one at which it has stopped.

    Args:
        end: how the rotation ended.
    """
    for proof in end.rotation.proofs:
        yield Proof(f"step-{proof.step}", holds=True, text=f"{proof.step}: {proof.seen}")
    if end.wait is not None:
        yield Proof(f"step-{end.wait.step}", holds=False, text=f"{end.wait.step} waits: {end.wait.reason}")


def _wait_for_refusal(stage: Stage) -> None:
    """Wait until the emulator has refused a dead key, at most as long as a course may take."""
    give_up_at = time.monotonic() + COURSE_LIMIT_S
    while not any(row.key_dead for row in stage.rows()) and time.monotonic() < give_up_at:
        time.sleep(POLL_S)


def _drill_program(project: Project, stage: Stage, limit_s: float) -> Iterator[DrillResult]:
    stage.inject([(staged, [SLOW_FIRST]) for staged in stage.accounts])
    old = {staged.label: staged.fingerprint for staged in stage.accounts}
    rotated: list[StagedAccount] = []
    after: Sequence[LedgerRow] = ()
    with run_program(project.scope.command, project.root, stage, project.accounts, limit_s=limit_s) as program:
        if program.wait_for(lambda: bool(_find_users(stage, old))):
            rotated = _find_users(stage, old)
            before = len(stage.rows())
            keys = {staged.key_file: stage.rotate_key(staged) for staged in rotated}
            program.wait_for(lambda: any(row.key_dead for row in stage.rows()))
            for file, key in keys.items():
                write_key(file, key)
        end = program.wait()
    rows = stage.rows()
    unchecked = [*find_foreign_key(stage, project.accounts, rows), *filter(None, [end.complaint()])]
    after = only_api(rows[before:]) if rotated else ()
    if not only_api(rows):
        unchecked.append(nothing_arrived(stage))
    elif not after:
        unchecked.append(
            Unchecked(
                what="the program made no request after its key was rotated",
                fix="Give --run a command that makes several calls, one after the other.",
            )
        )
    for staged in rotated if after else ():
        own = [row for row in rows if row.key in (old[staged.label], staged.fingerprint)]
        proofs = tuple(prove_rotation(own, old[staged.label], staged.fingerprint))
        yield DrillResult(f"the program at {staged.label}", proofs, account=staged.account)
    if unchecked:
        yield DrillResult("the program", (), tuple(unchecked))


def _find_users(stage: Stage, fingerprints: dict[str, str]) -> list[StagedAccount]:
    """The accounts with which the program has had a request accepted.

    Args:
        stage: the stage.
        fingerprints: of the keys, by the label of the account.
    """
    used = {row.key for row in stage.rows() if row.key_accepted}
    return [staged for staged in stage.accounts if fingerprints[staged.label] in used]

# SPDX-License-Identifier: Apache-2.0
"""The records about an account's keys that processes share through a state.

Three records, each changed in one step:

- `key-reloads:PROVIDER`: how often `callwell keys reload` has asked all processes to read their sources again.
- `key-trials:ACCOUNT`: which new keys were tried, so that one canary is enough: see `core.shared_trial`.
- `key-processes:ACCOUNT`: which process uses which key, and when it stopped using the one before. A rotation may revoke
  the old key once no process uses it.

Everything here reads or writes the state, so none of it may run on an event loop.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from callwell.core import keyring, shared_trial
from callwell.core.shared_trial import UNKNOWN, Claim, SharedTrial
from callwell.forks import reset_after_fork
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.clock import Clock
    from callwell.core.keyring import KeyRing
    from callwell.state.base import State

R = TypeVar("R")

REPORT_S: Final = 10.0
"""How often a process that makes calls reports that it is active."""

SILENT_S: Final = 3 * REPORT_S
"""A process that has not reported for this long has ended, or makes no calls, and reads its key before the next one."""

RETENTION_S: Final = 86_400.0
"""How long a silent process is listed: a day is enough to show the last rotation."""

MAX_TRIALS: Final = 16
"""Keys whose trials are remembered: a limit, for sources that change often."""


class KeyReloads(Struct, frozen=True, array_like=True):
    """Requests to read all key sources again.

    Attributes:
        number: how many there have been.
    """

    number: int = 0


class KeyTrials(Struct, frozen=True, array_like=True):
    """The trials of an account's new keys.

    Attributes:
        by_key: fingerprint → what is known about that key, oldest first.
    """

    by_key: Mapping[str, SharedTrial] = {}


class ProcessKeys(Struct, frozen=True, array_like=True):
    """The keys of one client in one process.

    Attributes:
        process: host and process ID, for display.
        fingerprint: of the key that it uses; empty once it is closed.
        seen_at: when it last reported, in seconds since the epoch.
        draining: fingerprints of older keys that running calls still use.
        ended: fingerprint → when the last call with an older key ended, in seconds since the epoch.
        reloads: the last reload request that it has carried out.
    """

    process: str
    fingerprint: str
    seen_at: float
    draining: tuple[str, ...] = ()
    ended: Mapping[str, float] = {}
    reloads: int = 0


def is_silent(keys: ProcessKeys, now: float) -> bool:
    """Whether a client has not reported for so long that it has ended, or makes no calls.

    Args:
        keys: its last report.
        now: seconds since the epoch.
    """
    return now - keys.seen_at >= SILENT_S


class KeyProcesses(Struct, frozen=True, array_like=True):
    """All processes that use an account's keys.

    Attributes:
        by_client: client ID → its keys.
    """

    by_client: Mapping[str, ProcessKeys] = {}


class KeyFleet:
    """One client's access to the records that the processes of an account share.

    Args:
        account: the account's name in the state.
        state: where the records are.
        clock: gives the time of day to record.
    """

    def __init__(self, account: str, state: State, clock: Clock) -> None:
        provider = account.partition(":")[0]
        self._client_id = os.urandom(8).hex()
        self._reported: ProcessKeys | None = None
        reset_after_fork(self)
        self._state = state
        self._clock = clock
        # None of these is essential: a damaged one costs an extra canary, or a line in a list.
        self._reloads = Cell(f"key-reloads:{provider}", KeyReloads, empty=KeyReloads(), damaged=KeyReloads())
        self._trials = Cell(f"key-trials:{account}", KeyTrials, empty=KeyTrials(), damaged=KeyTrials())
        self._processes = Cell(f"key-processes:{account}", KeyProcesses, empty=KeyProcesses(), damaged=KeyProcesses())

    def after_fork(self) -> None:
        """A forked child is another client."""
        self._client_id = os.urandom(8).hex()
        self._reported = None

    def read_reloads(self) -> int:
        """How often all processes were asked to read their sources again."""
        return self._state.read(self._reloads).number

    def request_reload(self) -> int:
        """Ask all processes of the provider to read their sources again, and return the number of the request."""

        def change(reloads: KeyReloads) -> tuple[KeyReloads, int]:
            return KeyReloads(reloads.number + 1), reloads.number + 1

        return self._state.update(self._reloads, change)

    def claim_trial(self, fingerprint: str) -> Claim:
        """Ask to try a new key for all processes."""
        now = self._clock.wall()
        return self._change_trial(fingerprint, lambda trial: shared_trial.claim(trial, self._client_id, now))

    def record_trial(self, fingerprint: str, problem: str | None, *, is_clear: bool) -> None:
        """Record the result of a trial.

        Args:
            fingerprint: of the key.
            problem: why the key cannot be used; None if it was accepted.
            is_clear: whether that is the provider's answer; otherwise another process may try.
        """
        now = self._clock.wall()

        def change(trial: SharedTrial) -> tuple[SharedTrial, None]:
            if problem is None:
                return shared_trial.record_accepted(now), None
            if is_clear:
                return shared_trial.record_refused(trial, problem, now), None
            return shared_trial.release(trial, self._client_id), None

        self._change_trial(fingerprint, change)

    def read_trial(self, fingerprint: str) -> SharedTrial:
        """What is known about a new key across processes."""
        return self._state.read(self._trials).by_key.get(fingerprint, UNKNOWN)

    def has_accepted(self, fingerprint: str) -> bool:
        """Whether the provider has accepted a key so recently that it needs no trial."""
        return shared_trial.is_accepted(self.read_trial(fingerprint), self._clock.wall())

    def report(self, ring: KeyRing, reloads: int, *, is_closed: bool) -> None:
        """Record which keys this client uses, if that has changed or was recorded a while ago.

        Args:
            ring: its keys.
            reloads: the last reload request that it has carried out.
            is_closed: it makes no more calls; a client that has never reported need not report this.
        """
        before = self._reported
        if before is None and is_closed:
            return
        now = self._clock.wall()
        current = None if is_closed else keyring.current(ring, may_try=False)
        in_use = {key.fingerprint for key in ring.keys if key.uses and not is_closed}
        fingerprint = "" if current is None else current.fingerprint
        older = [key.fingerprint for key in ring.keys if key.fingerprint not in in_use | {fingerprint}]
        ended = {} if before is None else before.ended
        report = ProcessKeys(
            process=f"{socket.gethostname()}:{os.getpid()}",
            fingerprint=fingerprint,
            seen_at=now,
            draining=tuple(sorted(in_use - {fingerprint})),
            ended={key: ended.get(key, now) for key in older},
            reloads=reloads,
        )
        if before is None or now - before.seen_at >= REPORT_S or replace(before, seen_at=now) != report:
            self._write_report(report)
            self._reported = report

    def _write_report(self, keys: ProcessKeys) -> None:
        def change(processes: KeyProcesses) -> tuple[KeyProcesses, None]:
            known = {
                other: row for other, row in processes.by_client.items() if keys.seen_at - row.seen_at < RETENTION_S
            }
            return KeyProcesses({**known, self._client_id: keys}), None

        self._state.update(self._processes, change)

    def read_processes(self) -> Mapping[str, ProcessKeys]:
        """The keys of each client, by client ID."""
        return self._state.read(self._processes).by_client

    def _change_trial(self, fingerprint: str, change: Callable[[SharedTrial], tuple[SharedTrial, R]]) -> R:
        def change_all(trials: KeyTrials) -> tuple[KeyTrials, R]:
            before = trials.by_key.get(fingerprint, UNKNOWN)
            after, result = change(before)
            if after is before:
                return trials, result
            others = [(key, trial) for key, trial in trials.by_key.items() if key != fingerprint]
            return KeyTrials(dict([*others[-MAX_TRIALS + 1 :], (fingerprint, after)])), result

        return self._state.update(self._trials, change_all)

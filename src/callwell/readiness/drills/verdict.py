# SPDX-License-Identifier: Apache-2.0
"""The verdict of a drill: proofs that hold or fail, from the requests that the emulator recorded.

Everything is counted from the rows of the emulator's ledger, so Callwell and any other program are judged alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.emulator.score import GRACE_REAL_S, LAGS, THROTTLED, UNSAFE, count_calls, count_early
from callwell.readiness.check import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from callwell.emulator.ledger import LedgerRow
    from callwell.readiness.check import Severity, Unchecked
    from callwell.readiness.project import ConfiguredAccount

MAX_AMPLIFICATION: Final = 2.0
"""The most requests per call, on average. A client that waits as requested needs one retry per refused call; one that
retries at once needs hundreds per second."""

MAX_REFUSED: Final = 8
"""The most requests with a revoked key: each call in flight when the key is revoked makes one, and perhaps one more
while the key file is read. A client that waits for the new key makes no others."""

SERVER_ERROR: Final = 500


class Proof(NamedTuple):
    """One statement that a drill has proved or disproved.

    Attributes:
        name: its name, which never changes, because baselines identify the finding by it.
        holds: whether it was proved.
        text: the evidence, in one sentence without a full stop.
        fix: what to do if it was disproved; if empty, the `fix` of the check.
        severity: the severity if it was disproved; if None, that of the check.
    """

    name: str
    holds: bool
    text: str
    fix: str = ""
    severity: Severity | None = None


class DrillResult(NamedTuple):
    """The result of a drill for one account, or for the user's program.

    Attributes:
        subject: the account as `provider/environment`, or `the program`.
        proofs: the proofs.
        unchecked: why the drill is incomplete; empty if it ran to its end.
        account: the account; None for a program.
    """

    subject: str
    proofs: tuple[Proof, ...]
    unchecked: tuple[Unchecked, ...] = ()
    account: ConfiguredAccount | None = None

    @property
    def passed(self) -> bool:
        """Whether everything was proved."""
        return not self.unchecked and all(proof.holds for proof in self.proofs)

    def items(self) -> Iterator[Finding | Unchecked]:
        """The findings of a check."""
        for proof in self.proofs:
            if not proof.holds:
                yield Finding(
                    what=f"{self.subject}: {proof.text}",
                    fix=proof.fix,
                    identity=f"{self.subject} {proof.name}",
                    severity=proof.severity,
                )
        yield from self.unchecked


def only_api(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """The complete requests to the API."""
    return [row for row in rows if row.place == "api" and not row.broken]


def count_lost(rows: Iterable[LedgerRow], refused: Callable[[LedgerRow], bool]) -> int:
    """Count requests that were refused and never made again.

    Args:
        rows: in order of arrival.
        refused: whether a response was a refusal after which a client should retry.
    """
    last = {(row.method, row.path, row.query, row.body_sha256): row for row in only_api(rows)}
    return sum(refused(row) for row in last.values())


def prove_amplification(rows: Iterable[LedgerRow]) -> Proof:
    """Prove that there were few requests per call."""
    amplification = count_calls(rows).amplification
    return Proof(
        name="amplification",
        holds=amplification <= MAX_AMPLIFICATION,
        text=f"requests for each call: {amplification:.2f} (at most {MAX_AMPLIFICATION:g})",
    )


def prove_key_kept(rows: Iterable[LedgerRow]) -> Proof:
    """Prove that the key was sent to the API only, in its header."""
    misplaced = sum(row.key_misplaced for row in rows)
    return Proof(
        name="key-misplaced",
        holds=misplaced == 0,
        text=f"requests with the key where none belongs (in an address, to a storage): {misplaced}",
        fix="Send the key in its header only, and do not send it with signed URLs.",
    )


def prove_throttling(rows: Sequence[LedgerRow]) -> Iterator[Proof]:
    """Prove that refused calls were retried, not before the time in the 429, and not more often than needed."""
    refused = sum(row.status == THROTTLED for row in rows)
    lost = count_lost(rows, lambda row: row.status == THROTTLED)
    early = count_early(rows)
    yield Proof("lost", lost == 0, f"requests with a 429 that were never made again: {lost} of {refused}")
    yield Proof(
        name="early",
        holds=early == 0,
        text=f"requests before the time that a 429 had named: {early}",
        fix="Wait as long as Retry-After says, and let all calls of the account wait.",
    )
    yield prove_amplification(rows)
    yield prove_key_kept(rows)


def prove_rotation(rows: Sequence[LedgerRow], old: str, new: str) -> Iterator[Proof]:
    """Prove that the work continued with the new key, and that no call was lost.

    Args:
        rows: in order of arrival.
        old: the emulator's fingerprint of the old key.
        new: the emulator's fingerprint of the new key.
    """
    used = only_api(rows)
    before = sum(row.key == old and row.key_accepted for row in used)
    refused = sum(row.key_dead for row in used)
    accepted = [row for row in used if row.key == new and row.key_accepted]
    lost = count_lost(rows, lambda row: row.key_dead)
    late = _count_after(used, old, accepted)
    yield Proof("old-key", before > 0, f"requests accepted with the old key {old}, before it was rotated: {before}")
    yield Proof(
        name="new-key",
        holds=bool(accepted),
        text=f"requests accepted with the new key {new}, after it was written to the key file: {len(accepted)}",
        fix="Read the key file again when the provider refuses the key.",
    )
    yield Proof(
        name="refused",
        holds=refused <= MAX_REFUSED,
        text=f"requests refused because of the dead key: {refused} (at most {MAX_REFUSED})",
        fix="Send nothing with a key that was refused: wait until its file has another one.",
    )
    yield Proof("lost", lost == 0, f"requests refused with the dead key that were never made again: {lost}")
    yield Proof("old-key-late", late == 0, f"requests with the old key after the new one was accepted: {late}")
    yield prove_key_kept(rows)


def prove_server_errors(rows: Sequence[LedgerRow]) -> Iterator[Proof]:
    """Prove that reads were retried after a 5xx, and not more often than needed."""
    reads = [row for row in rows if row.method not in UNSAFE]
    failed = sum(_is_server_error(row) for row in reads)
    lost = count_lost(reads, _is_server_error)
    yield Proof("lost", lost == 0, f"reads with a 5xx that were never made again: {lost} of {failed}")
    yield prove_amplification(rows)


def prove_single_effects(rows: Sequence[LedgerRow]) -> Iterator[Proof]:
    """Prove that objects whose creation lost its response were not created twice."""
    created: set[tuple[str, ...]] = set()
    again: set[tuple[str, ...]] = set()
    for row in only_api(rows):
        identity = (row.method, row.path, row.query, row.body_sha256)
        if identity in created and row.effect:
            again.add(identity)
        if row.fault == "lost_reply" and row.effect:
            created.add(identity)
    yield Proof(
        name="created-twice",
        holds=not again,
        text=f"creations with a lost response that happened twice: {len(again)} of {len(created)}",
        fix="Do not repeat a POST without a response; check first whether it took effect (`exactly_once` does).",
    )


def _is_server_error(row: LedgerRow) -> bool:
    return row.status is not None and row.status >= SERVER_ERROR


def _count_after(rows: Iterable[LedgerRow], old: str, accepted: Sequence[LedgerRow]) -> int:
    """Count requests with the old key that arrived after the new one was accepted, when their senders could know."""
    if not accepted:
        return 0
    known_at = accepted[0].ended_real_s or accepted[0].arrived_real_s
    return sum(row.key == old and row.arrived_real_s > known_at + GRACE_REAL_S + LAGS * row.lag_real_s for row in rows)

# SPDX-License-Identifier: Apache-2.0
"""The ledger: one row for every request that reached an emulated provider, to judge any client by."""

from __future__ import annotations

from typing import Literal

import msgspec

ServerKind = Literal["api", "storage", "control"]


class LedgerRow(msgspec.Struct, frozen=True):
    """One request that arrived. It never holds a key, only the key's fingerprint.

    Times with `_real_s` are by the machine's monotonic clock, the others by the emulator's.

    Attributes:
        place: the server that received it; the control server records only requests that carry a key.
        arrived_s: when the first byte came.
        arrived_real_s: the same in real seconds.
        lag_real_s: by how many real seconds the emulator's own event loop was late then: how busy the machine was.
        operation: the operation's name, None for an unknown route.
        method: the HTTP method.
        path: the path, with keys replaced.
        query: the raw query, with keys replaced.
        body_sha256: digest of the body in hex, empty for an empty body.
        broken: the client disconnected before it had sent the body.
        key: fingerprint of the key in the Authorization header, None without one.
        key_accepted: the key was checked and is alive.
        key_dead: the response says that the key is unknown, expired or disabled.
        key_misplaced: the request carried a key where none belongs: at storage or control, or in the URL.
        quota: the class of requests under which quotas count it, empty where there are no classes.
        fault: the fault that was injected.
        status: the status that was written, None while nothing was.
        whole: the response was written to its end.
        effect: something was created, changed or deleted.
        sent_bytes: how much of the body was written.
        wrong_bytes: how many of the written bytes differ from the stored object.
        retry_until_s: until when the response asked the client to wait.
        ended_s: when the last byte was written or the connection was cut.
        ended_real_s: the same in real seconds.
    """

    place: ServerKind
    arrived_s: float
    arrived_real_s: float
    operation: str | None
    method: str
    path: str
    query: str = ""
    lag_real_s: float = 0.0
    body_sha256: str = ""
    broken: bool = False
    key: str | None = None
    key_accepted: bool = False
    key_dead: bool = False
    key_misplaced: bool = False
    quota: str = ""
    fault: str | None = None
    status: int | None = None
    whole: bool = False
    effect: bool = False
    sent_bytes: int = 0
    wrong_bytes: int = 0
    retry_until_s: float | None = None
    ended_s: float | None = None
    ended_real_s: float | None = None


class LedgerEntry(msgspec.Struct):
    """Holds the row of one request; the row is replaced whenever more is known."""

    row: LedgerRow


class RequestLedger:
    """The rows in the order of their arrival."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[LedgerEntry] = []

    def record(self, row: LedgerRow) -> LedgerEntry:
        """Add a row and return its entry, to which the rest is written even if the ledger is cleared meanwhile."""
        entry = LedgerEntry(row)
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget all rows."""
        self._entries = []

    def rows(self) -> list[LedgerRow]:
        """Return all rows in the order in which their first bytes came."""
        return sorted((entry.row for entry in self._entries), key=lambda row: row.arrived_s)

# SPDX-License-Identifier: Apache-2.0
"""Signals through PostgreSQL: `LISTEN` on a separate connection, in a thread.

Each notification also increments a counter per topic in a table, which shows a listener what it missed while its
connection was broken. A pooler in transaction mode does not forward notifications: a listener detects that with a
probe, sent on another connection, that does not arrive; from then on it reads the table once a second.
"""

from __future__ import annotations

import random
import secrets
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import psycopg

from callwell.errors import StateError
from callwell.forks import reset_after_fork
from callwell.state.logs import LOGGER
from callwell.state.postgres_connection import QUERIES, leave_to_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.state.postgres_connection import Connection

    Counts = dict[bytes, int]

PROBE_S: Final = 2.0
"""Seconds within which a probe arrives if it ever does: two round trips and a busy server."""

POLL_S: Final = 1.0
"""Seconds between two reads of the table if notifications do not arrive."""

RETRY_S: Final = (0.2, 1.0)
"""Range of the random delay in seconds before a broken connection is reopened, so that a fleet does not reconnect all
at once."""

PROBE_CHANNEL: Final = "callwell_probe"


class PostgresSignals:
    """Creates listeners.

    Args:
        connect: opens a connection.
        probe: notifies the probe channel on another connection.
        name: the database's name in messages.
    """

    def __init__(self, connect: Callable[[], Connection], probe: Callable[[str], None], *, name: str) -> None:
        self.connect = connect
        self.probe = probe
        self.name = name

    def receive(self, deliver: Callable[[str], None]) -> Callable[[], None]:
        """Call `deliver` with each topic, in a thread, until the returned function is called.

        Raises:
            psycopg.Error: the server cannot be reached.
        """
        return PostgresListener(self, deliver).stop


class PostgresListener:
    """A thread that waits for notifications.

    Args:
        signals: opens connections.
        deliver: called with each topic.
    """

    def __init__(self, signals: PostgresSignals, deliver: Callable[[str], None]) -> None:
        self._signals = signals
        self._deliver = deliver
        self._nonce = secrets.token_hex(8)
        self._probed = False
        self._direct = True
        self._schema = ""
        self._connection: Connection | None = None
        self._counts = self._begin()
        self._wake, self._woken = socket.socketpair()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="callwell signals", daemon=True)
        reset_after_fork(self)
        self._thread.start()

    def after_fork(self) -> None:
        """The connection is the parent's."""
        leave_to_parent(self._connection)
        self._connection = None
        self._wake.close()
        self._woken.close()

    def stop(self) -> None:
        """End the thread, and close its connection. Nothing is delivered once this returns."""
        self._stopped.set()
        with suppress(OSError):  # a thread that was about to check has already seen it, and ended
            self._wake.send(b".")
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    self._listen()
                except (psycopg.Error, StateError):
                    self._disconnect()
                    self._wait(random.uniform(*RETRY_S))  # noqa: S311 - not a secret
        finally:
            self._disconnect()
            self._wake.close()
            self._woken.close()

    def _listen(self) -> None:
        """Deliver topics until the connection breaks or this is stopped."""
        if self._connection is None:
            self._deliver_missed(self._begin())
        if not self._probed:
            self._check_direct_connection()
        while not self._stopped.is_set():
            if self._direct:
                self._wait(None)
                self._deliver_arrived()
            else:
                self._wait(POLL_S)
                self._deliver_missed(self._read_counts())

    def _begin(self) -> Counts:
        """Open the connection, and listen; returns how often each topic was notified so far."""
        self._connection = self._signals.connect()
        self._connection.add_notify_handler(self._on_notify)
        (self._schema,) = self._connection.execute(QUERIES["current_schema"]).fetchone() or ("",)
        self._connection.execute(QUERIES["listen"])
        return self._read_counts()

    def _read_counts(self) -> Counts:
        if self._connection is None:
            return {}
        rows = self._connection.execute(QUERIES["signals"]).fetchall()
        return {bytes(topic): count for topic, count in rows}

    def _deliver_missed(self, counts: Counts) -> None:
        missed = [topic for topic, count in counts.items() if self._counts.get(topic) != count]
        self._counts = counts
        for topic in missed:
            self._deliver(topic.decode())

    def _check_direct_connection(self) -> None:
        self._signals.probe(self._nonce)
        until = time.monotonic() + PROBE_S
        while not self._probed and not self._stopped.is_set():
            left_s = until - time.monotonic()
            if left_s <= 0:
                break
            self._wait(left_s)
            self._deliver_arrived()
        if self._probed or self._stopped.is_set():
            return
        self._probed = True
        self._direct = False
        LOGGER.warning(
            "%s does not forward notifications, like a pooler in transaction mode: changes by other processes are "
            "polled once a second; connect to the server itself to get them immediately",
            self._signals.name,
        )

    def _deliver_arrived(self) -> None:
        """Deliver the notifications that the server has sent."""
        if self._connection is None:
            return
        server = self._connection.pgconn
        server.consume_input()
        while (found := server.notifies()) is not None:
            self._on_arrival(found.relname.decode(), found.extra.decode())

    def _on_notify(self, found: psycopg.Notify) -> None:
        self._on_arrival(found.channel, found.payload)

    def _on_arrival(self, channel: str, payload: str) -> None:
        if channel == PROBE_CHANNEL:
            self._probed = self._probed or payload == self._nonce
            return
        schema, _, topic = payload.rpartition(":")
        if schema == self._schema:
            self._deliver(bytes.fromhex(topic).decode(errors="replace"))

    def _wait(self, seconds: float | None) -> None:
        """Wait for the server, for `stop`, or for this many seconds."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            if self._connection is not None and self._direct:
                selector.register(self._connection.fileno(), selectors.EVENT_READ)
            selector.select(seconds)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

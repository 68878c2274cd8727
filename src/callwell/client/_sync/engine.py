# SPDX-License-Identifier: Apache-2.0
# Generated from _async/engine.py by tools/unasync.py; do not edit
"""The driver: it carries out what the core decides, and gives every permit and key back, also when it is cancelled."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from callwell.client import answers
from callwell.client._sync.line import Line
from callwell.client._sync.primitives import sleep
from callwell.client.account import PAUSE_S, End
from callwell.client.answers import Answer, Reading
from callwell.client.binding import headers
from callwell.core import call as machine
from callwell.core import retry
from callwell.core.types import (
    Acquire,
    Denied,
    Fail,
    Finish,
    Granted,
    Lost,
    Outcome,
    Rekey,
    Rekeyed,
    Send,
    Started,
    Wait,
    Woken,
)
from callwell.errors import ClosedError
from callwell.observe.logs import LOGGER, log
from callwell.observe.notices import AttemptEnded, CallEnded, Waiting
from callwell.transport.base import NoReply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client._sync.keyholder import Keyholder
    from callwell.client.account import Account
    from callwell.client.order import Order
    from callwell.clock import Clock
    from callwell.core.permits import Permit
    from callwell.core.rules import Profile
    from callwell.core.types import Event
    from callwell.keys import Key
    from callwell.observe.notices import Notice
    from callwell.transport.base import Response, Transport


class Trip:
    """What one call has in hand while it is under way."""

    __slots__ = ("closes_at", "key", "last", "order", "permit", "retrying", "sending", "url")

    def __init__(self, order: Order, url: str) -> None:
        self.order = order
        self.url = url
        self.permit: Permit | None = None
        self.key: tuple[int, Key] | None = None
        self.sending = False
        self.closes_at = 0.0
        self.retrying = False
        self.last: Reading | NoReply | None = None


class Engine:
    """Makes the calls of one client.

    Args:
        profile: how the provider behaves.
        base_url: the environment's address, without a slash at its end.
        account: permits and retry budget.
        keys: the keys.
        transport: how requests are sent.
        clock: whose seconds are meant.
        on_notice: the caller's hook.
    """

    def __init__(
        self,
        profile: Profile,
        base_url: str,
        *,
        account: Account,
        keys: Keyholder,
        transport: Transport,
        clock: Clock,
        on_notice: Callable[[Notice], None] | None,
    ) -> None:
        self.profile = profile
        self.base_url = base_url
        self.account = account
        self.keys = keys
        self.transport = transport
        self.clock = clock
        self.roll = random.random
        self.closed = False
        self._on_notice = on_notice
        self._lines: dict[tuple[str, ...], Line] = {}

    def run(self, order: Order) -> Answer:
        """Make a call.

        Raises:
            CallwellError: see `callwell.errors`.
        """
        self.check_open(order.operation)
        began = self.clock.now()
        rule = retry.eager(self.profile.retry) if order.choices.retry_unsafe_5xx else self.profile.retry
        state = machine.Call(order.traits, rule, began + order.choices.deadline_s)
        trip = Trip(order, self.base_url + order.bound.target)
        event: Event = Started()
        try:
            while True:
                state, action = machine.advance(state, event, self.clock.now(), self.roll())
                match action:
                    case Acquire(until):
                        event = self._acquire(trip, until)
                    case Send(attempt):
                        event = self._send(trip, attempt, state.deadline)
                    case Wait(until, why):
                        event = self._wait(trip, until, why)
                    case Rekey(generation, until):
                        event = self._rekey(trip, generation, until)
                    case Finish(attempts, result):
                        self._ended(trip, attempts, Outcome.DONE, began)
                        return self._result(trip, attempts, result=result)
                    case Fail():
                        self._ended(trip, action.attempts, action.outcome, began)
                        raise self._error(trip, action)
                    case _:
                        raise machine.IllegalEvent(f"no driver for {action}")
        finally:
            self._give_back(trip)

    def check_open(self, operation: str) -> None:
        """See that the client was not closed.

        Raises:
            ClosedError: it was.
        """
        if self.closed:
            raise ClosedError(f"{self.profile.name} {operation}: the client was closed")

    def _acquire(self, trip: Trip, until: float) -> Event:
        names, choices = trip.order.quotas, trip.order.choices
        line = self._lines.get(names) or self._lines.setdefault(names, Line(self.account, names, self.clock))
        while trip.key is None:
            got = line.take(
                until, choices.priority, retrying=trip.retrying, told=lambda s: self._tell_wait(trip, s, "quota")
            )
            if isinstance(got, float):
                return Denied(got)
            trip.permit = got
            trip.key = self.keys.lend()
            if trip.key is None:
                self._give_back(trip)
                self._rekey(trip, -1, min(until, self.clock.now() + self.profile.retry.rekey_wait_s))
        return Granted(trip.key[0])

    def _send(self, trip: Trip, attempt: int, deadline: float) -> Event:
        self.check_open(trip.order.operation)
        permit, held, bound = trip.permit, trip.key, trip.order.bound
        if permit is None or held is None or self.clock.now() - permit.taken_at > PAUSE_S:
            self._give_back(trip)
            return Lost(Outcome.REFUSED)
        began = self.clock.now()
        longest_s = min(self.profile.retry.attempt_s, max(0.001, deadline - began))
        request = Request(
            bound.method,
            trip.url,
            headers(bound, self.profile.key, held[1]),
            bound.body,
            timeout_s=self.clock.real_s(longest_s),
            keep_status=not trip.order.traits.repeatable,
        )
        trip.sending, trip.closes_at = True, began + longest_s
        response = self.transport.send(request)
        trip.sending = False
        trip.retrying = True
        return self._learn(trip, response, attempt, self.clock.now() - began)

    def _learn(self, trip: Trip, response: Response | NoReply, attempt: int, seconds: float) -> Event:
        if isinstance(response, NoReply):
            trip.last = response
            again = self._settle(trip, End(response.outcome), accepted=False)
            self._tell(trip, attempt, None, None, response.reason, seconds)
            return Lost(response.outcome, again)
        secrets = () if trip.key is None else (trip.key[1].reveal(),)
        reading = answers.read(
            self.profile.errors, response, trip.url, self.clock.wall(), secrets, described=trip.order.described
        )
        trip.last = reading
        if reading.moved_to is not None:
            trip.url = reading.moved_to
        shown = answers.event(self.profile.errors, reading, retry=True)
        end = End(Outcome.DONE, response.status, reading.wait_s)
        again = self._settle(trip, end, accepted=not shown.dead_key and response.status < 500)  # noqa: PLR2004
        self._tell(trip, attempt, response.status, reading.code, "", seconds)
        return shown if again else shown._replace(retry=False)

    def _wait(self, trip: Trip, until: float, why: str) -> Event:
        seconds = until - self.clock.now()
        self._tell_wait(trip, seconds, why)
        sleep(self.clock.real_s(seconds))
        return Woken()

    def _rekey(self, trip: Trip, generation: int, until: float) -> Event:
        self._tell_wait(trip, until - self.clock.now(), "key")
        return Rekeyed(self.keys.renew(generation, until))

    def _settle(self, trip: Trip, end: End, *, accepted: bool) -> bool:
        permit, held = trip.permit, trip.key
        trip.permit = trip.key = None
        if held is not None:
            self.keys.settle(held[0], accepted=accepted)
        again = True if permit is None else self.account.settle(trip.order.quotas, permit, end)
        self._settled()
        return again

    def _give_back(self, trip: Trip) -> None:
        if trip.sending:
            trip.sending = False
            open_s = max(0.0, trip.closes_at - self.clock.now())
            self._settle(trip, End(Outcome.UNKNOWN, open_s=open_s), accepted=False)
        if trip.permit is not None:
            self.account.unsent(trip.order.quotas, trip.permit)
            trip.permit = None
            self._settled()
        if trip.key is not None:
            self.keys.settle(trip.key[0], accepted=False)
            trip.key = None

    def _settled(self) -> None:
        for line in tuple(self._lines.values()):
            line.settled()

    def _result(self, trip: Trip, attempts: int, *, result: bool) -> Answer:
        reading = trip.last
        if not isinstance(reading, Reading):
            raise machine.IllegalEvent("a call finished without an answer")
        answer = reading.answer._replace(attempts=attempts)
        return answer if result else answer._replace(json=None)

    def _error(self, trip: Trip, fail: Fail) -> Exception:
        at_wall = self.clock.wall() + fail.at - self.clock.now()
        error = answers.error(
            fail,
            provider=self.profile.name,
            operation=trip.order.operation,
            last=trip.last,
            at_wall=at_wall,
            where=self.keys.where,
        )
        if isinstance(trip.last, NoReply):
            error.__cause__ = trip.last.cause
        return error

    def _tell(  # noqa: PLR0917 - private
        self, trip: Trip, attempt: int, status: int | None, code: str | None, reason: str, seconds: float
    ) -> None:
        if self._on_notice is not None or LOGGER.isEnabledFor(logging.DEBUG):
            name = trip.order.operation
            self.notify(AttemptEnded(self.profile.name, name, attempt, status, code, reason, seconds))

    def _tell_wait(self, trip: Trip, seconds: float, why: str) -> None:
        self.notify(Waiting(self.profile.name, trip.order.operation, max(0.0, seconds), why))

    def _ended(self, trip: Trip, attempts: int, outcome: Outcome, began: float) -> None:
        if self._on_notice is not None or outcome is not Outcome.DONE or LOGGER.isEnabledFor(logging.DEBUG):
            seconds = self.clock.now() - began
            self.notify(CallEnded(self.profile.name, trip.order.operation, attempts, str(outcome), seconds))

    def notify(self, notice: Notice) -> None:
        """Log a notice and show it to the caller's hook."""
        log(notice)
        if self._on_notice is not None:
            try:
                self._on_notice(notice)
            except Exception:  # noqa: BLE001 - whatever the caller's hook raises
                LOGGER.exception("a hook failed")

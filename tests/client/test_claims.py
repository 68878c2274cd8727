# SPDX-License-Identifier: Apache-2.0
"""What one process claims in a database that machines share, another takes over when the claim has ended.

Each claim meets each fate of its holder, whatever the machines' own clocks say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import pytest

from callwell.client.exactly_once.entry import Entry, Status
from callwell.client.exactly_once.holder import LIVE_HOLDERS, new_holder
from callwell.client.exactly_once.recorder import LEASE_S as CALL_S
from callwell.client.exactly_once.store import LedgerStore
from callwell.client.tokens.store import IssuedTokens, TokenPair, TokenStore
from callwell.client.uploads.options import position_cell
from callwell.client.uploads.position import LEASE_S as UPLOAD_S
from callwell.client.uploads.position import UploadPosition
from callwell.clock import SystemClock
from callwell.core.call import Call
from callwell.core.ranges import PieceRange
from callwell.core.rules.profile import RetryRule
from callwell.core.tokens import LEASE_S as TOKEN_S
from callwell.core.tokens import ObtainTokens, UseToken
from callwell.core.types import Traits
from callwell.core.upload import Upload
from callwell.keys import Key
from callwell.state import MemoryState, open_state
from tests.client.acme import KEY
from tests.client.shop import dead_process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.clock import Clock
    from callwell.state.base import State

CELL: Final = position_cell("account", "films.send", ["film"])
EPOCH_S: Final = 1_700_000_000.0
DAY_S: Final = 86_400.0


class Server(MemoryState):
    """A database with a clock of its own, which is right."""

    shared = True

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def update(self, cell: Any, change: Any) -> Any:
        """Change a record, which may ask for the time."""
        self.server_wall = EPOCH_S + self.passed_s
        return super().update(cell, change)


class MachineClock(NamedTuple):
    """The clock of a machine.

    Attributes:
        server: time passes as it does there.
        up_s: seconds since the machine has started, at first.
        ahead_s: by how much its time of day is wrong.
    """

    server: Server
    up_s: float
    ahead_s: float

    def now(self) -> float:
        """Monotonic seconds."""
        return self.up_s + self.server.passed_s

    def wall(self) -> float:
        """The time of day."""
        return EPOCH_S + self.ahead_s + self.server.passed_s

    def real_s(self, seconds: float) -> float:
        """As they are."""
        return seconds

    def __str__(self) -> str:
        return f"up {self.up_s}"


class Claim(Protocol):
    """One kind of claim, of one process.

    Attributes:
        lasts_s: how long it lasts where its holder cannot be seen.
        can_be_seen: its holder can be seen on the same machine.
    """

    lasts_s: float
    can_be_seen: bool

    def __init__(self, server: State, clock: Clock, holder: str) -> None: ...

    def claim(self) -> bool:
        """Claim it; False if another holds it."""
        ...

    def carry_out(self) -> bool:
        """Do what was claimed, and record that; False if it belongs to another by now."""
        ...


class CallClaim:
    """A call that is made exactly once."""

    lasts_s = CALL_S
    can_be_seen = True

    def __init__(self, server: State, clock: Clock, holder: str) -> None:
        self.ledger = LedgerStore("account", server, clock)
        self.clock = clock
        self.holder = holder
        self.entry = Entry()

    def claim(self) -> bool:
        """Claim its name."""
        wall = self.clock.wall()
        now = self.clock.now()
        call = Call(traits=Traits(repeatable=False), rule=RetryRule(), deadline_at=float("inf"), last_closed_at=wall)
        draft = Entry(
            name="order-1",
            named=True,
            digest="d",
            holder=self.holder,
            began=wall,
            changed=wall,
            call=call,
            held_until_wall=wall + CALL_S,
            held_until=now + CALL_S,
            clock_name=self.ledger.clock_name,
            wall_offset_s=wall - now,
        )
        self.entry = self.ledger.claim(draft)
        return self.entry.holder == self.holder

    def carry_out(self) -> bool:
        """Record the next attempt."""
        return self.ledger.write(self.entry._replace(status=Status.OPEN))


class TokenClaim:
    """The renewal of a token."""

    lasts_s = TOKEN_S
    can_be_seen = False

    def __init__(self, server: State, clock: Clock, holder: str) -> None:
        self.store = TokenStore("account", server, clock)
        self.clock = clock
        self.holder = holder
        self.key = Key(KEY)

    def claim(self) -> bool:
        """Take the lease."""
        step, _ = self.store.decide(self.key, self.holder)
        return isinstance(step, ObtainTokens)

    def carry_out(self) -> bool:
        """Store a token."""
        issued = IssuedTokens(
            TokenPair(Key(f"token of {self.holder}"), None), asked_at=self.clock.now(), expires_in_s=60.0
        )
        self.store.record_obtained(self.key, self.holder, issued, 1.0)
        step, stored = self.store.observe(self.key)
        return isinstance(step, UseToken) and stored.pair is not None and stored.pair.access == issued.pair.access


class UploadClaim:
    """The record of an upload: who is the last at work on it ends it."""

    lasts_s = UPLOAD_S
    can_be_seen = True

    def __init__(self, server: State, clock: Clock, holder: str) -> None:
        self.server = server
        self.position = UploadPosition(server, CELL, ledger=LedgerStore("account", server, clock), name="films.send")
        self.position.holder = holder
        self.upload = Upload(100, size=1000, total=10)

    def claim(self) -> bool:
        """Join it, and be the last one who is at work on it."""
        entered = self.position.enter(CELL, self.upload)
        self.upload = self.position.store_target(CELL, entered.upload, "f1")
        return self.upload.holders == (self.position.holder,)

    def carry_out(self) -> bool:
        """End it, or store where it stands."""
        sent = (PieceRange(1, 1),)
        self.position.store(self.upload._replace(sent=sent))
        return self.server.read(CELL).sent == sent


CLAIMS: Final[dict[str, type[Claim]]] = {"call": CallClaim, "token": TokenClaim, "upload": UploadClaim}


@pytest.fixture(params=[(0.0, 0.0), (600.0, -600.0), (-DAY_S, 5.0), (DAY_S, -DAY_S)], ids=str)
def machines(request: pytest.FixtureRequest) -> Iterator[tuple[Server, MachineClock, MachineClock]]:
    """A database, and two machines with wrong clocks."""
    server = Server()
    first, second = request.param
    yield server, MachineClock(server, 5_000.0, first), MachineClock(server, 90.0, second)
    LIVE_HOLDERS.clear()


def of_other_machine(name: str) -> str:
    """A holder that cannot be seen from here."""
    return f"{name}|12|34|56"


@pytest.mark.parametrize("name", CLAIMS)
def test_a_holder_on_this_machine_is_seen(name: str, machines: tuple[Server, MachineClock, MachineClock]) -> None:
    """While it lives its claim stays, however long that is; the renewal of a token is a short lease, and no more."""
    server, clock, _ = machines
    living = new_holder()
    LIVE_HOLDERS.add(living)
    claim = CLAIMS[name]
    assert claim(server, clock, living).claim()
    assert not claim(server, clock, of_other_machine("b")).claim()
    server.passed_s += claim.lasts_s + 1.0
    assert claim(server, clock, of_other_machine("c")).claim() is not claim.can_be_seen


@pytest.mark.parametrize("name", ["call", "upload"])
def test_a_dead_process_of_this_machine_holds_nothing(
    name: str, machines: tuple[Server, MachineClock, MachineClock]
) -> None:
    """It is seen to be dead."""
    server, clock, _ = machines
    machine = new_holder().partition("|")[0]
    assert CLAIMS[name](server, clock, f"{machine}|{dead_process()}|1|2").claim()
    assert CLAIMS[name](server, clock, new_holder()).claim()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_dead_holder_on_another_machine_is_waited_for_until_its_lease_ends(
    name: str, machines: tuple[Server, MachineClock, MachineClock]
) -> None:
    """Neither earlier nor later than the server's clock says."""
    server, first, second = machines
    claim = CLAIMS[name]
    assert claim(server, first, of_other_machine("a")).claim()
    server.passed_s += claim.lasts_s - 1.0
    assert not claim(server, second, of_other_machine("b")).claim()
    server.passed_s += (claim.lasts_s if name == "upload" else 0.0) + 2.0  # an upload has been joined meanwhile
    assert claim(server, second, of_other_machine("c")).claim()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_slow_holder_that_comes_back_late_changes_nothing(
    name: str, machines: tuple[Server, MachineClock, MachineClock]
) -> None:
    """Another has taken over and has ended: the late one is not the holder any more."""
    server, first, second = machines
    claim = CLAIMS[name]
    slow = claim(server, first, of_other_machine("a"))
    assert slow.claim()
    server.passed_s += claim.lasts_s + 1.0
    other = claim(server, second, of_other_machine("b"))
    assert other.claim()
    if isinstance(other, UploadClaim):
        other.position.delete()
    else:
        assert other.carry_out()
    assert not slow.carry_out()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_holder_that_is_on_time_carries_it_out(
    name: str, machines: tuple[Server, MachineClock, MachineClock]
) -> None:
    """Even if the other machine has looked at it meanwhile."""
    server, first, second = machines
    claim = CLAIMS[name]
    holder = claim(server, first, of_other_machine("a"))
    assert holder.claim()
    assert not claim(server, second, of_other_machine("b")).claim()
    assert holder.carry_out()


def test_a_token_is_used_on_all_machines(machines: tuple[Server, MachineClock, MachineClock]) -> None:
    """Until it ends: none of them replaces the token of another."""
    server, first, second = machines
    obtained = TokenClaim(server, first, "a")
    assert obtained.claim()
    assert obtained.carry_out()
    other = TokenClaim(server, second, "b")
    for passed_s, is_used in ((0.0, True), (58.0, True), (2.0, False)):
        server.passed_s += passed_s
        step, stored = other.store.decide(other.key, "b")
        assert isinstance(step, UseToken) is is_used
        assert stored.pair is not None


def test_times_of_a_call_are_those_of_the_machine_that_reads_them(
    machines: tuple[Server, MachineClock, MachineClock],
) -> None:
    """When its last request has ended is one moment everywhere: a probe waits for it neither too short nor too long."""
    server, first, second = machines
    holder = CallClaim(server, first, of_other_machine("a"))
    assert holder.claim()
    server.passed_s += CALL_S + 1.0
    other = CallClaim(server, second, of_other_machine("b"))
    assert other.claim()
    assert other.entry.call is not None
    closed_at = other.entry.call.last_closed_at - other.entry.wall_offset_s
    assert closed_at == pytest.approx(second.now() - CALL_S - 1.0, abs=0.001)


class WrongClock(SystemClock):
    """The clock of a machine that is wrong.

    Args:
        ahead_s: by how much its time of day is wrong.
    """

    def __init__(self, ahead_s: float) -> None:
        self.ahead_s = ahead_s

    def now(self) -> float:
        """Monotonic seconds since another moment, which is never yet to come: this machine may have just started."""
        return super().now() + DAY_S + self.ahead_s / 7

    def wall(self) -> float:
        """The time of day."""
        return super().wall() + self.ahead_s

    def __str__(self) -> str:
        return f"wrong by {self.ahead_s}"


@pytest.mark.parametrize("name", CLAIMS)
def test_machines_that_share_a_postgresql_agree(name: str, postgres_url: str) -> None:
    """What one has claimed the other leaves to it, though their clocks are a day apart; a token is used by both."""
    state = open_state(postgres_url)
    claim = CLAIMS[name]
    try:
        holder = claim(state, WrongClock(-DAY_S), of_other_machine("a"))
        other = claim(state, WrongClock(600.0), of_other_machine("b"))
        assert holder.claim()
        assert not other.claim()
        assert holder.carry_out()
        if isinstance(other, TokenClaim):
            step, stored = other.store.decide(other.key, "b")
            assert isinstance(step, UseToken)
            assert stored.pair is not None
    finally:
        state.close()

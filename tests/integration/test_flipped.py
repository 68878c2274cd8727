# SPDX-License-Identifier: Apache-2.0
"""Bytes of a state that change by themselves: whatever they were, no quota is lent out twice."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from callwell.core.quota.lease_records import FleetRecord
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import SendEnd
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from callwell.errors import StateError
from callwell.state import open_state
from callwell.state.base import Cell
from callwell.state.checksums import add_checksum
from callwell.testing import ManualClock
from tests.client.acme import acme
from tests.integration.leased import Process

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.state.base import State

QUOTAS = {"minute": QuotaRule(limit=5, window_s=60), "day": QuotaRule(limit=9, window_s=86_400)}
NAMES = tuple(QUOTAS)
NOW = 5_000.0
FLIPS = 150


def account(state: State) -> Process:
    """The account, as a process sees it that has just begun."""
    return Process(acme(QUOTAS).profile, state, ManualClock(now=NOW))


def used_up(path: Path) -> bytes:
    """A state with the minute used up, and what its record looks like."""
    state = open_state(f"sqlite:///{path}")
    using = account(state)
    for number in range(5):
        permit = using.acquire(NAMES)
        assert isinstance(permit, Permit)
        if number:
            using.release(NAMES, permit, SendEnd(Outcome.DONE, 200))
    using.account.exchange()
    state.close()
    direct = sqlite3.connect(path)
    (stored,) = direct.execute("SELECT value FROM cells").fetchone()
    direct.close()
    assert isinstance(stored, bytes)
    return stored


def lent(path: Path) -> int:
    """How many permits a process gets that comes next."""
    count = 0
    try:
        state = open_state(f"sqlite:///{path}")
    except StateError:
        return 0
    try:
        asking = account(state)
        while count < 20 and isinstance(asking.acquire(NAMES), Permit):
            count += 1
    except StateError:
        pass  # it was noticed
    finally:
        state.close()
    return count


def flipped(data: bytes, at: int, dice: random.Random) -> bytes:
    """The same with another byte in one place."""
    changed = bytearray(data)
    changed[at] ^= dice.randrange(1, 256)
    return bytes(changed)


def test_a_byte_of_the_record(tmp_path: Path) -> None:
    """Each byte of the record in turn is another one: nothing is lent."""
    path = tmp_path / "state.db"
    stored = used_up(path)
    direct = sqlite3.connect(path, isolation_level=None)
    dice = random.Random(1)
    state = open_state(f"sqlite:///{path}")
    for at in range(len(stored)):
        direct.execute("UPDATE cells SET value = ?", (flipped(stored, at, dice),))
        assert not isinstance(account(state).acquire(NAMES), Permit)
    state.close()
    direct.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_byte_of_the_file(tmp_path: Path, seed: int) -> None:
    """Any byte of the file that means something is another one, names and pages included: nothing is lent."""
    path = tmp_path / "state.db"
    used_up(path)
    whole = path.read_bytes()
    meaningful = [at for at, byte in enumerate(whole) if byte]
    dice = random.Random(seed)
    for at in dice.sample(meaningful, min(FLIPS, len(meaningful))):
        path.write_bytes(flipped(whole, at, dice))
        assert lent(path) == 0, at


def test_a_record_that_has_become_text(tmp_path: Path) -> None:
    """The flipped byte was the type of the record, and its bytes are not UTF-8: the state is reported as damaged."""
    path = tmp_path / "state.db"
    used_up(path)
    direct = sqlite3.connect(path, isolation_level=None)
    direct.execute("UPDATE cells SET value = CAST(x'ff00fe' AS TEXT)")
    direct.close()
    state = open_state(f"sqlite:///{path}")
    with pytest.raises(StateError, match="is damaged"):
        account(state).acquire(NAMES)
    state.close()


def test_a_record_under_another_name(tmp_path: Path) -> None:
    """The name of a record has become another: that the record is missing is not proof that nothing was used."""
    path = tmp_path / "state.db"
    used_up(path)
    direct = sqlite3.connect(path, isolation_level=None)
    direct.execute("UPDATE cells SET key = 'fleet:y'")
    direct.close()
    assert lent(path) == 0


def test_a_record_of_another_account_is_no_doubt(tmp_path: Path) -> None:
    """Other accounts in the same file, and intact records, delay no call."""
    path = tmp_path / "state.db"
    used_up(path)
    state = open_state(f"sqlite:///{path}")
    state.update(Cell("fleet:y", FleetRecord, FleetRecord()), lambda shared: (shared, None))
    other = Process(acme(QUOTAS).profile, state, ManualClock(now=NOW), name="z")
    assert isinstance(other.acquire(NAMES), Permit)
    state.close()


@pytest.mark.parametrize("cool", [1, -3, 5, 1_000_000])
def test_permits_that_do_not_add_up(tmp_path: Path, cool: int) -> None:
    """A record with more or fewer permits than its quota has is not believed, whatever its checksum says."""
    path = tmp_path / "state.db"
    stored = used_up(path)
    record = msgspec.msgpack.decode(stored[4:], type=FleetRecord)
    pool = record.account.buckets
    (minute,) = [key for key in pool if key.startswith("minute")]
    buckets = pool | {minute: replace(pool[minute], available=cool)}
    wrong = replace(record, account=replace(record.account, buckets=buckets))
    direct = sqlite3.connect(path, isolation_level=None)
    direct.execute("UPDATE cells SET value = ?", (add_checksum("fleet:x", msgspec.msgpack.encode(wrong)),))
    direct.close()
    assert lent(path) == 0


def test_a_file_from_before_checksums(tmp_path: Path) -> None:
    """Its records get theirs when it is first opened, and what they say holds."""
    path = tmp_path / "state.db"
    stored = used_up(path)
    direct = sqlite3.connect(path, isolation_level=None)
    direct.execute("UPDATE cells SET value = ?", (stored[4:],))
    direct.executescript("DROP TABLE steps; ALTER TABLE cells DROP COLUMN changed_at; PRAGMA user_version = 0")
    direct.close()
    assert lent(path) == 0
    state = open_state(f"sqlite:///{path}")
    assert account(state).spent() == {"minute": (5, 5), "day": (5, 9)}
    state.close()


def test_a_file_of_a_newer_version(tmp_path: Path) -> None:
    """It is refused, and not touched."""
    path = tmp_path / "state.db"
    used_up(path)
    direct = sqlite3.connect(path, isolation_level=None)
    direct.execute("PRAGMA user_version = 99")
    direct.close()
    with pytest.raises(StateError, match="written by a newer version of Callwell"):
        open_state(f"sqlite:///{path}")

# SPDX-License-Identifier: Apache-2.0
"""Clients of one account in one process: they share what it holds, in whatever order they are closed."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from callwell import Client, Key
from callwell.client.quota.leases.account import LeasedAccount
from callwell.client.quota.leases.keeper import KEEPERS
from callwell.client.quota.permit_batch import AccountHandle, PermitBatcher
from callwell.clock import SystemClock
from callwell.core.quota.permits import Permit
from callwell.core.rules.profile import QuotaRule
from callwell.errors import DeadlineExceeded
from callwell.observe.notices import Waiting
from callwell.state import MemoryState, open_state
from callwell.testing import ScriptedTransport
from tests.client.acme import KEY, acme
from tests.client.world import OK
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.core.quota.lease_records import FleetRecord


def opened(path: Path | str) -> Client:
    """A client of the account, with a state in this file."""
    return Client(acme(), key=Key(KEY), transport=ScriptedTransport(lambda _: OK), state=f"sqlite:///{path}")


def called(client: Client) -> Any:
    """A call."""
    return client.call("things.get", thing_id="1")


def record(path: Path) -> FleetRecord:
    """The pool."""
    state: Any = open_state(f"sqlite:///{path}", existing=True)
    client = opened(path)
    cell = client._account_handle.account._account.cell  # type: ignore[union-attr]
    client.close()
    found: FleetRecord = state.read(cell)
    state.close()
    return found


def test_clients_share_one_keeper_until_the_last_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever path they name the file; a client that is closed twice leaves once."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "calls.db"
    (tmp_path / "link.db").symlink_to(path)
    earlier = set(KEEPERS)
    before = {thread.ident for thread in threading.enumerate()}
    clients = [opened(path), opened("calls.db"), opened("link.db")]
    for client in clients:
        called(client)
    working = [keeper for keeper in tuple(KEEPERS) if keeper not in earlier]
    assert [len(keeper.accounts) for keeper in working] == [1]
    first, second, last = clients
    first.close()
    first.close()
    second.close()
    called(last)
    assert record(path).leases
    last.close()
    assert not record(path).leases
    assert {thread.ident for thread in threading.enumerate()} <= before


def test_a_caller_learns_that_others_have_the_permits(tmp_path: Path) -> None:
    """The error does not blame a refusal that no one got."""
    provider = acme({"once": QuotaRule(limit=1, window_s=60.0)})
    address = f"sqlite:///{tmp_path}/calls.db"
    client = Client(provider, key=Key(KEY), transport=ScriptedTransport(lambda _: OK), state=address, deadline_s=0.2)
    state = open_state(address)
    other = LeasedAccount(provider.profile, client.config.account_key, state, SystemClock(), lambda: None)
    other.exchange({("once",): 1})
    assert isinstance(other.acquire(("once",), retrying=False), Permit)
    with pytest.raises(DeadlineExceeded, match="`once`: held by other processes, or paced after a 429"):
        called(client)
    client.close()
    state.close()


def test_announced_waits_have_an_end(tmp_path: Path) -> None:
    """Of the caller whose turn it is, and of those behind it."""
    announced: list[float] = []
    client = Client(
        acme({"often": QuotaRule(limit=3, window_s=2.0)}),
        key=Key(KEY),
        transport=ScriptedTransport(lambda _: OK),
        state=f"sqlite:///{tmp_path}/calls.db",
        on_notice=lambda notice: announced.append(notice.seconds) if isinstance(notice, Waiting) else None,
    )
    with client, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: called(client), range(6)))
    assert announced
    assert all(0.0 < seconds < 10.0 for seconds in announced)


def test_a_membership_ends_once() -> None:
    """However often it is left."""
    left: list[int] = []
    account: Any = None
    account_handle = AccountHandle(account, lambda: left.append(1))
    account_handle.release()
    account_handle.release()
    assert left == [1]


def test_a_child_is_not_held_up_by_threads_of_its_parent() -> None:
    """Another thread works with the permits at the moment of a fork. Of several accounts, as order matters."""
    state = MemoryState()
    clock = SystemClock()
    accounts = []
    batchers = []
    for number in range(8):
        accounts.append(LeasedAccount(acme().profile, f"x{number}", state, clock, lambda: None))
        batchers.append(PermitBatcher(accounts[-1], clock))
    is_working = threading.Event()
    may_end = threading.Event()

    def work() -> None:
        with ExitStack() as stack:
            for account in accounts:
                stack.enter_context(account.make_lock())
            is_working.set()
            may_end.wait(PATIENCE_S)

    thread = threading.Thread(target=work)
    thread.start()
    assert is_working.wait(PATIENCE_S)
    child = os.fork()
    if not child:
        signal.alarm(10)  # ends a child that waits for a lock of its parent's thread
        for batcher in batchers:
            batcher.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    may_end.set()
    thread.join()
    assert status == 0

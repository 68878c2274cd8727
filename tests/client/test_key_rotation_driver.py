# SPDX-License-Identifier: Apache-2.0
"""What carries out a rotation: it tries the key for all, asks the processes, and marks the old key at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from msgspec.structs import replace

from callwell.client.config import ClientConfig
from callwell.client.keys.fleet import SILENT_S
from callwell.client.keys.rotation import READ_LEASED_S, TRY_AGAIN_S, RotationDriver
from callwell.core import keyring
from callwell.core.key_rotation import RotationEnd, RotationStep
from callwell.core.key_trial import FIRST_RETRY_S, NOT_TRIED
from callwell.core.keyring import KeyRing
from callwell.core.rotation_steps import ANSWER_S
from callwell.errors import KeyMalformed, StateError, UsageError
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import ManualClock
from tests.client.acme import KEY, KEYS, acme

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.client.keys.rotation import RotationProgress

NEW: Final = "acme_second"
OLD_ID: Final = Key(KEY).fingerprint
NEW_ID: Final = Key(NEW).fingerprint
REVOKED: Final = frozenset({RotationStep.REVOKE})


class FailingState(MemoryState):
    """A state that can be away."""

    is_away = False

    def update(self, cell, change):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201, D102 - as `MemoryState`
        if self.is_away:
            raise StateError("the state is away")
        return super().update(cell, change)


class World:
    """A key at its place, a provider that accepts some keys, and a clock.

    Args:
        folder: for the key file.
        kind: how the source is named before the path.
        canary: the provider has one.
    """

    def __init__(self, folder: Path, *, kind: str = "file:", canary: bool = True) -> None:
        self.file = folder / "key"
        self.alive = {KEY}
        self.tried: list[str] = []
        self.is_reachable = True
        self.has_canary = canary
        self.state = FailingState()
        self.clock = ManualClock(wall=1_000_000.0)
        self.store(KEY)
        self.options = {"key": f"{kind}{self.file}", "state": self.state, "clock": self.clock}

    def store(self, text: str) -> None:
        """Put a string at the place of the key."""
        self.file.write_text(text)
        self.file.chmod(0o600)

    def try_key(self, key: Key) -> str | None:
        """What the canary says."""
        self.tried.append(key.fingerprint)
        if not self.is_reachable:
            return NOT_TRIED
        return None if key.reveal() in self.alive else "401 DEAD"

    def config(self) -> ClientConfig:
        """The configuration of the account's clients."""
        canary = "things.list" if self.has_canary else None
        return ClientConfig.from_options(acme(key=replace(KEYS, canary=canary)), self.options)  # type: ignore[arg-type]

    def driver(self) -> RotationDriver:
        """A command that has just started."""
        return RotationDriver(self.config(), self.try_key if self.has_canary else None)

    def report(self, *keys: str, using: str = "") -> KeyRing:
        """What a process says that has taken over these keys, and has a call with one of them under way."""
        ring = KeyRing()
        for key in keys:
            ring = keyring.offer(ring, key)
            if key == using:
                ring = keyring.begin_use(ring, ring.keys[-1].generation)
            ring = keyring.accept(ring, ring.keys[-1].generation)
        self.fleet.report(ring, 0, is_closed=False)
        return ring

    @property
    def fleet(self):  # type: ignore[no-untyped-def] # noqa: ANN201 - of one process
        """The reports of one process of the account."""
        self._uses = getattr(self, "_uses", None) or self.config().key_uses()
        return self._uses.fleet


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A key in a file."""
    return World(tmp_path)


def step_of(progress: RotationProgress) -> RotationStep | None:
    """The step that waits."""
    return None if progress.wait is None else progress.wait.step


def test_a_whole_rotation(world: World) -> None:
    """The driver tries the new key once, waits for the process, and tries the old key once it should be dead."""
    world.report(OLD_ID, using=OLD_ID)
    driver = world.driver()
    assert driver.begin(overlaps=True).old == OLD_ID
    assert step_of(driver.proceed()) is RotationStep.CREATE
    world.store(NEW)
    world.alive.add(NEW)
    assert step_of(driver.proceed()) is RotationStep.SWITCH
    world.report(OLD_ID, NEW_ID, using=OLD_ID)
    assert step_of(driver.proceed()) is RotationStep.DRAIN
    world.report(OLD_ID, NEW_ID)
    assert step_of(driver.proceed()) is RotationStep.REVOKE
    assert world.tried == [NEW_ID]
    still = driver.proceed(REVOKED)
    assert still.wait is not None
    assert "still accepts" in still.wait.reason
    assert step_of(driver.proceed(REVOKED)) is RotationStep.REVOKE
    assert world.tried == [NEW_ID, OLD_ID]
    world.alive.remove(KEY)
    world.clock.advance(TRY_AGAIN_S)
    end = driver.proceed(REVOKED)
    assert (end.wait, end.rotation.ended, end.rotation.taken_by) == (None, RotationEnd.DONE, "")
    assert set(world.config().key_uses().read_revoked()) == {OLD_ID}
    assert [proof.step for proof in end.rotation.proofs] == list(end.rotation.steps)


def test_the_next_command_goes_on(world: World) -> None:
    """A day later, another process has no text of the old key: it asks a person, and tries nothing."""
    driver = world.driver()
    driver.begin(overlaps=False)
    assert step_of(driver.proceed(frozenset({RotationStep.PREPARE}))) is RotationStep.CREATE
    world.store(NEW)
    world.alive = {NEW}
    world.clock.advance(86_400.0)
    later = world.driver()
    assert later.begin(overlaps=True).overlaps is False
    assert step_of(later.proceed()) is RotationStep.REVOKE
    assert world.tried == [NEW_ID]
    assert later.proceed(REVOKED).rotation.ended is RotationEnd.DONE
    assert later.begin(overlaps=True).old == NEW_ID


@pytest.mark.parametrize("is_reachable", [True, False])
def test_a_key_that_is_not_accepted(world: World, *, is_reachable: bool) -> None:
    """The reason is said, and it is tried again: sooner if the provider has not answered at all."""
    driver = world.driver()
    driver.begin(overlaps=True)
    world.store(NEW)
    world.is_reachable = is_reachable
    wait = driver.proceed().wait
    assert wait is not None
    assert (wait.step, wait.is_refused) == (RotationStep.CANARY, is_reachable)
    assert ("401 DEAD" if is_reachable else "could not be tried") in wait.reason
    assert driver.proceed().wait == wait
    assert len(world.tried) == 1
    world.alive.add(NEW)
    world.is_reachable = True
    world.clock.advance(FIRST_RETRY_S if is_reachable else TRY_AGAIN_S)
    assert step_of(driver.proceed()) is RotationStep.REVOKE


def test_without_a_canary_a_call_proves_the_key(tmp_path: Path) -> None:
    """The processes that make no calls take that over, and a person confirms that the old key is revoked."""
    world = World(tmp_path, canary=False)
    driver = world.driver()
    driver.begin(overlaps=True)
    world.report(OLD_ID)
    world.store(NEW)
    assert step_of(driver.proceed()) is RotationStep.CANARY
    world.config().key_uses().record_accepted(NEW_ID, "here")
    assert step_of(driver.proceed()) is RotationStep.SWITCH
    assert world.fleet.has_accepted(NEW_ID)
    world.report(OLD_ID, NEW_ID)
    assert driver.proceed(REVOKED).rotation.ended is RotationEnd.DONE
    assert world.tried == []


def test_a_process_that_has_died_is_named_and_not_waited_for(world: World) -> None:
    """It is asked first, since it may have been asleep."""
    world.report(OLD_ID)
    driver = world.driver()
    driver.begin(overlaps=True)
    world.store(NEW)
    world.alive.add(NEW)
    world.clock.advance(SILENT_S)
    wait = driver.proceed().wait
    assert wait is not None
    assert "no answer yet from" in wait.reason
    world.clock.advance(ANSWER_S)
    switched = driver.proceed()
    assert step_of(switched) is RotationStep.REVOKE
    assert "ended or paused" in switched.rotation.proofs[-1].seen


def test_a_source_with_a_lease_is_read_anew(tmp_path: Path) -> None:
    """Not at every look: it takes a program."""
    world = World(tmp_path, kind="command[lease=3600]:cat ")
    driver = world.driver()
    driver.begin(overlaps=True)
    world.store(NEW)
    world.alive.add(NEW)
    assert step_of(driver.proceed()) is RotationStep.CREATE
    world.clock.advance(READ_LEASED_S)
    assert step_of(driver.proceed()) is RotationStep.REVOKE


def test_what_goes_wrong(world: World) -> None:
    """A state that is away loses nothing; no rotation is begun for what is not a key, nor given up twice."""
    driver = world.driver()
    with pytest.raises(UsageError, match="no rotation is under way"):
        driver.abandon()
    world.store("no key")
    with pytest.raises(KeyMalformed):
        driver.begin(overlaps=True)
    world.store(KEY)
    driver.begin(overlaps=True)
    world.store(KEY)
    wait = driver.proceed().wait
    assert wait is not None
    assert "the old key" in wait.reason
    world.store(NEW)
    world.alive.add(NEW)
    world.state.is_away = True
    with pytest.raises(StateError):
        driver.proceed()
    world.state.is_away = False
    assert step_of(driver.proceed()) is RotationStep.REVOKE
    assert driver.abandon().ended is RotationEnd.ABANDONED
    assert driver.proceed().wait is None
    world.state.remove("key-rotation:")
    with pytest.raises(UsageError, match="has lost this rotation"):
        driver.proceed()
    assert set(world.config().key_uses().read_revoked()) == set()


def test_a_leaked_key_is_marked_first_and_replaced_then(world: World) -> None:
    """It is not sent any more, not even to ask the provider about it."""
    world.config().key_uses().set_revoked(OLD_ID, revoked=True)
    driver = world.driver()
    driver.begin(overlaps=True)
    world.store(NEW)
    world.alive.add(NEW)
    assert driver.proceed(REVOKED).rotation.ended is RotationEnd.DONE
    assert world.tried == [NEW_ID]

# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_rotation.py by tools/unasync.py; do not edit
"""Keys while calls are made: a rotation costs no call, and a dead key is reported with the place to fix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.keys import Key
from callwell.observe.notices import KeyChanged, Waiting
from tests.client._sync.scripted_client import connect
from tests.client.acme import KEY
from tests.client.running import run
from tests.client.world import DEAD, LOST, OK, ListSource, ScriptedProvider, count_held, make_error_response, tried

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import Request, Response

GET = {"thing_id": "1"}


def accepting(*keys: str) -> Callable[[Request], Response]:
    """A provider that knows these keys and calls all others dead."""

    def reply(request: Request) -> Response:
        return OK if dict(request.headers)["authorization"].removeprefix("Bearer ") in keys else DEAD

    return reply


def test_the_old_key_dies_before_the_new_one_is_written() -> None:
    """A call waits for the new key, and is then sent again."""
    source = ListSource([KEY, KEY, "", KEY, "", "acme_second"])
    world = ScriptedProvider(accepting("acme_second"))
    api = connect(world, source=source)
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.keys == [KEY, "acme_second"]
    assert world.times[1] == pytest.approx(4 * 0.25)
    assert [notice.generation for notice in world.notices if isinstance(notice, KeyChanged)] == [0, 1]
    assert [notice.reason for notice in world.notices if isinstance(notice, Waiting)] == ["key"]
    assert count_held(api) == 0


def test_a_half_written_key_does_no_harm() -> None:
    """A piece of the new key is refused like any wrong key, and the whole one is found."""
    world = ScriptedProvider(accepting("acme_second"))
    api = connect(world, source=ListSource([KEY, "acme", "acme_sec", "acme_second"]))
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.keys == [KEY, "acme_sec", "acme_second"]


def test_the_new_key_is_found_before_the_old_one_dies() -> None:
    """A source that shows a change is read again, and the new key is used from then on."""
    world = ScriptedProvider(accepting(KEY, "acme_second"))
    api = connect(world, source=ListSource([KEY, "acme_second"], marked=True))

    def work() -> None:
        api.call("things.get", **GET)
        world.clock.advance(1.1)
        api.call("things.get", **GET)

    run(work)
    assert world.keys == [KEY, "acme_second"]


def test_a_wrong_new_key_changes_nothing() -> None:
    """A new key that the provider refuses is put aside within the call, and the old one goes on."""
    world = ScriptedProvider(accepting(KEY))
    api = connect(world, source=ListSource([KEY, "acme_wrong"], marked=True))

    def work() -> None:
        api.call("things.get", **GET)
        world.clock.advance(1.1)
        for _ in range(3):
            assert api.call("things.get", **GET) == {"id": "1"}

    run(work)
    assert world.keys == [KEY, "acme_wrong", KEY, KEY, KEY]
    assert world.times[-1] == pytest.approx(1.1)


def test_a_key_can_be_rotated_twice_and_back() -> None:
    """Each new key gets a generation, also one that was there before."""
    world = ScriptedProvider(accepting(KEY), OK, OK, OK)
    api = connect(world, source=ListSource([KEY, "acme_second", KEY], marked=True))

    def work() -> None:
        for _ in range(4):
            api.call("things.get", **GET)
            world.clock.advance(1.1)

    run(work)
    assert world.keys == [KEY, "acme_second", KEY, KEY]


def test_a_key_given_in_code_is_refused_at_once() -> None:
    """Where no new key can appear, no call waits for one."""
    world = ScriptedProvider(DEAD)
    api = connect(world)
    with pytest.raises(errors.KeyRefused, match=r"refuses the key passed in code \(DEAD\); pass a valid one") as caught:
        run(lambda: api.call("things.get", **GET))
    assert caught.value.code == "DEAD"
    assert (world.times, world.clock.now()) == ([0.0], 1000.0)
    assert KEY not in str(caught.value)


def test_no_new_key_in_time_is_reported() -> None:
    """After `rekey_wait_s` the call gives up; a later one tries the old key once more, for it may be enabled again."""
    world = ScriptedProvider(DEAD, OK)
    api = connect(world, source=ListSource([KEY]))

    def work() -> None:
        with pytest.raises(errors.KeyRefused, match=r"refuses the key at list:keys \(DEAD\); put a valid one there"):
            api.call("things.get", **GET)
        assert world.clock.now() == pytest.approx(1030.0, abs=0.3)
        assert api.call("things.get", **GET) == {"id": "1"}

    run(work)
    assert world.keys == [KEY, KEY]


def test_a_key_that_was_never_accepted_is_reported_at_once() -> None:
    """No call waits for the rotation of a key that was wrong from the beginning; the source is read once more."""
    world = ScriptedProvider(DEAD)
    api = connect(world, source=ListSource([KEY]), uses=tried("acme_other"))
    with pytest.raises(errors.KeyRefused, match=r"refuses the key at list:keys \(DEAD\); put a valid one there"):
        run(lambda: api.call("things.get", **GET))
    assert world.clock.now() == 1000.0


def test_waiting_for_a_key_keeps_the_deadline() -> None:
    """A call does not wait longer for a key than it has time."""
    world = ScriptedProvider(DEAD)
    api = connect(world, source=ListSource([KEY]), deadline_s=5)
    with pytest.raises(errors.KeyRefused):
        run(lambda: api.call("things.get", **GET))
    assert world.clock.now() == pytest.approx(1005.0, abs=0.3)


def test_a_source_of_dead_keys_ends() -> None:
    """A source that gives a new dead key for ever does not keep a call going for ever."""
    world = ScriptedProvider(DEAD)
    api = connect(world, source=ListSource([f"acme_{number}" for number in range(50)]))
    with pytest.raises(errors.KeyRefused):
        run(lambda: api.call("things.get", **GET))
    assert len(world.sent) == 6


def test_other_401_are_no_dead_keys() -> None:
    """A code that the profile does not list as a dead key is an error like any other."""
    world = ScriptedProvider(make_error_response(401, "KEY_REQUIRED"))
    api = connect(world, source=ListSource([KEY]))
    with pytest.raises(errors.Unauthorized):
        run(lambda: api.call("things.get", **GET))
    assert len(world.sent) == 1


def test_an_environment_variable_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may change its own environment: the new value is used without a wait."""
    monkeypatch.setenv("ACME_KEY", KEY)

    def rotate(_: Request) -> Response:
        monkeypatch.setenv("ACME_KEY", "acme_second")
        return DEAD

    world = ScriptedProvider(rotate, accepting("acme_second"))
    api = connect(world, key=None)
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.clock.now() == 1000.0


def test_a_file_is_read_again(tmp_path: Path) -> None:
    """A file that is removed, empty, half written and then right costs no call."""
    file = tmp_path / "key"
    file.write_text(KEY)
    steps: list[Callable[[], Any]] = [
        file.unlink,
        lambda: file.write_text(""),
        lambda: file.write_text("acme"),
        lambda: file.write_text("acme_second\n"),
    ]

    class Clock(type(ScriptedProvider().clock)):  # type: ignore[misc] # the file changes as time goes by
        def real_s(self, seconds: float) -> float:
            if seconds == 0.25 and steps:
                steps.pop(0)()
            return super().real_s(seconds)  # type: ignore[no-any-return]

    world = ScriptedProvider(accepting("acme_second"))
    world.clock = Clock()
    api = connect(world, key=f"file:{file}")
    api._engine.keys._uses = tried(KEY)
    assert run(lambda: api.call("things.get", **GET)) == {"id": "1"}
    assert world.keys == [KEY, "acme_second"]


def test_a_missing_key_is_reported_and_closes_the_state(tmp_path: Path) -> None:
    """Without a key there is no client, and a state that was opened for it is closed."""
    with pytest.raises(errors.KeyMissing, match="cannot be read") as caught:
        connect(ScriptedProvider(), key=f"file:{tmp_path / 'none'}", state=f"sqlite:///{tmp_path / 'state'}")
    assert caught.tb is not None  # it holds the half-made client
    numbers = Path("/proc/self/fd")
    assert not numbers.exists() or not [
        link for number in numbers.iterdir() if number.exists() and tmp_path in (link := number.readlink()).parents
    ]


@pytest.mark.parametrize("path", ["https://evil.test/v1/x", "//evil.test/v1/x", "https://api.acme.test:444/v1/x"])
def test_requests_elsewhere_are_refused(path: str) -> None:
    """A key is not shown to another origin, and the message does not hold it."""
    world = ScriptedProvider()
    api = connect(world)
    with pytest.raises(errors.InvalidOption, match="the only origin that receives the key"):
        run(lambda: api.request("GET", path))
    assert world.sent == []


def test_a_key_echoed_by_the_provider_is_hidden() -> None:
    """A provider that repeats the key in its words does not make us repeat it."""

    def echo(request: Request) -> Response:
        shown = dict(request.headers)["authorization"].removeprefix("Bearer ")
        return replace(
            make_error_response(403, shown, x_request_id=shown),
            body=f'{{"code":"{shown}","message":"bad {shown}"}}'.encode(),
        )

    api = connect(ScriptedProvider(echo))
    with pytest.raises(errors.Forbidden) as caught:
        run(lambda: api.call("things.get", **GET))
    assert KEY not in repr(vars(caught.value)) + str(caught.value) + repr(caught.value)


def test_generations_are_settled_after_losses() -> None:
    """A key is returned after a use without a response, and does not count as accepted."""
    api = connect(ScriptedProvider(LOST), source=ListSource([KEY]))
    with pytest.raises(errors.ConnectionLost):
        run(lambda: api.call("things.get", **GET))
    assert count_held(api) == 0
    assert api._engine.keys.begin_use() == (0, Key(KEY))


class Unreadable(ListSource):
    """A source that cannot be looked at any more."""

    broken = False

    def revision(self) -> object:
        """What has changed, or the trouble."""
        if self.broken:
            raise errors.StateError("the state cannot be read: locked")
        return None


def test_a_key_that_cannot_be_looked_up_keeps_no_permit() -> None:
    """The call fails with the cause, and nothing of the quota is lost by it."""
    source = Unreadable([KEY])
    api = connect(ScriptedProvider(OK), source=source)

    def work() -> None:
        api.call("things.get", **GET)
        source.broken = True
        for _ in range(3):
            api._engine.clock.advance(1.1)
            with pytest.raises(errors.StateError, match="locked"):
                api.call("things.get", **GET)

    run(work)
    assert count_held(api) == 0
    assert {used for used, _ in api.spent().values()} == {1}

# SPDX-License-Identifier: Apache-2.0
"""Keys come and go; calls go on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callwell.core import keyring
from callwell.core.keyring import KeyRing, KeyStage


def ring_of(*fingerprints: str) -> KeyRing:
    """A ring to which these were offered, one after the other."""
    ring = KeyRing()
    for fingerprint in fingerprints:
        ring = keyring.offer(ring, fingerprint)
    return ring


def stage(ring: KeyRing) -> list[str]:
    """What the keys are, oldest first."""
    return [f"{key.fingerprint} {key.stage}" for key in ring.keys]


def in_use(ring: KeyRing) -> str | None:
    """The fingerprint of the key that the next call uses."""
    held = keyring.current(ring)
    return held.fingerprint if held else None


def test_the_first_key_is_active_at_once() -> None:
    """There is nothing to fall back to, so it is not tried first."""
    assert stage(ring_of("a")) == ["a active"]
    assert in_use(KeyRing()) is None


def test_a_new_key_is_tried_by_one_call_at_a_time() -> None:
    """While one call has the staged key in hand, the others go on with the active one."""
    ring = ring_of("a", "b")
    assert in_use(ring) == "b"
    ring = keyring.begin_use(ring, 1)
    assert in_use(ring) == "a"
    assert in_use(keyring.end_use(ring, 1)) == "b"


def test_a_rotation() -> None:
    """Staged, confirmed, the old one drains while calls have it in hand, and is retired after the last."""
    ring = keyring.begin_use(ring_of("a", "b"), 0)
    ring = keyring.accept(ring, 1)
    assert stage(ring) == ["a draining", "b active"]
    assert stage(keyring.end_use(ring, 0)) == ["a retired", "b active"]
    assert stage(keyring.accept(ring_of("a", "b"), 1)) == ["a retired", "b active"]


def test_a_refused_new_key_changes_nothing() -> None:
    """The active key goes on; the refused one is put aside until it is time, or until the old one dies."""
    ring = keyring.reject(ring_of("a", "b"), 1)
    assert (stage(ring), in_use(ring)) == (["a active", "b set aside"], "a")
    assert keyring.offer(ring, "b") == ring
    assert stage(keyring.restage(ring)) == ["a active", "b staged"]
    assert stage(keyring.reject(ring, 0)) == ["a retired", "b active"]
    assert stage(keyring.offer(ring, "c")) == ["a active", "b retired", "c staged"]
    assert stage(keyring.accept(ring, 1)) == ["a retired", "b active"]


def test_a_canary_tries_a_new_key_in_the_place_of_calls() -> None:
    """No call has it in hand while there is an active one; without one, calls take it."""
    ring = ring_of("a", "b")
    held = keyring.current(ring, may_try=False)
    assert held is not None
    assert (held.fingerprint, keyring.find_untried(ring)) == ("a", ring.keys[1])
    assert [keyring.is_on_trial(ring, generation) for generation in (0, 1, 2)] == [False, True, False]
    alone = keyring.reject(ring, 0)
    held = keyring.current(alone, may_try=False)
    assert held is not None
    assert (held.fingerprint, keyring.find_untried(alone), keyring.is_on_trial(alone, 1)) == ("b", None, False)


def test_a_dead_active_key_is_followed_by_the_staged_one() -> None:
    """When the old key dies before the new one is confirmed, all calls take the new one."""
    ring = keyring.reject(keyring.begin_use(ring_of("a", "b"), 1), 0)
    assert (stage(ring), in_use(ring)) == (["a retired", "b active"], "b")


def test_without_any_key_the_next_one_is_active() -> None:
    """A dead key leaves none, its source giving the same again changes nothing, and a new one is used at once."""
    ring = keyring.reject(ring_of("a"), 0)
    assert in_use(ring) is None
    assert keyring.offer(ring, "a") == ring
    assert stage(keyring.offer(ring, "b")) == ["a retired", "b active"]


def test_the_newest_of_two_new_keys_is_tried() -> None:
    """A key that was replaced before it was confirmed is retired, and a late confirmation does not bring it back."""
    ring = ring_of("a", "b", "c")
    assert stage(ring) == ["a active", "b retired", "c staged"]
    assert keyring.accept(ring, 1) == ring


def test_an_active_key_outlives_any_number_of_refused_ones() -> None:
    """A source that gives one bad key after the other does not push the good one out of the ring."""
    ring = ring_of("good")
    for i in range(100):
        ring = keyring.offer(ring, f"bad {i}")
        ring = keyring.reject(ring, i + 1)
        assert in_use(ring) == "good"
    assert len(ring.keys) <= keyring.MAX_DEAD_KEYS + 2


def test_a_refused_key_is_remembered_while_it_is_in_hand() -> None:
    """However many keys come after it, a key that a call has in hand can be put back."""
    ring = keyring.reject(keyring.begin_use(ring_of("good", "held"), 1), 1)
    for i in range(30):
        ring = keyring.reject(keyring.offer(ring, f"bad {i}"), i + 2)
    assert [key.uses for key in ring.keys if key.fingerprint == "held"] == [1]
    ring = keyring.offer(keyring.end_use(ring, 1), "new")
    assert "held" not in {key.fingerprint for key in ring.keys}


def test_a_key_that_works_again_is_tried_again() -> None:
    """`revive` stages the newest key once more when none could work, and does nothing otherwise."""
    ring = keyring.reject(ring_of("a"), 0)
    assert in_use(keyring.revive(ring)) == "a"
    assert keyring.revive(ring_of("a", "b")) == ring_of("a", "b")
    assert keyring.revive(KeyRing()) == KeyRing()


def test_a_revoked_key_is_used_no_more() -> None:
    """Whatever its stage; the other key takes its place, and only taking the mark back revives it."""
    assert in_use(keyring.set_revoked(ring_of("a", "b"), {"b"})) == "a"
    assert in_use(keyring.set_revoked(keyring.reject(ring_of("a", "b"), 1), {"a"})) == "b"
    alone = keyring.begin_use(ring_of("a"), 0)
    ring = keyring.set_revoked(alone, {"a", "x"})
    assert stage(keyring.end_use(keyring.reject(keyring.revive(ring), 0), 0)) == ["a revoked"]
    assert in_use(keyring.offer(ring, "b")) == "b"
    assert in_use(keyring.revive(keyring.set_revoked(ring, {}))) == "a"


moves = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.sampled_from("abcdef")),
        st.tuples(st.sampled_from(["begin_use", "end_use", "confirm", "reject"]), st.integers(0, 40)),
        st.tuples(st.sampled_from(["revive", "retry"]), st.none()),
        st.tuples(st.just("revoke"), st.frozensets(st.sampled_from("abcdef"), max_size=3)),
    ),
    max_size=120,
)


def after(ring: KeyRing, name: str, argument: str | int | frozenset[str] | None) -> KeyRing:
    """The ring after a move; a generation counts back from the newest."""
    if isinstance(argument, str):
        return keyring.offer(ring, argument)
    if isinstance(argument, frozenset):
        return keyring.set_revoked(ring, argument)
    if argument is None:
        return keyring.revive(ring) if name == "revive" else keyring.restage(ring)
    generation = ring.keys[-1 - argument % len(ring.keys)].generation if ring.keys else argument
    move = {
        "begin_use": keyring.begin_use,
        "end_use": keyring.end_use,
        "confirm": keyring.accept,
        "reject": keyring.reject,
    }
    return move[name](ring, generation)


@given(moves=moves)
def test_a_ring_keeps_its_shape(moves: list[tuple[str, str | int | frozenset[str] | None]]) -> None:
    """At most one active and one staged key; generations grow; what is in hand is remembered; a refusal is obeyed."""
    ring = KeyRing()
    revoked: frozenset[str] = frozenset()
    for name, argument in moves:
        if isinstance(argument, frozenset):
            revoked = argument
        if argument in revoked:
            continue  # no source's key is offered that is marked
        before = ring
        ring = after(ring, name, argument)
        found = [key.stage for key in ring.keys]
        assert found.count(KeyStage.ACTIVE) <= 1
        assert found.count(KeyStage.STAGED) + found.count(KeyStage.SET_ASIDE) <= 1
        generations = [key.generation for key in ring.keys]
        assert generations == sorted(set(generations))
        uses = sum(key.uses for key in ring.keys) - sum(key.uses for key in before.keys)
        if name != "end_use":
            assert uses == (bool(ring.keys) if name == "begin_use" else 0)
        assert all(key.uses for key in ring.keys if key.stage is KeyStage.DRAINING) or name == "reject"
        if KeyStage.SET_ASIDE in found:
            assert KeyStage.ACTIVE in found
        held = keyring.current(ring)
        assert held is None or held.fingerprint not in revoked
        if name not in ("reject", "revive", "revoke") and keyring.current(before) is not None:
            assert keyring.current(ring) is not None

# SPDX-License-Identifier: Apache-2.0
"""What holds for every call, whatever the world does to it."""

from __future__ import annotations

import pickle
from itertools import pairwise
from math import inf

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core import call as machine
from callwell.core import outcome
from callwell.core.call import Call, Phase
from callwell.core.rules.profile import RetryRule
from callwell.core.types import (
    Answered,
    Fail,
    FailReason,
    Finish,
    Granted,
    Interrupted,
    Lost,
    Outcome,
    Probe,
    Probed,
    Started,
    Traits,
    Wait,
)
from tests.core.call_world import KINDS, Moment, Story, Turn, play, unknown

STATUSES = [101, 200, 200, 204, 301, 303, 307, 400, 401, 404, 407, 408, 410, 425, 429, 429, 500, 503, 503, 600]

answers = st.builds(
    Answered,
    status=st.sampled_from(STATUSES),
    whole=st.sampled_from([True, True, False]),
    retry_after_s=st.none() | st.floats(0.0, 100.0),
    dead_key=st.booleans(),
    not_done=st.booleans(),
    is_redirect=st.sampled_from([False, False, True]),
    may_retry=st.sampled_from([True, True, True, False]),
    from_gateway=st.sampled_from([False, False, False, True]),
)
answers = answers.map(
    lambda answer: replace(
        answer,
        is_redirect=answer.is_redirect and answer.status == 301,
        whole=answer.whole and not answer.from_gateway,
    )
)
losses = st.builds(Lost, st.sampled_from([Outcome.REFUSED, Outcome.UNKNOWN]), st.sampled_from([True, True, False]))
turns = st.builds(
    Turn,
    end=answers | losses,
    took_s=st.sampled_from([0.0, 0.25, 5.0]) | st.floats(0.0, 200.0),
    roll=st.floats(0.0, 1.0, exclude_max=True),
    granted=st.sampled_from([True] * 9 + [False]),
    new_key=st.booleans(),
    found=st.sampled_from([False, False, True]),
    killed=st.sampled_from([False] * 5 + [True]),
)
scripts = st.lists(turns, min_size=1, max_size=40)
rules = st.builds(
    RetryRule,
    attempts=st.integers(1, 6),
    throttles=st.integers(0, 8),
    lost_attempts=st.none() | st.integers(1, 3),
    unsafe_5xx=st.booleans(),
    max_transit_s=st.sampled_from([0.0, 60.0]),
    commit_bound_s=st.sampled_from([0.0, 30.0]),
)


def new_call(traits: Traits, rule: RetryRule, deadline: float) -> Call:
    """A call to which nothing has happened yet."""
    return Call(traits, rule, deadline)


calls = st.builds(new_call, st.sampled_from(KINDS), rules, st.sampled_from([inf, inf, 100.0, 101.0, 160.0, 700.0]))


@given(call=calls, script=scripts)
def test_every_script_has_one_end(call: Call, script: list[Turn]) -> None:
    """A call ends, stays ended, and has made no more arrivals than its rule, throttles, keys and hops allow."""
    story = play(call, script)
    killed = sum(isinstance(moment.event, Interrupted) for moment in story.moments)
    rekeys = machine.MAX_KEY_RENEWALS * (1 + killed) + machine.MAX_KEY_CHANGES
    assert len(story.sends) <= call.rule.attempts + call.rule.throttles + rekeys + machine.MAX_REDIRECTS
    assert story.last.attempts == len(story.sends)
    failed = sum(unknown(m.event) or isinstance(m.event, Lost) for m in story.sends)
    assert failed <= call.rule.attempts + machine.MAX_KEY_CHANGES
    assert story.last.possibly_billed <= (call.rule.lost_attempts or 0)


@given(call=calls, script=scripts)
def test_nothing_is_sent_after_the_deadline(call: Call, script: list[Turn]) -> None:
    """Every arrival begins before the deadline, and no wait ends after it."""
    story = play(call, script)
    assert all(send.began < call.deadline_at for send in story.sends)
    assert all(m.action.until <= max(call.deadline_at, m.began) for m in story.moments if isinstance(m.action, Wait))


@given(call=calls, script=scripts)
def test_waits_never_shrink_and_obey_retry_after(call: Call, script: list[Turn]) -> None:
    """Two arrivals are apart by `Retry-After` and the backoff, never by less than before, crash or not."""
    story = play(call, script)
    floor_s = 0.0
    waited_s = 0.0
    for before, after in zip(story.sends, story.sends[1:], strict=False):
        asked = before.event
        if (
            isinstance(asked, Answered)
            and asked.status in (429, 503)
            and not asked.is_redirect
            and after.state.wait_until > before.ended
        ):
            floor_s = asked.retry_after_s or 0.0
            assert after.began >= before.ended + max(floor_s, after.state.backoff_s) - 1e-6
        assert after.state.backoff_s >= waited_s
        waited_s = after.state.backoff_s
        assert waited_s <= call.rule.cap_s


def settled(story: Story, before: int, after: int) -> bool:
    """Whether two probes between two moments found nothing, the second asked when nothing could commit any more."""
    last = story.moments[before]
    sure_at = last.ended + last.state.rule.max_transit_s + last.state.rule.commit_bound_s
    absent = [
        moment.began
        for moment in story.moments[before:after]
        if isinstance(moment.action, Probe) and moment.event == Probed(found=False)
    ]
    return len(absent) >= 2 and absent[-1] >= sure_at


@given(call=calls, script=scripts)
def test_an_unsafe_call_is_never_repeated_blind(call: Call, script: list[Turn]) -> None:
    """After an unknown outcome an unsafe call is sent again only if two probes found nothing, the second late."""
    story = play(call, script)
    places = [i for i, moment in enumerate(story.moments) if moment in story.sends]
    for before, after in pairwise(places):
        event = story.moments[before].event
        permitted = call.rule.unsafe_5xx and isinstance(event, Answered)
        if unknown(event) and not call.traits.repeatable and not permitted:
            assert settled(story, before, after)


def shows_done(answer: Answered) -> bool:
    """Whether a response says that the operation was done: a success of the provider's own, or where its result is."""
    return answer.status == 303 or (answer.status in range(200, 300) and not answer.from_gateway)


def possible(story: Story, traits: Traits) -> set[Outcome]:
    """What may be true of an unsafe call in the end, for all that was seen."""
    truth = {Outcome.REFUSED}
    for place, moment in enumerate(story.moments):
        if moment in story.sends and unknown(moment.event):
            truth = {Outcome.REFUSED, Outcome.DONE} if Outcome.REFUSED in truth else truth
            last = place
        elif isinstance(moment.event, Answered) and shows_done(moment.event):
            truth = {Outcome.DONE}
        elif isinstance(moment.event, Probed):
            if moment.event.found:
                truth = {Outcome.DONE}
            elif truth != {Outcome.DONE} and settled(story, last, place + 1):
                truth = {Outcome.REFUSED}
    return truth


@given(call=calls.filter(lambda call: not call.traits.safe), script=scripts)
def test_what_is_reported_is_true(call: Call, script: list[Turn]) -> None:
    """`refused` and `done` are reported only where all that was seen leaves nothing else possible."""
    story = play(call, script)
    truth = possible(story, call.traits)
    match story.last:
        case Fail(outcome=Outcome.REFUSED):
            assert truth == {Outcome.REFUSED}
        case Fail(outcome=Outcome.DONE):
            assert truth == {Outcome.DONE}
        case Finish(result=True):
            assert truth == {Outcome.DONE}
        case Finish():
            assert Outcome.DONE in truth
            assert call.traits.deletes


def by_pickle(call: Call) -> Call:
    """Store and read again, as a process pool would."""
    copy = pickle.loads(pickle.dumps(call))  # noqa: S301 - our own bytes
    assert isinstance(copy, Call)
    return copy


def by_msgpack(call: Call) -> Call:
    """Store and read again, as a database of plain values would."""
    return msgspec.convert(msgspec.msgpack.decode(msgspec.msgpack.encode(call)), Call)


@given(call=calls, script=scripts)
@pytest.mark.parametrize("keep", [by_pickle, by_msgpack])
def test_a_call_can_be_stored_at_any_step(keep: object, call: Call, script: list[Turn]) -> None:
    """Stored and read again at every step, a call takes the very same course."""
    assert callable(keep)
    assert play(call, script, keep) == play(call, script)


@given(call=calls, script=scripts)
def test_deciding_depends_on_its_arguments_only(call: Call, script: list[Turn]) -> None:
    """The same state and event lead to the same decision, however often it is asked."""
    moments: tuple[Moment, ...] = play(call, script).moments
    for moment in moments:
        if moment.state.phase is not Phase.ENDED:
            first = machine.advance(moment.state, moment.event, moment.ended, 0.5)
            assert machine.advance(moment.state, moment.event, moment.ended, 0.5) == first


@given(event=answers | losses, generation=st.integers(0, 3), traits=st.sampled_from(KINDS))
def test_the_short_way_leads_to_the_same_place(event: Answered | Lost, generation: int, traits: Traits) -> None:
    """A call sent without waiting is where it would be, and is over at once exactly where it would be."""
    rule = RetryRule()
    state, _ = machine.advance(new_call(traits, rule, 60.0), Started(), 0.0, 0.5)
    state, _ = machine.advance(state, Granted(generation), 0.0, 0.5)
    assert machine.in_flight(traits, rule, 60.0, generation) == state
    _, action = machine.advance(state, event, 1.0, 0.5)
    assert (isinstance(event, Answered) and outcome.is_success(event)) == (action == Finish(1))


@pytest.mark.parametrize(("done", "why"), [(False, FailReason.UNKNOWN), (True, FailReason.RESULT_LOST)])
def test_a_probe_that_fails_changes_nothing(done: bool, why: FailReason) -> None:  # noqa: FBT001 - a parameter of the test
    """What could not be looked up is as unknown as before."""
    call = Call(
        Traits(safe=False, repeatable=False, probe=True),
        RetryRule(),
        phase=Phase.PROBING,
        may_be_done=True,
        result_lost=done,
    )
    _, action = machine.advance(call, Probed(found=None), 1000.0, 0.5)
    assert action == Fail(why, Outcome.DONE if done else Outcome.UNKNOWN, 0)

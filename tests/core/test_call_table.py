# SPDX-License-Identifier: Apache-2.0
"""The outcome table, row by row, and the legal moves."""

from __future__ import annotations

from math import inf

import pytest
from msgspec.structs import replace

from callwell.core import call as machine
from callwell.core.call import Call, IllegalEvent, Phase
from callwell.core.rules.profile import RetryRule
from callwell.core.types import (
    Answered,
    Denied,
    Event,
    Fail,
    FailReason,
    Finish,
    Granted,
    Interrupted,
    KeyRenewed,
    Lost,
    Outcome,
    Probe,
    Probed,
    RenewKey,
    Send,
    Started,
    Traits,
    Wait,
    Woken,
)
from tests.core.call_world import DELETE, IDEMPOTENT, PROBED, SAFE, UNSAFE, Turn, attempts, play

RULE = RetryRule()
OK = Answered(200)
BROKEN = Answered(200, whole=False)
NO_ANSWER = Lost(Outcome.UNKNOWN)
NO_CONNECTION = Lost(Outcome.REFUSED)

REPEATED = "repeated"
DONE = "done"
REFUSED = "refused"
UNKNOWN = "unknown"
LOST_RESULT = "done, result missing"


def fate(traits: Traits, end: Answered | Lost) -> str:
    """What a call does after its first arrival ends like this."""
    story = attempts(Call(traits, RULE), end, OK)
    if len(story.sends) > 1:
        return REPEATED
    match story.last:
        case Finish():
            return DONE
        case Fail(reason=FailReason.RESULT_LOST, outcome=Outcome.DONE):
            return LOST_RESULT
        case Fail(outcome=outcome):
            return str(outcome)


@pytest.mark.parametrize(
    ("end", "repeatable", "unsafe"),
    [
        (OK, DONE, DONE),
        (Answered(204), DONE, DONE),
        (BROKEN, REPEATED, LOST_RESULT),
        (Answered(429), REPEATED, REPEATED),
        *((Answered(status), REFUSED, REFUSED) for status in (400, 401, 403, 404, 409, 410, 422, 451)),
        *((Answered(status), REPEATED, UNKNOWN) for status in (500, 502, 503, 504)),
        (Answered(503, not_done=True), REPEATED, REPEATED),
        (Answered(500, dead_key=True), REPEATED, UNKNOWN),
        *((Answered(status, other_key=True), REPEATED, REPEATED) for status in (307, 400, 401, 403, 404, 410, 429)),
        *((Answered(status, other_key=True), REPEATED, UNKNOWN) for status in (302, 408, 500, 503, 600)),
        (Answered(200, whole=False, from_gateway=True, other_key=True), REPEATED, UNKNOWN),
        (Answered(200, whole=False, other_key=True), REPEATED, LOST_RESULT),
        (NO_ANSWER, REPEATED, UNKNOWN),
        (NO_CONNECTION, REPEATED, REPEATED),
    ],
    ids=repr,
)
def test_the_outcome_table(end: Answered | Lost, repeatable: str, unsafe: str) -> None:
    """Each row of the design's table, for safe, idempotent and unsafe operations."""
    assert (fate(SAFE, end), fate(IDEMPOTENT, end), fate(UNSAFE, end)) == (repeatable, repeatable, unsafe)


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(
    ("traits", "earlier", "done"),
    [
        (DELETE, NO_ANSWER, True),
        (DELETE, Answered(500), True),
        (DELETE, NO_CONNECTION, False),
        (IDEMPOTENT, NO_ANSWER, False),
    ],
)
def test_a_thing_that_is_gone_was_deleted(traits: Traits, earlier: Answered | Lost, status: int, done: bool) -> None:  # noqa: FBT001 - a table
    """A 404 or 410 on a DELETE is done if an earlier arrival may have been, and refused otherwise."""
    story = play(Call(traits, RULE), [*(Turn(earlier),) * 3, *(Turn(Answered(status)),) * 3])
    assert isinstance(story.last, Finish) == done


def test_what_is_surely_not_done_leaves_no_doubt() -> None:
    """A 5xx that means "not done" is repeated, and a refusal after it is a refusal."""
    assert attempts(Call(UNSAFE, RULE), Answered(503, not_done=True), Answered(400)).last == Fail(
        FailReason.ANSWER, Outcome.REFUSED, 2
    )


def test_an_unsafe_5xx_is_repeated_on_demand() -> None:
    """With `unsafe_5xx` a 500 is repeated, and the doubt remains: a later refusal proves nothing."""
    script = [Turn(Answered(500))] * 3 + [Turn(Answered(400))] * 9
    story = play(Call(UNSAFE, RetryRule(unsafe_5xx=True)), script)
    assert (len(story.sends), story.last) == (2, Fail(FailReason.ANSWER, Outcome.UNKNOWN, 2))


@pytest.mark.parametrize("end", [NO_ANSWER, Answered(500), BROKEN])
def test_an_unknown_outcome_is_probed(end: Answered | Lost) -> None:
    """With a marker, an unknown outcome is looked up at once, and what is found is done."""
    found = play(Call(PROBED, RULE), [Turn(end, found=True)])
    assert isinstance(found.moments[-1].action, Probe)
    assert (found.last, len(found.sends)) == (Finish(1), 1)


@pytest.mark.parametrize("end", [NO_ANSWER, Answered(500)])
def test_what_two_probes_do_not_find_is_repeated(end: Answered | Lost) -> None:
    """One arrival, a probe at once, one when the request can no more commit, and only then another arrival."""
    story = play(Call(PROBED, RULE), [Turn(end)] * 5 + [Turn(OK)] * 9)
    kinds = [type(moment.action).__name__ for moment in story.moments]
    assert kinds == ["Acquire", "Send", "Probe", "Wait", "Probe", "Wait", "Acquire", "Send"]
    assert story.moments[4].began == pytest.approx(story.moments[1].ended + 90.0)
    assert story.last == Finish(2)


def test_what_two_probes_do_not_find_was_not_done() -> None:
    """After them the call is as if it had not been sent: a later refusal is one."""
    story = play(Call(PROBED, RULE), [Turn(NO_ANSWER)] * 5 + [Turn(Answered(400))] * 9)
    assert story.last == Fail(FailReason.ANSWER, Outcome.REFUSED, 2)


def test_one_probe_is_not_enough_however_long_it_takes() -> None:
    """A probe that was asked at once and answered late may have looked too early: there is another."""
    script = [Turn(NO_ANSWER), Turn(NO_ANSWER), Turn(OK, took_s=100.0), Turn(OK), Turn(OK, found=True)]
    story = play(Call(PROBED, RULE), script)
    assert (story.last, len(story.sends)) == (Finish(1), 1)


def test_early_probes_count_for_nothing() -> None:
    """However many probes find nothing before the request can no more commit, the wait for the last one goes on."""
    call = Call(PROBED, RULE, phase=Phase.PROBING, may_be_done=True)
    for now in (1.0, 2.0, 3.0, 89.0):
        call, action = machine.advance(call, Probed(found=False), now, 0.5)
        assert action == Wait(90.0, "commit")


def test_a_probe_that_was_asked_too_early_does_not_count() -> None:
    """After a crash between two probes, the second still waits until the request can no more commit."""
    script = [Turn(NO_ANSWER), Turn(NO_ANSWER), Turn(OK), Turn(OK, killed=True), Turn(OK, took_s=95.0)]
    story = play(Call(PROBED, RULE), script)
    probes = [moment.began for moment in story.moments if isinstance(moment.action, Probe)]
    assert probes[-1] >= story.moments[1].ended + 90.0


@pytest.mark.parametrize("deadline", [inf, 150.0])
def test_what_is_known_to_be_done_is_never_repeated(deadline: float) -> None:
    """After a 2xx that lost its result, probes that find nothing do not lead to a second arrival."""
    story = play(Call(PROBED, RULE, deadline), [Turn(BROKEN)])
    assert story.last == Fail(FailReason.RESULT_LOST, Outcome.DONE, 1)


def test_without_time_for_the_second_probe_it_stays_unknown() -> None:
    """A deadline before the request's last possible commit leaves the outcome unknown at once."""
    story = play(Call(PROBED, RULE, deadline_at=150.0), [Turn(NO_ANSWER)])
    sure_at = story.moments[1].ended + 90.0
    assert (story.last, story.ended < 110.0) == (Fail(FailReason.UNKNOWN, Outcome.UNKNOWN, 1, sure_at), True)


def test_a_dead_key_is_replaced_once_per_generation() -> None:
    """A refused key is read again and the call sent again; the same generation twice is the end."""
    dead = Answered(401, dead_key=True)
    renewed = attempts(Call(UNSAFE, RULE), dead, OK)
    assert (renewed.last, len(renewed.sends)) == (Finish(2), 2)
    stuck = play(Call(UNSAFE, RULE), [Turn(dead, new_key=False)])
    assert stuck.last == Fail(FailReason.KEY, Outcome.REFUSED, 1)
    rekey = stuck.moments[-1].action
    assert isinstance(rekey, RenewKey)
    assert rekey.until == stuck.moments[-1].began + RULE.rekey_wait_s


def test_a_source_of_dead_keys_does_not_keep_a_call_for_ever() -> None:
    """A source that gives another dead key each time is given up after a few."""
    story = play(Call(SAFE, RULE), [Turn(Answered(401, dead_key=True))])
    assert story.last == Fail(FailReason.KEY, Outcome.REFUSED, machine.MAX_KEY_RENEWALS + 1)


def test_generations_of_another_process_are_other_keys() -> None:
    """A call that was refused a key and then found in store may still have its new process's key replaced."""
    call, _ = machine.advance(Call(SAFE, RULE, phase=Phase.IN_FLIGHT), Answered(401, dead_key=True), 0.0, 0.5)
    call, _ = machine.advance(call, Interrupted(), 1.0, 0.5)
    call, _ = machine.advance(call, Granted(0), 2.0, 0.5)
    call, action = machine.advance(call, Answered(401, dead_key=True), 3.0, 0.5)
    assert isinstance(action, RenewKey)


def test_redirects_are_arrivals_and_few() -> None:
    """A redirect within the origin is another arrival with a permit of its own, five times, for safe calls only."""
    moved = Answered(307, is_redirect=True)
    assert attempts(Call(SAFE, RULE), moved).last == Fail(FailReason.ANSWER, Outcome.REFUSED, machine.MAX_REDIRECTS + 1)
    assert attempts(Call(SAFE, RULE), moved, OK).last == Finish(2)
    assert attempts(Call(UNSAFE, RULE), moved).last == Fail(FailReason.ANSWER, Outcome.REFUSED, 1)


def test_a_broken_success_stays_done_when_attempts_run_out() -> None:
    """2xx without its body, again and again: the call has failed, but what is known is that it was done."""
    assert attempts(Call(IDEMPOTENT, RULE), BROKEN).last == Fail(FailReason.ANSWER, Outcome.DONE, RULE.attempts)


def test_a_permit_that_comes_after_the_deadline_is_not_used() -> None:
    """A grant that took longer than the deadline leads to no arrival."""
    story = play(Call(SAFE, RULE, deadline_at=101.0), [Turn(OK, took_s=2.0)])
    assert (story.last, story.sends) == (Fail(FailReason.DEADLINE, Outcome.REFUSED, 0), [])


def test_a_call_that_comes_too_late_asks_for_nothing() -> None:
    """At its deadline a call does not even stand in line."""
    story = play(Call(SAFE, RULE, deadline_at=100.0), [Turn(OK)])
    assert (story.last, story.moments) == (Fail(FailReason.DEADLINE, Outcome.REFUSED, 0), ())


def test_a_throttle_waits_no_less_than_the_failure_before() -> None:
    """Failures and throttles are counted apart, but no wait is shorter than the one before."""
    failed = Answered(500)
    throttled = Answered(429)
    for one, other in ((failed, throttled), (throttled, failed)):
        assert attempts(Call(SAFE, RULE), one, one, one, other, OK).waits == [0.375, 0.75, 1.5, 1.5]


def test_a_permit_that_cannot_be_had_in_time_is_reported_with_its_time() -> None:
    """`Denied` ends the call with the time at which it could go on."""
    last = play(Call(SAFE, RULE, deadline_at=101.0), [Turn(OK, granted=False)]).last
    assert last == Fail(FailReason.WOULD_EXCEED, Outcome.REFUSED, 0, available_at=105.25)


@pytest.mark.parametrize(("status", "floor_s"), [(429, 17.0), (503, 17.0), (500, 0.0), (502, 0.0), (504, 0.0)])
def test_retry_after_counts_on_429_and_503_only(status: int, floor_s: float) -> None:
    """`Retry-After` is a floor where the RFCs say so; elsewhere such a header only teaches."""
    story = attempts(Call(SAFE, RULE), Answered(status, retry_after_s=17.0), OK)
    assert story.waits == [max(floor_s, 0.375)]


def test_a_wait_is_not_shortened_by_a_crash() -> None:
    """A call that is found in store while it waits goes on waiting."""
    asked = Answered(503, retry_after_s=50.0)
    story = play(Call(SAFE, RULE), [Turn(asked), Turn(asked), Turn(OK, killed=True), Turn(OK), Turn(OK), Turn(OK)])
    assert story.sends[1].began >= story.sends[0].ended + 50.0


def test_a_wait_until_the_very_deadline_is_not_begun() -> None:
    """A wait that would end at the deadline leaves no time to send: the call ends at once."""
    story = attempts(Call(SAFE, RULE, deadline_at=110.5), Answered(503, retry_after_s=10.0))
    assert story.last == Fail(FailReason.WOULD_EXCEED, Outcome.REFUSED, 1, available_at=110.5)


def test_the_budget_stops_repetitions_but_not_throttles() -> None:
    """Without budget a 500 is final; a 429 spends no attempt and is waited out."""
    assert len(attempts(Call(SAFE, RULE), Answered(500, may_retry=False)).sends) == 1
    assert len(attempts(Call(SAFE, RULE), Lost(Outcome.UNKNOWN, may_retry=False)).sends) == 1
    assert len(attempts(Call(SAFE, RULE), Answered(429, may_retry=False)).sends) == RULE.throttles + 1


EVENTS: tuple[Event, ...] = (
    *(Started(), Granted(), Denied(1.0), OK, NO_ANSWER, Woken(), KeyRenewed(0), Probed(found=False), Interrupted()),
)
LEGAL: dict[Phase, set[type]] = {
    Phase.NEW: {Started},
    Phase.ACQUIRING: {Granted, Denied, Interrupted},
    Phase.IN_FLIGHT: {Answered, Lost, Interrupted},
    Phase.WAITING: {Woken, Interrupted},
    Phase.RENEWING_KEY: {KeyRenewed, Interrupted},
    Phase.PROBING: {Probed, Woken, Interrupted},
    Phase.ENDED: set(),
}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_moves_that_are_not_in_the_table_are_bugs(phase: Phase, event: Event) -> None:
    """Every event has its phases, and raises `IllegalEvent` in all others."""
    call = Call(PROBED, RULE, phase=phase)
    if type(event) in LEGAL[phase]:
        assert machine.advance(call, event, 1.0, 0.5)
    else:
        with pytest.raises(IllegalEvent, match=f"{type(event).__name__} in phase {phase}"):
            machine.advance(call, event, 1.0, 0.5)


def test_interrupted_before_sending_nothing_is_in_doubt() -> None:
    """A call that died in line goes back into it; one that died in flight is unknown."""
    line = Call(UNSAFE, RULE, phase=Phase.ACQUIRING)
    _, action = machine.advance(line, Interrupted(), 1.0, 0.5)
    assert not isinstance(action, Fail | Send | Wait)
    _, action = machine.advance(replace(line, phase=Phase.IN_FLIGHT, attempts=1), Interrupted(), 1.0, 0.5)
    assert action == Fail(FailReason.UNKNOWN, Outcome.UNKNOWN, 1)

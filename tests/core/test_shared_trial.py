# SPDX-License-Identifier: Apache-2.0
"""One trial of a new key for all processes: one claims it, the others wait and take its verdict over."""

from __future__ import annotations

from callwell.core.shared_trial import (
    CLAIM_S,
    UNKNOWN,
    VERDICT_S,
    SharedTrial,
    TrialStep,
    claim,
    record_accepted,
    record_refused,
    release,
)

NOW = 1_000.0


def ask(trial: SharedTrial, process: str, now: float = NOW) -> TrialStep:
    """What a process is to do."""
    return claim(trial, process, now)[1].step


def test_one_process_tries_and_the_others_take_its_verdict_over() -> None:
    """A dead claimant is followed by another, and an old acceptance is not believed."""
    claimed, first = claim(UNKNOWN, "one", NOW)
    assert first.step is TrialStep.TRY
    assert ask(claimed, "one") is TrialStep.TRY
    assert ask(claimed, "two") is TrialStep.WAIT
    assert ask(claimed, "two", NOW + CLAIM_S) is TrialStep.TRY
    assert ask(claimed, "two", NOW - 0.001) is TrialStep.WAIT  # it has asked earlier, and come to its turn later
    accepted = record_accepted(NOW)
    assert ask(accepted, "two", NOW + VERDICT_S - 1) is TrialStep.ACCEPTED
    assert ask(accepted, "two", NOW + VERDICT_S) is TrialStep.TRY


def test_a_refused_key_is_tried_later_and_later() -> None:
    """By any process, once the wait has passed; the reason is passed on until then."""
    trial = record_refused(UNKNOWN, "401 X9", NOW)
    assert claim(trial, "two", NOW + 29)[1] == (TrialStep.REFUSED, "401 X9")
    assert ask(trial, "two", NOW + 30) is TrialStep.TRY
    for _ in range(20):
        trial = record_refused(trial, "401 X9", NOW)
    assert trial.retry_at == NOW + 3_600


def test_what_a_wrong_clock_has_written_blocks_nobody() -> None:
    """A claim, a refusal and an acceptance far in the future are not believed."""
    assert ask(SharedTrial(claimant="one", claimed_until=NOW + 9_999), "two") is TrialStep.TRY
    assert ask(SharedTrial(retry_at=NOW + 99_999), "two") is TrialStep.TRY
    assert ask(SharedTrial(accepted_at=NOW + 9_999), "two") is TrialStep.TRY


def test_a_trial_without_a_result_is_left_to_another_process() -> None:
    """Only its claimant gives it up."""
    claimed, _ = claim(UNKNOWN, "one", NOW)
    assert ask(release(claimed, "one"), "two") is TrialStep.TRY
    assert release(claimed, "two") == claimed

# SPDX-License-Identifier: Apache-2.0
"""Carries out a key rotation: gathers the evidence, records what it proves, and does everything that needs no person.

`core.rotation_steps` decides. The record of a rotation is in the state, so any command that uses the state can continue
it. The values of keys stay in this process: only a process that has read the old key can test whether the provider
refuses it.

This is for commands: it reads the state and the source in the thread that calls it.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from callwell.client.keys.fleet import is_silent
from callwell.core import key_rotation, rotation_steps
from callwell.core.key_rotation import Rotation, RotationEnd, RotationStep, RotationTaken
from callwell.core.key_trial import NOT_TRIED
from callwell.core.rotation_steps import Action, Evidence, OldKeyTrial, ProcessUse
from callwell.core.shared_trial import TrialStep
from callwell.errors import KeyMalformed, KeyMissing, KeyProblem, UsageError
from callwell.keys.format import find_format_error
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.config import ClientConfig
    from callwell.core.rotation_steps import PendingStep
    from callwell.keys import Key

T = TypeVar("T")

SIGNAL_S: Final = 1.0
"""How often all processes are asked to report while a step waits for them."""

READ_LEASED_S: Final = 2.0
"""How often a source that runs a program or sends a request is read."""

TRY_AGAIN_S: Final = 5.0
"""How soon a key is tried again after a trial without an answer, or an old key that the provider still accepts."""


class RotationProgress(NamedTuple):
    """A rotation, and what it waits for.

    Attributes:
        rotation: the rotation.
        wait: what its next step waits for; None if it has ended.
    """

    rotation: Rotation
    wait: PendingStep | None


class RotationDriver:
    """Carries out the rotation of one account's key.

    Args:
        config: of the account's clients; its state is shared with them.
        try_key: sends the canary with a key, and returns why the provider refuses it, `NOT_TRIED` if that is unknown,
            or None if it accepts it. None if there is no canary.
    """

    def __init__(self, config: ClientConfig, try_key: Callable[[Key], str | None] | None) -> None:
        self._config = config
        self._source = config.source
        self._state = config.state
        self._clock = config.clock
        self._uses = config.key_uses()
        self._try_key = try_key
        self._by = f"{socket.gethostname()}:{os.getpid()}"
        self._cell = Cell(f"key-rotation:{config.account_key}", Rotation, empty=Rotation())
        self._keys: dict[str, Key] = {}
        self._started_at = 0.0
        self._staged: Key | None = None
        self._staged_at = 0.0
        self._revision: object = None
        self._is_rewritten = False
        self._is_untried = False
        self._new_tried_at = float("-inf")
        self._asked_at = 0.0
        self._signalled_at = 0.0
        self._old_key = OldKeyTrial.NOT_TRIED
        self._old_tried_at = float("-inf")

    def read(self) -> Rotation:
        """The last rotation of the account."""
        return self._state.read(self._cell)

    def read_staged(self) -> Key:
        """The key at the source; a source with a lease is read again.

        Raises:
            KeyMissing: there is none, or it cannot be read.
        """
        source = self._source
        now = self._clock.now()
        if self._staged is not None and source.lease_s is not None and now - self._staged_at < READ_LEASED_S:
            return self._staged
        key = source.read()
        if source.lease_s is not None:
            key = source.refresh(key.fingerprint)  # type: ignore[attr-defined] # has a lease
        self._staged = key
        self._staged_at = now
        self._keys[key.fingerprint] = key
        return key

    def preview_old(self) -> str:
        """The fingerprint of the key that a new rotation would replace.

        Raises:
            KeyProblem: there is no key to start with.
        """
        key = self.read_staged()
        self._check_form(key)
        return key.fingerprint

    def begin(self, *, overlaps: bool) -> Rotation:
        """Continue the current rotation, or begin one for the key at the source.

        Args:
            overlaps: for a new rotation: the old key stays valid when a new one is created.

        Raises:
            UsageError: another command is carrying it out.
            KeyProblem: there is no key to start with.
        """
        staged = "" if self.read().is_under_way else self.preview_old()
        now = self._clock.wall()

        def change(rotation: Rotation) -> tuple[Rotation, Rotation | RotationTaken]:
            if not rotation.is_under_way and not staged:
                return rotation, rotation  # it has just ended
            if not rotation.is_under_way:
                rotation = key_rotation.begin(staged, overlaps=overlaps, by=self._by, now=now)
            taken = key_rotation.take(rotation, self._by, now)
            return (rotation, taken) if isinstance(taken, RotationTaken) else (taken, taken)

        rotation = _refuse_taken(self._state.update(self._cell, change))
        self._started_at = rotation.started_at
        return rotation

    def abandon(self) -> Rotation:
        """Abandon the rotation.

        Raises:
            UsageError: none is under way.
        """
        now = self._clock.wall()

        def change(rotation: Rotation) -> tuple[Rotation, bool]:
            return (key_rotation.abandon(rotation, now), True) if rotation.is_under_way else (rotation, False)

        if not self._state.update(self._cell, change):
            raise UsageError(f"{self._config.provider.name}: no rotation is under way")
        return self.read()

    def release(self) -> None:
        """Let another command continue immediately."""
        self._state.update(self._cell, lambda rotation: (key_rotation.release(rotation, self._by), None))

    def preview(self, rotation: Rotation) -> RotationProgress:
        """What a rotation waits for, without doing or recording anything.

        Args:
            rotation: a rotation under way.
        """
        return RotationProgress(
            *rotation_steps.advance(rotation, self._gather(rotation, frozenset()), self._clock.wall())
        )

    def proceed(self, confirmed: frozenset[RotationStep] = frozenset()) -> RotationProgress:
        """Prove everything that can be proved now, and do everything that needs neither a person nor time.

        Args:
            confirmed: the steps that a person has confirmed.

        Raises:
            UsageError: another command is carrying it out, or it is no longer in the state.
            StateError: the state is unavailable; earlier proofs are kept.
        """
        acted: set[Action] = set()
        while True:
            progress = self._advance(confirmed)
            wait = progress.wait
            if wait is None or wait.action in acted or not self._act(progress.rotation, wait):
                return progress
            acted.add(wait.action)

    def _advance(self, confirmed: frozenset[RotationStep]) -> RotationProgress:
        """Record what the evidence of this moment proves."""
        evidence = self._gather(self.read(), confirmed)
        now = self._clock.wall()

        def change(rotation: Rotation) -> tuple[Rotation, RotationProgress | RotationTaken | None]:
            if rotation.started_at != self._started_at:
                return rotation, None
            if not rotation.is_under_way:
                return rotation, RotationProgress(rotation, None)
            taken = key_rotation.take(rotation, self._by, now)
            if isinstance(taken, RotationTaken):
                return rotation, taken
            after, wait = rotation_steps.advance(taken, evidence, now)
            if after.ended is not RotationEnd.NONE:
                after = key_rotation.release(after, self._by)
            return after, RotationProgress(after, wait)

        progress = _refuse_taken(self._state.update(self._cell, change))
        if progress is None:
            raise UsageError("the state has lost this rotation, or has another one: run the command again")
        return progress

    def _act(self, rotation: Rotation, wait: PendingStep) -> bool:
        """Do what a step needs from this process, and return whether that produced new evidence."""
        match wait.action:
            case Action.TRY_NEW:
                return self._try_new(rotation)
            case Action.TRY_OLD:
                return self._try_old(self._keys[rotation.old])
            case Action.ASK:
                self._uses.request_reload()
                self._asked_at = self._clock.wall()
                return True
            case Action.MARK:
                self._uses.set_revoked(rotation.old, revoked=True)
                return True
            case Action.WAIT:
                self._signal(rotation, wait.step)
        return False

    def _signal(self, rotation: Rotation, step: RotationStep) -> None:
        """Ask all processes to report, and refresh the new key's acceptance so that they still believe it."""
        now = self._clock.wall()
        if now - self._signalled_at < SIGNAL_S:
            return
        self._signalled_at = now
        if step is RotationStep.SWITCH and not self._uses.fleet.has_accepted(rotation.new):
            self._try_new(rotation)
        self._uses.notify()

    def _try_new(self, rotation: Rotation) -> bool:
        """Try the new key for all processes, unless another one is doing so; returns whether that produced evidence."""
        fleet = self._uses.fleet
        key = self._keys.get(rotation.new)
        if key is None:
            return False
        if self._try_key is None:
            if self._find_use(rotation, key.fingerprint):
                fleet.record_trial(key.fingerprint, None, is_clear=True)  # for processes that make no calls
            return False
        now = self._clock.now()
        if self._is_untried and now - self._new_tried_at < TRY_AGAIN_S:
            return False
        claim = fleet.claim_trial(key.fingerprint)
        if claim.step is not TrialStep.TRY:
            return False
        self._new_tried_at = now
        try:
            problem = self._try_key(key)
        except BaseException:
            fleet.record_trial(key.fingerprint, NOT_TRIED, is_clear=False)
            raise
        self._is_untried = problem == NOT_TRIED
        fleet.record_trial(key.fingerprint, problem, is_clear=not self._is_untried)
        return True

    def _try_old(self, key: Key) -> bool:
        """Ask the provider about the old key, and return whether that produced new evidence."""
        now = self._clock.now()
        if self._try_key is None or now - self._old_tried_at < TRY_AGAIN_S:
            return False
        self._old_tried_at = now
        problem = self._try_key(key)
        verdicts = {None: OldKeyTrial.ACCEPTED, NOT_TRIED: OldKeyTrial.UNKNOWN}
        self._old_key = verdicts.get(problem, OldKeyTrial.REFUSED)
        return True

    def _gather(self, rotation: Rotation, confirmed: frozenset[RotationStep]) -> Evidence:
        """What is seen at this moment."""
        staged, problem = self._read_source(rotation)
        trial = self._uses.fleet.read_trial(staged)
        use = self._uses.read_use(staged)
        is_earlier = 0.0 < use.first < rotation.started_at
        now = self._clock.wall()
        marked_at = self._uses.read_revoked().get(rotation.old, 0.0)
        # A marked key is not sent any more, but the provider's earlier answer about it still holds.
        can_try = self._try_key is not None and rotation.old in self._keys and not marked_at
        old_key = OldKeyTrial.UNKNOWN if self._old_key is OldKeyTrial.NOT_TRIED and not can_try else self._old_key
        by_canary = f"the provider accepts it: {self._config.provider.profile.key.canary} succeeded"
        return Evidence(
            staged=staged,
            problem=problem,
            is_rewritten=self._is_rewritten,
            earlier_use="it was accepted before this rotation" if is_earlier else "",
            accepted=by_canary if trial.accepted_at >= rotation.started_at else self._find_use(rotation, staged),
            refusal=trial.reason or (NOT_TRIED if self._is_untried else ""),
            asked_at=self._asked_at,
            processes=tuple(
                ProcessUse(
                    process=keys.process,
                    fingerprint=keys.fingerprint,
                    draining=keys.draining,
                    is_silent=is_silent(keys, now),
                )
                for keys in self._uses.find_processes()
            ),
            old_key=old_key,
            marked_at=marked_at,
            confirmed=confirmed,
        )

    def _find_use(self, rotation: Rotation, fingerprint: str) -> str:
        """How a call has proved, since the rotation started, that the provider accepts a key; empty if none has."""
        has_succeeded = self._uses.read_use(fingerprint).last >= rotation.started_at
        return "the provider accepts it: a call succeeded" if has_succeeded else ""

    def _read_source(self, rotation: Rotation) -> tuple[str, str]:
        """The fingerprint of the key at the source, and what is wrong with it."""
        revision = self._source.revision()
        try:
            key = self.read_staged()
        except KeyMissing as error:
            return "", str(error)
        self._is_rewritten = self._is_rewritten or self._revision not in (None, revision)
        self._revision = revision
        if key.fingerprint == rotation.old:
            return key.fingerprint, ""
        try:
            self._check(key)
        except KeyProblem as error:
            return key.fingerprint, str(error)
        return key.fingerprint, ""

    def _check(self, key: Key) -> None:
        """Check that calls could use a key.

        Raises:
            KeyProblem: it is not a key of the provider, belongs to another environment, or is marked as revoked.
        """
        self._check_form(key)
        self._uses.check_revoked(key.fingerprint, self._source.location)

    def _check_form(self, key: Key) -> None:
        """The same, ignoring a mark: a leaked key is first marked and then replaced."""
        problem = find_format_error(key.reveal(), self._config.provider.profile.key)
        if problem is not None:
            raise KeyMalformed(f"{self._config.provider.name}: the key at {self._source.location} {problem}")
        self._uses.check_environment(key.fingerprint, self._source.location)


def _refuse_taken(found: T | RotationTaken) -> T:
    """The rotation, unless another command is carrying it out."""
    if isinstance(found, RotationTaken):
        after_s = key_rotation.CLAIM_S
        raise UsageError(
            f"{found.by} is carrying out this rotation: end it first (if it was killed, this one can continue "
            f"{after_s:g} s later), or use --status"
        )
    return found

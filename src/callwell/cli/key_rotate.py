# SPDX-License-Identifier: Apache-2.0
"""`callwell keys rotate`: leads a person through a rotation, and shows what has proved each step."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from callwell.cli import output
from callwell.cli.flags import EnvironmentOption, JsonOption, KeyOption, ProviderArgument, StateOption
from callwell.cli.times import format_time
from callwell.core.key_rotation import Rotation, RotationEnd, RotationStep, begin
from callwell.core.rotation_steps import Action
from callwell.errors import InvalidOption, StateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.cli.rotation_guide import RotationGuide
    from callwell.cli.settings import Setting
    from callwell.client.config import ClientConfig
    from callwell.client.keys.rotation import RotationDriver, RotationProgress
    from callwell.core.key_rotation import RotationProof
    from callwell.core.rotation_steps import PendingStep

POLL_S: Final = 0.25
"""The polling interval while a step waits, too short for a person to notice."""

WAIT_S: Final = 10.0
"""How long a command without a terminal waits for other processes: live ones answer within a second."""

WAITS: Final = 1
REFUSED: Final = 3
"""Exit codes: a step waits; the provider refuses the new key."""

MANUAL_ACTIONS: Final = (Action.PERSON, Action.CONFIRM)

CONFIRMED: Final = (RotationStep.PREPARE, RotationStep.REVOKE)
"""Steps that a person confirms."""

OverlapOption = Annotated[
    bool | None,
    typer.Option(
        "--overlap/--no-overlap",
        help="Whether the old key stays valid when a new one is made. Default: as the provider's description says.",
        show_default=False,
    ),
]
ConfirmOption = Annotated[
    list[str] | None,
    typer.Option("--confirm", metavar="STEP", help="You have done this: prepare or revoke. Repeatable."),
]
StatusOption = Annotated[bool, typer.Option("--status", help="Print where the last rotation stands, and do nothing.")]
AbandonOption = Annotated[
    bool, typer.Option("--abandon", help="Abandon the rotation; keys and their sources do not change.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print all steps with what to do, and do nothing.")]


class RotatedAccount(NamedTuple):
    """The account of a rotation.

    Attributes:
        config: of its clients.
        driver: carries the rotation out.
        state: its URL, for display.
    """

    config: ClientConfig
    driver: RotationDriver
    state: str

    def guide(self, *, overlaps: bool) -> RotationGuide:
        """What a person does in each step."""
        from callwell.cli.rotation_guide import RotationGuide

        return RotationGuide(self.config.provider.profile, self.config.source, overlaps=overlaps)


def rotate(
    provider: ProviderArgument,
    *,
    key: KeyOption = None,
    environment: EnvironmentOption = None,
    state: StateOption = None,
    overlap: OverlapOption = None,
    confirm: ConfirmOption = None,
    status: StatusOption = False,
    abandon: AbandonOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Replace a key by a new one, step by step, without losing a call; each step shows what has proved it.

    It never asks for the key itself. Proofs are kept in the state, so Ctrl-C loses nothing: the same command
    continues, on any machine with that state. Without a terminal, or with --json, nothing is asked: the command does
    what it can, prints which step waits, and ends. Exit codes: 1 if a step waits, 3 if the provider refuses the new
    key.
    """
    from callwell.cli.settings import Settings

    settings = Settings.discover()
    output.configure_logging(verbose=False)
    described = settings.load(provider)
    confirmed = _read_confirmed(confirm or ())
    values = settings.resolve(described, {"environment": environment, "key": key, "state": state})
    account = _open_account(described, values)
    try:
        if status or abandon:
            rotation = account.driver.abandon() if abandon else account.driver.read()
            _print_status(account, rotation, as_json=as_json)
            return
        _refuse_fixed_source(account.config)
        overlaps = bool(described.profile.key.create) if overlap is None else overlap
        if dry_run:
            _print_plan(account, overlaps=overlaps, as_json=as_json)
            return
        end = _continue_rotation(account, overlaps=overlaps, overlap=overlap, confirmed=confirmed, as_json=as_json)
        _exit(end)
    finally:
        account.config.close()


def _continue_rotation(
    account: RotatedAccount, *, overlaps: bool, overlap: bool | None, confirmed: frozenset[RotationStep], as_json: bool
) -> RotationProgress:
    """Continue the rotation, interactively on a terminal, and print how far it went."""
    is_interactive = sys.stdin.isatty() and output.on_terminal() and not as_json
    rotation = account.driver.begin(overlaps=overlaps)
    try:
        _refuse_other_case(rotation, overlap)
        conversation = RotationDialog(account, rotation, is_silent=as_json)
        end = conversation.run_interactively(confirmed) if is_interactive else conversation.run(confirmed)
    finally:
        with suppress(StateError):
            account.driver.release()
    if as_json:
        output.emit_json(_to_json(account, end.rotation, end.wait))
    return end


class RotationDialog:
    """Prints what happens in a rotation, and asks for what only a person can do.

    Args:
        account: the account.
        rotation: its rotation.
        is_silent: print nothing.
    """

    def __init__(self, account: RotatedAccount, rotation: Rotation, *, is_silent: bool) -> None:
        self._account = account
        self._driver = account.driver
        self._guide = account.guide(overlaps=rotation.overlaps)
        self._is_silent = is_silent
        self._shown: set[RotationProof] = set()
        self._headed: set[RotationStep] = set()
        self._last_reason = ""
        for line in _describe_beginning(account, rotation):
            self._print(line)

    def run(self, confirmed: frozenset[RotationStep]) -> RotationProgress:
        """Continue as far as possible without a person."""
        give_up_at = time.monotonic() + WAIT_S
        while True:
            progress = self._driver.proceed(confirmed)
            self._show(progress)
            wait = progress.wait
            if wait is None or wait.is_refused or wait.action in MANUAL_ACTIONS or time.monotonic() > give_up_at:
                return progress
            self._pause()

    def run_interactively(self, confirmed: frozenset[RotationStep]) -> RotationProgress:
        """Continue to the end, or until Ctrl-C."""
        self._print("Ctrl-C stops here and loses nothing: the same command continues, on any machine with this state.")
        while True:
            try:
                progress = self._driver.proceed(confirmed)
            except StateError as error:
                self._show_reason(f"the state is unavailable and is tried again: {error}")
                self._pause()
                continue
            self._show(progress)
            if progress.wait is None:
                return progress
            if progress.wait.action is not Action.CONFIRM:
                self._pause()
            elif _has_confirmed(progress.wait.step):
                confirmed |= {progress.wait.step}
            else:
                return progress

    def _show(self, progress: RotationProgress) -> None:
        """Print new proofs, the heading of the step that waits, and why it waits."""
        rotation = progress.rotation
        for proof in rotation.proofs:
            if proof not in self._shown:
                self._shown.add(proof)
                self._print(_describe_proof(proof))
        wait = progress.wait
        if wait is None:
            self._print(_describe_end(rotation))
            return
        # Only a new key at its source shows that it was made.
        together = (RotationStep.CREATE, RotationStep.STAGE) if wait.step is RotationStep.CREATE else (wait.step,)
        for step in together:
            if step not in self._headed:
                self._headed.add(step)
                self._print(f"\n{rotation.steps.index(step) + 1} of {len(rotation.steps)}  {step}")
                for line in self._guide.lines(step):
                    self._print(f"  {line}")
        self._show_reason(wait.reason)

    def _show_reason(self, reason: str) -> None:
        if reason != self._last_reason:
            self._last_reason = reason
            self._print(f"  waits: {reason}")

    def _print(self, line: str) -> None:
        if not self._is_silent:
            output.emit(line)
            sys.stdout.flush()

    def _pause(self) -> None:
        time.sleep(self._account.config.clock.real_s(POLL_S))


def _open_account(described: Any, values: Mapping[str, Setting]) -> RotatedAccount:
    """The account that the settings name, and the driver of its rotation.

    Raises:
        UsageError: the provider has no keys, or the state is not shared.
    """
    from callwell.cli.flags import client_options
    from callwell.cli.settings import explaining_state_errors
    from callwell.client._sync.keys.single_trial import try_one_key
    from callwell.client.config import ClientConfig
    from callwell.client.keys.rotation import RotationDriver
    from callwell.state.urls import mask_state_url

    if described.profile.key.scheme == "none":
        raise UsageError(f"{described.name} has no keys")
    options = client_options(values)
    with explaining_state_errors(values):
        config = ClientConfig.from_options(described, options)
    if not config.state.shared:
        config.close()
        raise UsageError("the state is memory:, which no process shares: name another (--state sqlite:///PATH)")
    has_canary = config.provider.profile.key.canary is not None
    try_key = partial(try_one_key, described, {**options, "state": config.state}) if has_canary else None
    return RotatedAccount(config, RotationDriver(config, try_key), mask_state_url(str(values["state"].value)))


def _refuse_fixed_source(config: ClientConfig) -> None:
    """Refuse a source from which running processes cannot get a new key.

    Raises:
        UsageError: it is one.
    """
    if not config.source.can_change:
        raise UsageError(
            f"the key is in {config.source.location}, which cannot change in a running process: keep it in a file "
            "(--key file:PATH) or another source that can, restart your programs with that, and rotate then"
        )


def _refuse_other_case(rotation: Rotation, overlap: bool | None) -> None:
    """Refuse to continue a rotation that was begun with other steps.

    Raises:
        UsageError: it was begun for the other case.
    """
    if overlap is not None and overlap is not rotation.overlaps:
        begun = "--overlap" if rotation.overlaps else "--no-overlap"
        raise UsageError(
            f"this rotation was begun with {begun}: continue without the option, or give it up (--abandon)"
        )


def _read_confirmed(texts: list[str] | tuple[()]) -> frozenset[RotationStep]:
    """The steps that are confirmed.

    Raises:
        InvalidOption: a step that there is not, or that is never confirmed.
    """
    for text in texts:
        if text not in CONFIRMED:
            raise InvalidOption("--confirm", text, "prepare or revoke; all other steps are detected")
    return frozenset(map(RotationStep, texts))


def _has_confirmed(step: RotationStep) -> bool:
    """Ask a person to confirm a step; False at the end of the input."""
    done = "you are ready" if step is RotationStep.PREPARE else "the provider has revoked the old key"
    sys.stdout.write(f"  Press Enter when {done} (Ctrl-C: later) ")
    sys.stdout.flush()
    return sys.stdin.readline() != ""


def _exit(end: RotationProgress) -> None:
    """End with the code of what is left to do."""
    if end.wait is None:
        return
    output.say(f"callwell: the step {end.wait.step} waits: {end.wait.reason}")
    is_refused = end.wait.step is RotationStep.CANARY and end.wait.is_refused
    raise typer.Exit(REFUSED if is_refused else WAITS)


def _describe_beginning(account: RotatedAccount, rotation: Rotation) -> Iterator[str]:
    config = account.config
    name = f"{config.provider.name} ({config.environment})"
    yield f"{name}: rotation of the key {rotation.old} at {config.source.location}"
    yield f"begun at {format_time(rotation.started_at)} by {rotation.started_by}, kept in {account.state}"
    processes = [keys for keys in config.key_uses().find_active_processes() if keys.fingerprint == rotation.old]
    unseen = "" if processes else " (those with the state memory:, or another one, are not seen)"
    yield f"processes that make calls with it now: {len(processes)}{unseen}"


def _describe_proof(proof: RotationProof) -> str:
    return f"  proved {format_time(proof.at)}  {proof.step}  {proof.fingerprint}: {proof.seen}"


def _describe_end(rotation: Rotation) -> str:
    if rotation.ended is RotationEnd.ABANDONED:
        return f"\nabandoned at {format_time(rotation.ended_at)}: keys and their sources do not change"
    return f"\ndone at {format_time(rotation.ended_at)}: {rotation.new} has replaced {rotation.old}"


def _print_status(account: RotatedAccount, rotation: Rotation, *, as_json: bool) -> None:
    """Print the recorded progress of a rotation, and what it waits for."""
    wait = account.driver.preview(rotation).wait if rotation.is_under_way else None
    if as_json:
        output.emit_json(_to_json(account, rotation, wait))
        return
    if not rotation.old:
        output.emit(f"{account.config.provider.name} ({account.config.environment}): no rotation on {account.state}")
        return
    for line in _describe_beginning(account, rotation):
        output.emit(line)
    for proof in rotation.proofs:
        output.emit(_describe_proof(proof))
    if wait is None:
        output.emit(_describe_end(rotation))
    else:
        output.emit(f"  {wait.step} waits: {wait.reason}")


def _print_plan(account: RotatedAccount, *, overlaps: bool, as_json: bool) -> None:
    """Print all steps with what to do in each, and what the first one waits for."""
    rotation = account.driver.read()
    if not rotation.is_under_way:
        now = account.config.clock.wall()
        rotation = begin(account.driver.preview_old(), overlaps=overlaps, by="no one: this is a dry run", now=now)
    wait = account.driver.preview(rotation).wait
    guide = account.guide(overlaps=rotation.overlaps)
    if as_json:
        steps = {str(step): list(guide.lines(step)) for step in rotation.steps}
        output.emit_json({**_to_json(account, rotation, wait), "guide": steps})
        return
    for line in _describe_beginning(account, rotation):
        output.emit(line)
    for number, step in enumerate(rotation.steps, 1):
        output.emit(f"\n{number} of {len(rotation.steps)}  {step}")
        for line in guide.lines(step):
            output.emit(f"  {line}")
    output.emit("\nThis is a dry run: nothing was done or recorded.")


def _to_json(account: RotatedAccount, rotation: Rotation, wait: PendingStep | None) -> dict[str, Any]:
    return {
        "provider": account.config.provider.name,
        "environment": account.config.environment,
        "location": account.config.source.location,
        "state": account.state,
        "old": rotation.old or None,
        "new": rotation.new or None,
        "overlaps": rotation.overlaps,
        "started": format_time(rotation.started_at) if rotation.old else None,
        "started_by": rotation.started_by or None,
        "ended": rotation.ended or None,
        "steps": list(rotation.steps),
        "proofs": [
            {"step": proof.step, "at": format_time(proof.at), "fingerprint": proof.fingerprint, "seen": proof.seen}
            for proof in rotation.proofs
        ],
        "waits_for": None if wait is None else {"step": wait.step, "reason": wait.reason},
    }

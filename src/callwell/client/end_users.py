# SPDX-License-Identifier: Apache-2.0
"""End users: the ID that the provider sees for each, and how many there were each month.

The caller's own user ID goes no further than `provider_id`: only the pseudonym is sent, recorded and shown. Each
process records a user in the state once per calendar month (UTC), because providers bill by monthly active users.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from callwell.core.pseudonym import MIN_SECRET_BYTES, pseudonym
from callwell.errors import (
    CallError,
    CallwellError,
    ConnectFailed,
    EndUserMissing,
    FileProblem,
    InvalidOption,
    KeyMissing,
    StateError,
)
from callwell.forks import reset_after_fork
from callwell.keys import parse_source
from callwell.observe.logs import LOGGER, log_notice
from callwell.observe.notices import OneUser
from callwell.state import home
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.clock import Clock
    from callwell.core.rules.environments import EndUserRule
    from callwell.keys import Key
    from callwell.observe.hooks import Hooks
    from callwell.state.base import State

    Post: TypeAlias = Callable[[State, Callable[[], None]], None]

SECRET_FILE: Final = "user-secret"  # noqa: S105 - a file's name
"""The file for a generated secret, in the state's default folder."""

CALLS_BEFORE_NOTICE: Final = 100
"""Calls for the same end user after which a client warns that one ID may stand for everyone: more than a real user's
session makes."""

MAX_REMEMBERED: Final = 65_536
"""Recorded users that a process remembers, about 6 MB; beyond that, it records some of them again."""


class UserSeen(NamedTuple):
    """The record that an end user was active in a month.

    Attributes:
        first: when they were first seen in that month, in seconds since the epoch; 0 if never.
    """

    first: float = 0.0


class EndUsers:
    """The end users of one client.

    Args:
        provider: the provider's name.
        rule: how it identifies end users.
        required: every call must be for an end user.
        secret: where to read the secret for pseudonyms; None for a generated one in a file, created on first use.
        account: the account's name in the state.
        state: where users are recorded.
        clock: gives the time of day.
        hooks: notified if one ID seems to stand for all users.
    """

    def __init__(
        self,
        provider: str,
        rule: EndUserRule,
        *,
        required: bool,
        secret: str | Key | None,
        account: str,
        state: State,
        clock: Clock,
        hooks: Hooks | None,
    ) -> None:
        self.header = rule.header.lower()
        self._provider = provider
        self._rule = rule
        self.required = required
        self._secret_source = secret
        self._secret = b""
        self._account = account
        self._state = state
        self._clock = clock
        self._hooks = hooks
        self._month = ""
        self._recorded = set[str]()
        self._only: str | None = None
        self._calls = 0
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A child may have its own state, where no user has been recorded yet."""
        self._recorded = set()

    def provider_id(self, user: object) -> str:
        """A user's ID at the provider: a pseudonym, or the caller's own ID if the profile says so.

        Args:
            user: the caller's own ID; no message repeats it.

        Raises:
            InvalidOption: it is not an ID, or the secret is unusable.
            KeyMissing: the named source has no secret.
            FileProblem: no secret can be created.
        """
        if not isinstance(user, str) or not user.strip():
            raise InvalidOption("for_user", HiddenText(user), "your own ID of the end user, as text")
        if self._rule.pseudonym:
            self._secret = self._secret or self._read_secret()
            return pseudonym(self._secret, self._provider, user)
        if not (user.isascii() and user.isprintable()):
            raise InvalidOption("for_user", HiddenText(user), "printable ASCII characters")
        return user

    @contextmanager
    def counting(self, operation: str, user: str | None, post: Post) -> Iterator[None]:
        """Count the end user of a call, if a request may have reached the provider.

        Args:
            operation: the operation's name.
            user: the end user's ID at the provider; None for a call without an end user.
            post: uses the state without blocking the caller.

        Raises:
            EndUserMissing: the plan requires an end user.
        """
        if user is None:
            if self.required:
                raise EndUserMissing(
                    f"{self._provider} {operation}: nothing was sent: this plan is billed by end users, and the call "
                    "names none; pass your ID of the user: client.with_options(for_user=ID), or --for-user ID"
                )
            yield
            return
        may_have_arrived = True
        try:
            yield
        except CallwellError as error:
            may_have_arrived = (
                isinstance(error, CallError) and error.attempts > 0 and not isinstance(error, ConnectFailed)
            )
            raise
        finally:
            if may_have_arrived:
                self._count(user, post)

    def monthly_counts(self) -> dict[str, int]:
        """The number of distinct end users in each calendar month, such as `2026-11`, in order."""
        prefix = _key_prefix(self._account)
        counts: dict[str, int] = {}
        for key in self._state.keys(prefix):
            month = key.removeprefix(prefix).partition(":")[0]
            counts[month] = counts.get(month, 0) + 1
        return counts

    def _count(self, user: str, post: Post) -> None:
        now = self._clock.wall()
        month = datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
        if month != self._month or len(self._recorded) >= MAX_REMEMBERED:
            self._month = month
            self._recorded = set()
        if user not in self._recorded:
            self._recorded.add(user)
            post(self._state, partial(self._record, user, month, now))
        if self._needs_check(user):
            post(self._state, partial(self._check_variety, user))

    def _record(self, user: str, month: str, now: float) -> None:
        """Record a user; a failing state must not lose the result of the call."""
        digest = user if self._rule.pseudonym else hashlib.sha256(user.encode()).hexdigest()
        cell = Cell(
            key=f"{_key_prefix(self._account)}{month}:{digest}", type=UserSeen, empty=UserSeen(), damaged=UserSeen()
        )
        try:
            self._state.update(cell, lambda seen: (seen if seen.first else UserSeen(now), None))
        except StateError as error:
            self._recorded.discard(user)  # the user's next call tries again
            LOGGER.warning("%s: the end user %s is not counted: %s", self._provider, user, error)

    def _needs_check(self, user: str) -> bool:
        """Whether this client has just had its hundredth call, all for one end user."""
        if self._calls >= CALLS_BEFORE_NOTICE:
            return False
        if self._only not in (None, user):
            self._calls = CALLS_BEFORE_NOTICE
            return False
        self._only = user
        self._calls += 1
        return self._calls == CALLS_BEFORE_NOTICE

    def _check_variety(self, user: str) -> None:
        """Give a notice if the state knows of no other end user."""
        try:
            largest = max(self.monthly_counts().values(), default=0)
        except StateError as error:
            LOGGER.warning("%s: end users cannot be counted: %s", self._provider, error)
            return
        if largest == 1:
            notice = OneUser(self._provider, self._calls, user)
            log_notice(notice)
            if self._hooks is not None:
                self._hooks.notice(notice)

    def _read_secret(self) -> bytes:
        source = self._secret_source
        if source is None:
            from callwell.keys.secret import create_secret  # needed once per machine

            try:
                create_secret(home.default_folder() / SECRET_FILE)
            except FileProblem as error:
                raise FileProblem(f"{error}; name your own with user_secret, as env:NAME or file:PATH") from error
            source = f"file:{home.default_folder() / SECRET_FILE}"
        try:
            secret = parse_source(source, "").read()
        except InvalidOption as error:
            raise InvalidOption("user_secret", HiddenText(source), "a source of a secret, as for keys") from error
        except KeyMissing as error:
            raise KeyMissing(f"user_secret: {error}") from error
        size = len(secret.reveal().encode())
        if size < MIN_SECRET_BYTES:
            raise InvalidOption("user_secret", f"a string of {size} bytes", f"a secret of at least {MIN_SECRET_BYTES}")
        return secret.reveal().encode()


class HiddenText:
    """Replaces, in messages, a value that must not be repeated."""

    def __init__(self, value: object) -> None:
        self._text = f"a string of {len(value)} characters" if isinstance(value, str) else type(value).__name__

    def __repr__(self) -> str:
        return self._text


def _key_prefix(account: str) -> str:
    return f"user:{account}:"

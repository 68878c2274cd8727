# SPDX-License-Identifier: Apache-2.0
"""The end users on whose behalf calls are made: what the provider is told of them, and how many they were.

The caller's own id of a user goes no further than `known_as`: what is sent, recorded and shown is the pseudonym. Who
was seen is recorded in the state, once in a calendar month (UTC) by each process, for providers bill by that.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

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
    from collections.abc import Iterator

    from callwell.clock import Clock
    from callwell.core.rules.environments import EndUserRule
    from callwell.keys import Key
    from callwell.observe.hooks import Hooks
    from callwell.state.base import State

SECRET_FILE: Final = "user-secret"  # noqa: S105 - a file's name
"""The file of the secret, in the folder of the user's state."""

CALLS_BEFORE_NOTICE: Final = 100
"""Calls after which a client that has had one end user only asks itself whether that is everybody."""

MAX_REMEMBERED: Final = 65_536
"""Users that a process remembers to have recorded; beyond, it records some of them again."""


class UserSeen(NamedTuple):
    """That an end user was seen in a month.

    Attributes:
        first: when, in seconds since the epoch; 0 if they never were.
    """

    first: float = 0.0


class EndUsers:
    """The end users of one client.

    Args:
        provider: the provider's name.
        rule: how it is told of them.
        required: no call is made for nobody.
        secret: where the secret is kept that makes pseudonyms; None for a file of our own, made when first needed.
        account: the name of the account's record in the state.
        state: where users are recorded.
        clock: whose time of day is noted.
        hooks: what is told if all users seem to be one.
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
        self._place = secret
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
        """A child may have a state of its own, in which nobody was recorded."""
        self._recorded = set()

    def provider_id(self, user: object) -> str:
        """What the provider is told of a user.

        Args:
            user: the caller's own id; what is wrong with it is said without repeating it.

        Raises:
            InvalidOption: it is no id, or the secret is none.
            KeyMissing: there is no secret where it should be.
            FileProblem: no secret can be made.
        """
        if not isinstance(user, str) or not user.strip():
            raise InvalidOption("for_user", describe_hidden(user), "your own id of the end user, as a text")
        if self._rule.pseudonym:
            self._secret = self._secret or self._read_secret()
            return pseudonym(self._secret, self._provider, user)
        if not (user.isascii() and user.isprintable()):
            raise InvalidOption("for_user", describe_hidden(user), "printable ASCII characters")
        return user

    @contextmanager
    def counting(self, operation: str, user: str | None) -> Iterator[None]:
        """A call is made.

        Args:
            operation: which.
            user: the end user, as the provider knows them.

        Raises:
            EndUserMissing: it is for nobody, and must not be.
        """
        if user is None:
            if self.required:
                raise EndUserMissing(
                    f"{self._provider} {operation}: nothing was sent, for it says not for which end user, by whom this "
                    "plan is billed; give the user's own id: client.with_options(for_user=ID), or --for-user ID"
                )
            yield
            return
        arrived = True
        try:
            yield
        except CallwellError as error:
            arrived = isinstance(error, CallError) and error.attempts > 0 and not isinstance(error, ConnectFailed)
            raise
        finally:
            if arrived:
                self._seen(user)

    def monthly_counts(self) -> dict[str, int]:
        """How many different end users were seen in each calendar month, `2026-11`, in order."""
        prefix = _key_prefix(self._account)
        counts: dict[str, int] = {}
        for key in self._state.keys(prefix):
            month = key.removeprefix(prefix).partition(":")[0]
            counts[month] = counts.get(month, 0) + 1
        return counts

    def _seen(self, user: str) -> None:
        """Record a user; that it cannot be done must not cost the result of a call."""
        try:
            self._record(user)
            self._compare(user)
        except StateError as error:
            LOGGER.warning("%s: the end user %s is not counted: %s", self._provider, user, error)

    def _record(self, user: str) -> None:
        now = self._clock.wall()
        month = datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
        if month != self._month or len(self._recorded) >= MAX_REMEMBERED:
            self._month = month
            self._recorded = set()
        if user not in self._recorded:
            mark = user if self._rule.pseudonym else hashlib.sha256(user.encode()).hexdigest()
            cell = Cell(f"{_key_prefix(self._account)}{month}:{mark}", UserSeen, UserSeen(), UserSeen())
            self._state.update(cell, lambda seen: (seen if seen.first else UserSeen(now), None))
            self._recorded.add(user)

    def _compare(self, user: str) -> None:
        """Notice that this client has had one end user only, and that nobody else has had another."""
        if self._calls >= CALLS_BEFORE_NOTICE:
            return
        if self._only not in (None, user):
            self._calls = CALLS_BEFORE_NOTICE
            return
        self._only = user
        self._calls = self._calls + 1
        if self._calls == CALLS_BEFORE_NOTICE and max(self.monthly_counts().values()) == 1:
            notice = OneUser(self._provider, self._calls, user)
            log_notice(notice)
            if self._hooks is not None:
                self._hooks.notice(notice)

    def _read_secret(self) -> bytes:
        place = self._place
        if place is None:
            from callwell.keys.secret import create_secret  # once in a user's life

            try:
                create_secret(home.default_folder() / SECRET_FILE)
            except FileProblem as error:
                raise FileProblem(f"{error}; name your own with user_secret, as env:NAME or file:PATH") from error
            place = f"file:{home.default_folder() / SECRET_FILE}"
        try:
            secret = parse_source(place, "").read()
        except InvalidOption as error:
            raise InvalidOption("user_secret", describe_hidden(place), "the place of a secret, as for a key") from error
        except KeyMissing as error:
            raise KeyMissing(f"user_secret: {error}") from error
        size = len(secret.reveal().encode())
        if size < MIN_SECRET_BYTES:
            raise InvalidOption("user_secret", f"a text of {size} bytes", f"a secret of at least {MIN_SECRET_BYTES}")
        return secret.reveal().encode()


def describe_hidden(value: object) -> str:
    """What may be said of a text that must not be repeated."""
    return f"a text of {len(value)} characters" if isinstance(value, str) else type(value).__name__


def _key_prefix(account: str) -> str:
    return f"user:{account}:"

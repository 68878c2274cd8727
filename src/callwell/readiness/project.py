# SPDX-License-Identifier: Apache-2.0
"""What checks examine: a folder, the accounts that it uses, and the requested scope."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from callwell.readiness.account import ConfiguredAccount, EffectiveSetting
from callwell.readiness.files import ProjectFiles

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.readiness.findings import Unchecked
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.known_keys.keys_in_use import KeysInUse
    from callwell.readiness.shapes.scan import ShapeScan

__all__ = ["ConfiguredAccount", "EffectiveSetting", "Project", "Scope"]


class Scope(NamedTuple):
    """What to check, and how.

    Attributes:
        staged: only the changes that git has staged.
        since: only commits after this revision, and the current files.
        offline: send nothing to a provider.
        command: the user's own program for drills, as the words of a command line; empty for the standard workload.
        samples: a folder of recordings to check; None if there is none.
        known_keys: a file of keyed digests of keys that are not on this machine; None if there is none.
    """

    staged: bool = False
    since: str | None = None
    offline: bool = False
    command: tuple[str, ...] = ()
    samples: Path | None = None
    known_keys: Path | None = None


class Project:
    """One project on the way to production.

    Args:
        root: its folder.
        accounts: the accounts that it uses, and the other environments of the same providers.
        scope: what to check.

    Attributes:
        failed_descriptions: descriptions of providers that the project uses and that could not be loaded.
    """

    def __init__(self, root: Path, accounts: tuple[ConfiguredAccount, ...] = (), scope: Scope | None = None) -> None:
        self.root = root
        self.accounts = accounts
        self.failed_descriptions: tuple[Unchecked, ...] = ()
        self.scope = scope or Scope()

    @property
    def in_use(self) -> tuple[ConfiguredAccount, ...]:
        """The accounts with which the project makes its calls."""
        return tuple(account for account in self.accounts if account.in_use)

    @cached_property
    def files(self) -> ProjectFiles:
        """The project's files, listed once for all checks."""
        return ProjectFiles(self.root, staged=self.scope.staged)

    @cached_property
    def keys_in_use(self) -> KeysInUse:
        """The keys that the accounts use, with the search for them, read once for all checks.

        Raises:
            FileProblem: the file of digests cannot be read.
        """
        from callwell.readiness.known_keys.keys_in_use import find_keys_in_use  # only checks for leaks need it

        return find_keys_in_use(self.accounts, self.scope.known_keys)

    @cached_property
    def histories(self) -> Histories:
        """The histories of the project in git, found once for all checks.

        Raises:
            NotApplicable: there is none.
            CannotCheck: git is missing, refuses the repository, or does not know the revision.
        """
        from callwell.readiness.history.walk import find_histories  # only the checks for leaks need it

        return find_histories(self.root, self.scope.since)

    @cached_property
    def shapes(self) -> ShapeScan:
        """The search for keys by their shape, once for all checks."""
        from callwell.readiness.shapes.scan import ShapeScan  # only the checks of leaks need it

        return ShapeScan(
            lambda: self.histories,
            self.files,
            (account.provider for account in self.accounts),
            staged=self.scope.staged,
            since=self.scope.since,
        )

    def begin(self) -> None:
        """Start the background work that checks have requested.

        Raises:
            CannotCheck: a program that it needs is missing.
        """
        if "shapes" in self.__dict__:
            self.shapes.start()

    def close(self) -> None:
        """Stop the background work."""
        if "shapes" in self.__dict__:
            self.shapes.close()

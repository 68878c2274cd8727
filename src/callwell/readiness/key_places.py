# SPDX-License-Identifier: Apache-2.0
"""The places of a project's keys, each read once; the text of a key stays in its `Key`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from callwell.errors import KeyMissing
from callwell.keys import parse_source
from callwell.readiness.check import NotApplicable, Place, Unchecked
from callwell.readiness.origins import name_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.keys import Key, KeySource
    from callwell.readiness.project import ConfiguredAccount, Project


class KeyPlace(NamedTuple):
    """Where the key of an account is kept.

    Attributes:
        account: the account.
        source: the key source.
        key: the key; None if there is none, or it cannot be read.
        problem: why there is no key; empty if there is one.
        is_unknown: whether there may be a key, because the source could not be read.
    """

    account: ConfiguredAccount
    source: KeySource
    key: Key | None
    problem: str
    is_unknown: bool = False

    def place(self, root: Path) -> Place:
        """The place in a report.

        Args:
            root: the project's folder.
        """
        if self.source.file is not None:
            return Place(name_in(self.source.file, root))
        return Place(self.source.location)

    def unchecked(self, root: Path) -> Unchecked:
        """What a check reports if it needs this key, and the key could not be read.

        Args:
            root: the project's folder.
        """
        what = f"{label(self.account)}: {self.problem}".replace("\n", " ")
        fix = "Run the check as the user that runs the program, where it can read its keys."
        return Unchecked(what=what, place=self.place(root), fix=fix)


def read_key_places(accounts: Iterable[ConfiguredAccount]) -> tuple[KeyPlace, ...]:
    """The places of the keys of accounts; those of providers without keys are left out.

    Args:
        accounts: the accounts.

    Raises:
        InvalidOption: a setting does not name a key source.
    """
    return tuple(_read(account) for account in accounts if account.provider.profile.key.scheme != "none")


def key_files(project: Project) -> tuple[Path, ...]:
    """The files in which the keys of all accounts are, each once.

    Args:
        project: the project.

    Raises:
        NotApplicable: no key is kept in a file.
    """
    sources = (place.source for place in read_key_places(project.accounts))
    files = sorted({source.file for source in sources if source.file is not None})
    if not files:
        raise NotApplicable("no key is kept in a file")
    return tuple(files)


def follow(path: Path) -> Path:
    """Resolve the links on the path of a key file, which may not exist.

    Args:
        path: the file.

    Raises:
        OSError: there is a loop of links, or a folder cannot be read.
    """
    try:
        return Path(os.path.realpath(path, strict=True))
    except FileNotFoundError:
        return Path(os.path.realpath(path))


def label(account: ConfiguredAccount) -> str:
    """An account in a sentence."""
    return f"{account.provider.name}/{account.environment}"


def _read(account: ConfiguredAccount) -> KeyPlace:
    variable = account.provider.in_environment(account.environment).profile.key.env
    setting = account.settings["key"].value
    source = parse_source(None if setting is None else str(setting), variable, accept_exposed=True)
    try:
        return KeyPlace(account=account, source=source, key=source.read(), problem="")
    except KeyMissing as error:
        is_unknown = source.lease_s is not None or could_not_read(error)
        return KeyPlace(account=account, source=source, key=None, problem=str(error), is_unknown=is_unknown)


def could_not_read(error: Exception) -> bool:
    """Whether an error says that a file is there and could not be read.

    Args:
        error: the error, raised from that of the system.
    """
    cause = error.__cause__
    return isinstance(cause, OSError) and not isinstance(cause, (FileNotFoundError, NotADirectoryError))

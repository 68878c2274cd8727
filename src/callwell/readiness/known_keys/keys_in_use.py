# SPDX-License-Identifier: Apache-2.0
"""The keys that a project uses: those on this machine, those known only by a digest, and those unavailable here."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.errors import InvalidOption, KeyMissing
from callwell.keys import parse_source
from callwell.readiness.findings import Unchecked
from callwell.readiness.known_keys.digest_matcher import DigestMatcher
from callwell.readiness.known_keys.digests import KeyDigests, read_digests
from callwell.readiness.known_keys.known_key import KnownKey
from callwell.readiness.known_keys.text_matcher import TextMatcher, encode_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from callwell.keys import Key
    from callwell.readiness.account import ConfiguredAccount
    from callwell.readiness.known_keys.known_key import KeyHit

SECRET_SETTINGS: Final = ("key", "user_secret")
"""Settings that name the source of a secret."""

MIN_KEY_BYTES: Final = 8
"""The length of the shortest key that is searched for, in bytes; a shorter one is part of many words."""


class KeysInUse(NamedTuple):
    """The keys of a project. A `KeyMatcher` that finds them.

    Attributes:
        keys: the keys that are searched for.
        not_searched: the keys that cannot be searched for, and why.
        by_text: finds the keys on this machine.
        by_digest: finds the others.
    """

    keys: tuple[KnownKey, ...]
    not_searched: tuple[Unchecked, ...]
    by_text: TextMatcher
    by_digest: DigestMatcher

    @property
    def longest(self) -> int:
        """The length of the longest key in bytes."""
        return max(self.by_text.longest, self.by_digest.longest)

    def find(self, data: bytes) -> Iterator[KeyHit]:
        """Every key in some bytes, each place once."""
        yield from self.by_text.find(data)
        yield from self.by_digest.find(data)

    def is_in(self, text: str) -> bool:
        """Whether a text contains any of the keys.

        Args:
            text: a name or a sentence that is to be reported.
        """
        return any(True for _ in self.find(text.encode("utf-8", "surrogateescape")))


def find_keys_in_use(accounts: Iterable[ConfiguredAccount], digests_file: Path | None = None) -> KeysInUse:
    """Find the keys of all accounts.

    Args:
        accounts: the accounts; if several have the same key, those in use go first.
        digests_file: a file of keyed digests, for keys that are not on this machine.

    Raises:
        FileProblem: the file of digests cannot be read.
    """
    digests = None if digests_file is None else read_digests(digests_file)
    present: dict[str, tuple[KnownKey, Key]] = {}
    not_searched: dict[Unchecked, None] = {}
    covered_by_digest = {(row.provider, row.environment, row.setting) for row in digests.keys} if digests else set()
    for account in sorted(accounts, key=lambda account: not account.in_use):
        for setting in SECRET_SETTINGS:
            try:
                found = read_secret(account, setting)
            except (KeyMissing, InvalidOption) as error:
                wanted = account.in_use or account.settings[setting].is_set
                if wanted and (account.provider.name, account.environment, setting) not in covered_by_digest:
                    not_searched[_unavailable_key(account, setting, error)] = None
                continue
            if found is None:
                continue
            known, key = found
            if len(encode_key(key)) < MIN_KEY_BYTES:
                not_searched[_too_short(known)] = None
            else:
                present.setdefault(known.fingerprint, (known, key))
    digest_only = tuple(row for row in digests.keys if row.fingerprint not in present) if digests else ()
    return KeysInUse(
        keys=(*(known for known, _ in present.values()), *(row.known_key for row in digest_only)),
        not_searched=tuple(not_searched),
        by_text=TextMatcher(present.values()),
        by_digest=DigestMatcher(KeyDigests(format=1, salt=digests.salt if digests else "", keys=digest_only)),
    )


def read_secrets(accounts: Iterable[ConfiguredAccount]) -> Iterator[tuple[KnownKey, Key]]:
    """Read the secrets of accounts from this machine. A key that several environments have is listed for each.

    Args:
        accounts: the accounts.
    """
    for account in accounts:
        for setting in SECRET_SETTINGS:
            with suppress(KeyMissing, InvalidOption):
                found = read_secret(account, setting)
                if found is not None:
                    yield found


def read_secret(account: ConfiguredAccount, setting: str) -> tuple[KnownKey, Key] | None:
    """Read a secret of an account; None if the setting is not set.

    Args:
        account: the account.
        setting: one of `SECRET_SETTINGS`.

    Raises:
        KeyMissing: the source has no secret.
        InvalidOption: the setting does not name a source.
    """
    chosen = account.settings.get(setting)
    if chosen is None or chosen.value is None or account.provider.profile.key.scheme == "none":
        return None
    variable = account.provider.in_environment(account.environment).profile.key.env if setting == "key" else ""
    source = parse_source(str(chosen.value), variable, accept_exposed=True)
    key = source.read()
    known = KnownKey(
        fingerprint=key.fingerprint,
        provider=account.provider.name,
        environment=account.environment,
        source=source.location,
        setting=setting,
    )
    return known, key


def _unavailable_key(account: ConfiguredAccount, setting: str, error: Exception) -> Unchecked:
    return Unchecked(
        what=f"the {setting} of {account.provider.name} ({account.environment}) is not searched for: {error}",
        fix="Set it, or give its digest with --known-keys; `callwell keys digests` makes the file where the keys are.",
    )


def _too_short(known: KnownKey) -> Unchecked:
    return Unchecked(
        what=f"{known} is not searched for: a string shorter than {MIN_KEY_BYTES} bytes is part of other strings",
        fix="Use a longer secret.",
    )

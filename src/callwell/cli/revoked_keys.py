# SPDX-License-Identifier: Apache-2.0
"""Marks keys as revoked in the states of the configured accounts, so that no process sends them any more."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.cli.key_status import read_key_status
from callwell.errors import InvalidOption, UnknownName, UsageError
from callwell.state.urls import mask_state_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from callwell.cli.settings import Setting, Settings
    from callwell.client.config import ClientConfig
    from callwell.client.keys.usage import KeyUseLog
    from callwell.description.provider import Provider

DIGITS: Final = 12
"""The length of a fingerprint: see `callwell.Key`."""

_PREFIX: Final = re.compile(rf"[0-9a-f]{{1,{DIGITS}}}")


class ProviderState(NamedTuple):
    """A provider and a state that its accounts share with other processes.

    Attributes:
        provider: the provider.
        state: the state's URL.
        uses: the records of the provider's keys in it.
        known: the fingerprints of its keys: those in the records, and those at the configured places.
    """

    provider: Provider
    state: str
    uses: KeyUseLog
    known: set[str]


class RevocationMark(NamedTuple):
    """What was done about a key of one provider in one state.

    Attributes:
        provider: the provider.
        state: the state's URL.
        fingerprint: of the key.
        since: since when it is marked as revoked, in seconds since the epoch; None if it is not.
        changed: whether that is new.
    """

    provider: Provider
    state: str
    fingerprint: str
    since: float | None
    changed: bool


def mark_key(
    settings: Settings, names: Collection[str], text: str, *, revoked: bool, state: str | None
) -> list[RevocationMark]:
    """Mark a key as revoked for all providers that have it, or take that back.

    Args:
        settings: where the accounts' states and keys are.
        names: the providers in question; all if empty. For a named one, a whole fingerprint that is not known is
            marked as well.
        text: the key's fingerprint, or the beginning of it.
        revoked: False to take it back.
        state: the state's URL, if it is not the configured one.

    Raises:
        InvalidOption: the text is not a fingerprint; it may be a key, so the message does not show it.
        UnknownName: no key has it.
        UsageError: several keys have it, or no state is shared.
    """
    if not _PREFIX.fullmatch(text):
        expected = f"a fingerprint of {DIGITS} hex digits, as callwell keys list shows it, or its beginning"
        raise InvalidOption("ID", f"a string of {len(text)} characters", expected)
    with ExitStack() as opened:
        states = [
            shared
            for name in names or settings.names()
            for shared in open_states(settings, settings.load(name), state, opened)
        ]
        if not states:
            raise UsageError("the state is memory:, which no process shares: name another (--state sqlite:///PATH)")
        is_chosen = bool(names)
        fingerprint = _find_fingerprint(states, text, accept_unknown=is_chosen)
        return [
            RevocationMark(
                provider=shared.provider,
                state=shared.state,
                fingerprint=fingerprint,
                changed=shared.uses.set_revoked(fingerprint, revoked=revoked),
                since=shared.uses.read_revoked().get(fingerprint),
            )
            for shared in states
            if is_chosen or fingerprint in shared.known
        ]


def _find_fingerprint(states: Iterable[ProviderState], text: str, *, accept_unknown: bool) -> str:
    known = set().union(*(state.known for state in states))
    found = sorted(fingerprint for fingerprint in known if fingerprint.startswith(text))
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{text} is the beginning of several keys: {', '.join(found)}")
    if accept_unknown and len(text) == DIGITS:
        return text
    why = f"known: {', '.join(sorted(known)) or 'none'}; --provider marks a whole fingerprint that is not known here"
    raise UnknownName("key", text, known, why=why)


def open_states(
    settings: Settings, provider: Provider, state: str | None, opened: ExitStack
) -> Iterator[ProviderState]:
    """The shared states of a provider's accounts, each once, with the keys of all its environments."""
    states: dict[str, ClientConfig] = {}
    known: set[str] = set()
    for environment in provider.profile.environments:
        values = settings.resolve(provider, {"environment": environment, "state": state})
        rule = provider.in_environment(environment).profile.key
        known.add(read_key_status(rule, str(values["key"].value)).fingerprint or "")
        url = str(values["state"].value)
        if url not in states:
            states[url] = _open_config(provider, values, opened)
    for url, config in states.items():
        if config.state.shared:
            uses = config.key_uses()
            recorded = uses.find_fingerprints() | uses.read_revoked().keys()
            yield ProviderState(
                provider=provider, state=mask_state_url(url), uses=uses, known=(known | recorded) - {""}
            )


def _open_config(provider: Provider, values: Mapping[str, Setting], opened: ExitStack) -> ClientConfig:
    from callwell.cli.flags import client_options
    from callwell.cli.settings import explaining_state_errors
    from callwell.client.config import ClientConfig

    with explaining_state_errors(values):
        config = ClientConfig.from_options(provider, client_options(values))
    opened.callback(config.close)
    return config

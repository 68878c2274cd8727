# SPDX-License-Identifier: Apache-2.0
"""One key that several systems use: accounts, environments, providers, hosts."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from callwell.readiness.account_state import open_states
from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.key_places import read_key_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.provider import Provider
    from callwell.readiness.project import Project

RECORD: Final = re.compile(
    r"key:(?P<provider>\w+):(?P<environment>\w+):(?:https?)-(?P<host>.+?)-\d+:(?P<account>.*):"
    r"(?P<fingerprint>[0-9a-f]{12})"
)
"""The name of a record in the use log: see `callwell.client.keys.usage`."""


class System(NamedTuple):
    """Who uses a key.

    Attributes:
        provider: the provider's name.
        environment: the first of the environments that share their keys.
        host: where requests went; empty for the provider's own.
        account: the name of the account.
    """

    provider: str
    environment: str
    host: str
    account: str

    def __str__(self) -> str:
        host = f" at {self.host}" if self.host else ""
        account = "" if self.account == "default" else f", account {self.account}"
        return f"{self.provider}/{self.environment}{host}{account}"


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Collect who has used each key, by the use log and by the settings."""
    users: dict[str, set[System]] = {}
    for shared in open_states(project):
        if isinstance(shared, Unchecked):
            yield shared
            continue
        providers = {account.provider.name: account.provider for account in shared.accounts}
        for match in map(RECORD.fullmatch, shared.state.keys("key:")):
            if match and match["provider"] in providers and not is_this_machine(match["host"]):
                system = _system(providers[match["provider"]], match["environment"], match["host"], match["account"])
                users.setdefault(match["fingerprint"], set()).add(system)
    for at in read_key_places(project.accounts):
        host = urlsplit(str(at.account.settings["base_url"].value)).hostname or ""
        if at.key is not None and not is_this_machine(host):
            name = str(at.account.settings["account"].value)
            system = _system(at.account.provider, at.account.environment, host, name)
            users.setdefault(at.key.fingerprint, set()).add(system)
    for fingerprint, systems in sorted(users.items()):
        if len(systems) > 1:
            names = "; ".join(sorted(map(str, systems)))
            yield Finding(what=f"the key {fingerprint} is used by {names}", identity=fingerprint)


def _system(provider: Provider, environment: str, host: str, account: str) -> System:
    rules = provider.profile.environments
    if environment not in rules:  # of an older description
        return System(provider=provider.name, environment=environment, host=host, account=account)
    others = provider.environments_with_other_keys(environment)
    first = next(name for name in rules if name not in others)
    is_own = host == urlsplit(rules[environment].base_url).hostname
    return System(provider=provider.name, environment=first, host="" if is_own else host, account=account)


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, where an emulator or a test double may be."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


CHECK = Check(
    id="keys.one-per-system",
    group=Group.KEYS,
    title="Each system has its own key",
    severity=Severity.WARNING,
    why="If a shared key leaks, all its users stop when it is revoked, and its log does not say who leaked it.",
    fix="Make a key for each of them at the provider, and delete the shared one.",
    run=run,
)

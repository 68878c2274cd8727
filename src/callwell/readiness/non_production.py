# SPDX-License-Identifier: Apache-2.0
"""Recognizes environments, addresses and files that are not for production."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from callwell.core.addresses import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from callwell.description.provider import Provider

WORDS: Final = frozenset(
    {
        *("sandbox", "test", "tests", "testing", "trial", "staging", "stage", "preview", "qa", "uat"),
        *("dev", "devel", "development", "local", "demo", "mock", "mocks", "emulator", "fake"),
    }
)
"""Words in the names of environments that are not for production."""

FILE_WORDS: Final = WORDS | {"example", "examples", "sample", "samples", "template", "override", "fixtures", "conftest"}
"""The same for paths. `compose.override.yaml` is for the developer's machine (Compose's own convention)."""

PRIVATE_SUFFIXES: Final = (".localhost", ".local", ".test", ".example")
"""Host suffixes for tests and local networks (RFC 2606, RFC 6762). `.internal` may be a gateway of production."""

LOCAL_HOSTS: Final = LOOPBACK_HOSTS | {"0.0.0.0", "::"}  # noqa: S104 - an address to recognise, not to listen on
"""Names of this machine."""


def words(text: str) -> set[str]:
    """The words of a name, in lower case."""
    return set(re.split(r"[^a-z0-9]+", text.lower()))


def is_non_production(provider: Provider, environment: str) -> bool:
    """Whether an environment is not for production, by its profile or its name.

    Args:
        provider: the provider.
        environment: the name of one of its environments.
    """
    rule = provider.profile.environments[environment]
    return rule.sandbox is not None or bool(words(environment) & WORDS)


def is_development_file(name: str) -> bool:
    """Whether a file is for tests or for a developer's machine, by its path.

    Args:
        name: relative to the project's root.
    """
    return bool(words(name) & FILE_WORDS)


def non_production_hosts(provider: Provider) -> dict[str, str]:
    """The hosts of a provider's environments that are not for production, with the environment's name."""
    rules = provider.profile.environments
    found = {host_of(rule.base_url): name for name, rule in rules.items() if is_non_production(provider, name)}
    live = {host_of(rule.base_url) for name, rule in rules.items() if not is_non_production(provider, name)}
    return {host: name for host, name in found.items() if host and host not in live}


def host_of(address: str) -> str:
    """The host of an address, in lower case; empty if it has none."""
    try:
        return urlsplit(address.strip()).hostname or ""
    except ValueError:
        return ""


def why_not_public(host: str) -> str | None:
    """Why a host cannot be a provider's: it is this machine, or only known in a local network; None if it can.

    Args:
        host: a name or an address, in lower case.
    """
    from ipaddress import ip_address

    if host in LOCAL_HOSTS:
        return "this machine"
    try:
        address = ip_address(host)
    except ValueError:
        if "." not in host or host.endswith(PRIVATE_SUFFIXES):
            return "a host of a local network"
        return None
    if address.is_loopback:
        return "this machine"
    return None if address.is_global else "an address of a local network"

# SPDX-License-Identifier: Apache-2.0
"""The addresses of a provider's environments, and the names of accounts in the state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from callwell.client.calls.responses import origin
from callwell.core.addresses import mask_address
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from callwell.description.provider import Environment, Provider

EXAMPLE: Final = "an address such as https://api.example.com/v1"
"""What messages expect."""

UNAMBIGUOUS: Final = re.compile(r"[^\s\x00-\x1f\x7f\"'<>\\^`{|}?#]+")
"""An address without characters that libraries parse differently, such as `\\` and `^`."""

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""This machine: the only host that receives a key without TLS."""


def account_key(provider: str, environment: str, address: str, account: str) -> str:
    """The name of an account's record in the state.

    Args:
        provider: the provider's name.
        environment: the environment's name.
        address: the environment's base URL.
        account: the `account` option.
    """
    return f"{provider}:{environment}:{origin_name(address)}:{account}"


def origin_name(address: str) -> str:
    """The origin of an address, as a part of an account's name."""
    return "{}-{}-{}".format(*origin(address))


def path_and_query(url: str) -> str:
    """The path and query of an address."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def check_path(path: str) -> None:
    """Check that a path stays below the base URL.

    Raises:
        InvalidOption: it contains `..` or control characters.
    """
    if not path.isprintable() or ".." in re.split(r"[/\\]", unquote(path.partition("?")[0])):
        raise InvalidOption("path", path, "a path without `..` and control characters")


def resolve_base_urls(
    provider: Provider, environment: Environment, configured: str | Mapping[str, str] | None
) -> tuple[str, dict[str, str | None]]:
    """The base URL of an environment, and those of the environments that do not accept its keys.

    The addresses of the profile are used for the others only if this environment has its address of the profile: a
    client that was pointed at a test server must never reach a real one.

    Args:
        provider: the provider.
        environment: the environment of the client.
        configured: the `base_url` option: an address, or addresses by environment.

    Returns:
        the base URL, and by name those of the others; None where it is unknown or the same.

    Raises:
        UnknownName: an environment that the provider does not have.
        InvalidOption: an address to which no key can be sent.
    """
    addresses: Mapping[str, str] = {}
    if isinstance(configured, Mapping):
        addresses = configured
    elif configured:
        addresses = {environment.name: configured}
    for name in addresses:
        provider.environment(name)
    described = check_base_url(environment.base_url)
    base_url = check_base_url(addresses[environment.name]) if environment.name in addresses else described
    others: dict[str, str | None] = {}
    for name in provider.environments_with_other_keys(environment.name):
        default = provider.environment(name).base_url if base_url == described else None
        address = check_base_url(addresses[name]) if name in addresses else default
        others[name] = None if address == base_url else address
    return base_url, others


def check_base_url(text: object) -> str:
    """An address, stripped of surrounding spaces and of a slash at its end.

    Raises:
        InvalidOption: no key can be sent to it. The message hides a password.
    """
    if not isinstance(text, str):
        raise InvalidOption("base_url", type(text).__name__, EXAMPLE)
    url = text.strip()
    shown = mask_address(url)
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port
    except ValueError:  # its message may contain a part of a password
        raise InvalidOption("base_url", shown, EXAMPLE) from None
    if "@" in parts.netloc:
        raise InvalidOption("base_url", shown, "an address without a password")
    if parts.scheme not in ("https", "http") or not host or port == 0 or parts.query or parts.fragment:
        raise InvalidOption("base_url", shown, EXAMPLE)
    if not UNAMBIGUOUS.fullmatch(url):
        raise InvalidOption("base_url", shown, f"{EXAMPLE}, without spaces, quotes and backslashes")
    if ".." in unquote(parts.path).split("/"):
        raise InvalidOption("base_url", shown, "an address without `..` in its path")
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS:
        raise InvalidOption("base_url", shown, "an https address: without TLS, a key is sent to this machine only")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")

# SPDX-License-Identifier: Apache-2.0
"""The addresses of a provider's environments, and the names of accounts in the state."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from callwell.client.calls.responses import is_below, origin
from callwell.core.addresses import LOOPBACK_HOSTS, mask_address
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from callwell.core.rules.environments import EnvironmentRule
    from callwell.description.provider import Environment, Provider

EXAMPLE: Final = "an address such as https://api.example.com/v1"
"""What messages expect."""

UNAMBIGUOUS: Final = re.compile(r"[^\s\x00-\x1f\x7f\"'<>\\^`{|}?#]+")
"""An address without characters that libraries parse differently, such as `\\` and `^`."""

DRILL_VARIABLE: Final = "CALLWELL_DRILL"
"""Set in the program that a drill runs: the names of the providers that are emulated for it."""


class LinkTarget(Struct, frozen=True):
    """The address of an object of the provider.

    Attributes:
        url: the whole address.
        sends_key: the key may be sent there: it is below one of the provider's addresses, or the profile says so.
    """

    url: str
    sends_key: bool


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
    """The origin of an address, as part of an account's name."""
    return "{}-{}-{}".format(*origin(address))


def path_and_query(url: str) -> str:
    """The path and query of an address."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def without_origin(url: str) -> str:
    """Path and query; the whole address if its path begins with two slashes, which would mean another origin."""
    target = path_and_query(url)
    return url if target.startswith("//") else target


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

    The profile's addresses are used for the other environments only if this one uses its own from the profile: a client
    that was pointed at a test server must never reach a real one.

    Args:
        provider: the provider.
        environment: the environment of the client.
        configured: the `base_url` option: an address, or addresses by environment.

    Returns:
        the base URL, and those of the other environments by name; None where it is unknown or the same.

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
    # An unusable address in the profile, such as one with http, does not rule out the others.
    base_url = check_base_url(addresses.get(environment.name, environment.base_url))
    is_described = base_url == environment.base_url.strip().rstrip("/")
    others: dict[str, str | None] = {}
    for name in provider.environments_with_other_keys(environment.name):
        default = provider.environment(name).base_url if is_described else None
        address = check_base_url(addresses[name]) if name in addresses else default
        others[name] = None if address == base_url else address
    return base_url, others


def resolve_server(server: str, *, base_url: str, environment: EnvironmentRule) -> str:
    """The address of an operation's own server; empty if it is the environment's. See `ClientConfig.resolve_server`.

    Args:
        server: see `Operation.server`.
        base_url: the base URL in use.
        environment: what the profile says about the environment.

    Raises:
        InvalidOption: an address to which no key can be sent.
    """
    if server.startswith("/"):
        base = urlsplit(base_url)
        return f"{base.scheme}://{base.netloc}{server}".rstrip("/")
    if base_url != environment.base_url.rstrip("/"):
        return ""
    server = environment.servers.get(server, server)
    return check_base_url(server) if server else ""


def check_base_url(text: object) -> str:
    """An address without surrounding spaces and trailing slash.

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
    except ValueError:  # its message may contain part of a password
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


def check_drill_address(provider: str, base_url: str, drilled: Sequence[str]) -> None:
    """Check that a program in a drill calls the emulator, and not the provider.

    Args:
        provider: the provider's name.
        base_url: where the client would send its requests.
        drilled: the emulated providers.

    Raises:
        InvalidOption: the address is not on this machine.
    """
    if provider in drilled and urlsplit(base_url).hostname not in LOOPBACK_HOSTS:
        raise InvalidOption(
            "base_url",
            base_url,
            f"the address of the emulator, because this program runs in a drill ({DRILL_VARIABLE} is set): pass "
            "base_url and key from the environment",
        )


def check_link(url: str, bases: Sequence[str], *, whole_origin: bool) -> LinkTarget:
    """Where a link or a redirect from the provider leads.

    Args:
        url: the whole address.
        bases: the provider's addresses that it may be below.
        whole_origin: the key may also be sent to paths outside the bases.

    Raises:
        InvalidOption: an address of another origin, or a path that climbs.
    """
    near = [base for base in bases if origin(base) == origin(url)]
    if not near:
        shown = "{}://{}:{}".format(*origin(url))
        expected = f"an address of {' or '.join(bases)}, the only origin that receives the key"
        raise InvalidOption("path", shown, expected)
    path = path_and_query(url)
    check_path(path)
    base = urlsplit(near[0])
    whole = f"{base.scheme}://{base.netloc}{path}"
    return LinkTarget(whole, whole_origin or any(is_below(whole, base) for base in near))

# SPDX-License-Identifier: Apache-2.0
"""Where a provider's environments are, and by what name the state knows an account at one of them."""

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

UNAMBIGUOUS: Final = re.compile(r"[^\s\x00-\x1f\x7f\"'<>\\^`{|}?#]+")
"""No character that libraries read in different ways."""

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""This machine, the only one to which a key is sent without TLS."""


def account_key(provider: str, environment: str, address: str, account: str) -> str:
    """The name of an account's record in the state."""
    return f"{provider}:{environment}:{origin_name(address)}:{account}"


def origin_name(address: str) -> str:
    """An address as a part of such a name: its origin."""
    return "{}-{}-{}".format(*origin(address))


def path_and_query(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def check_path(path: str) -> None:
    """See that a path does not leave its place.

    Raises:
        InvalidOption: it climbs, or has control characters.
    """
    if not path.isprintable() or ".." in re.split(r"[/\\]", unquote(path.partition("?")[0])):
        raise InvalidOption("path", path, "a path without `..` and control characters")


def resolve_base_urls(
    provider: Provider, environment: Environment, given: str | Mapping[str, str] | None
) -> tuple[str, dict[str, str | None]]:
    """Where an environment is, and those that do not take its keys: at their own addresses, if it is at its own."""
    said: Mapping[str, str] = {}
    if isinstance(given, Mapping):
        said = given
    elif given:
        said = {environment.name: given}
    for name in said:
        provider.environment(name)
    own = check_base_url(environment.base_url)
    here = check_base_url(said[environment.name]) if environment.name in said else own
    others: dict[str, str | None] = {}
    for name in provider.environments_with_other_keys(environment.name):
        usual = provider.environment(name).base_url if here == own else None
        there = check_base_url(said[name]) if name in said else usual
        others[name] = None if there == here else there
    return here, others


def check_base_url(text: object) -> str:
    """An address without spaces around it and without a slash at its end.

    Raises:
        InvalidOption: one to which no key can be sent. A password in it is not shown.
    """
    if not isinstance(text, str):
        raise InvalidOption("base_url", type(text).__name__, EXAMPLE)
    url = text.strip()
    shown = mask_address(url)
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port
    except ValueError:  # it may repeat a part of a password
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
        raise InvalidOption("base_url", shown, "an https address: a key is sent without TLS to this machine only")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")

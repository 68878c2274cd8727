# SPDX-License-Identifier: Apache-2.0
"""Where a provider's environments are, and by what name the state knows an account at one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from callwell.client.answers import origin
from callwell.errors import InvalidOption
from callwell.opaque import without_query

if TYPE_CHECKING:
    from callwell.spec.provider import Environment, Provider

LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""This machine, to which alone a key is sent without TLS."""

EXPECTED: Final = "an address such as https://api.example.com/v1"


def account(provider: str, environment: str, address: str, whose: str) -> str:
    """The name of an account's record in the state."""
    return f"{provider}:{environment}:{place(address)}:{whose}"


def place(address: str) -> str:
    """An address as a part of such a name: its origin."""
    return "{}-{}-{}".format(*origin(address))


def addresses(
    provider: Provider, environment: Environment, given: str | Mapping[str, str] | None
) -> tuple[str, dict[str, str | None]]:
    """Where an environment is, and those that do not take its keys: at their own addresses, if it is at its own."""
    said = given if isinstance(given, Mapping) else {environment.name: given} if given else {}
    for name in said:
        provider.environment(name)
    own = address(environment.base_url)
    here = address(said[environment.name]) if environment.name in said else own
    others: dict[str, str | None] = {}
    for name in provider.rivals(environment.name):
        usual = provider.environment(name).base_url if here == own else None
        there = address(said[name]) if name in said else usual
        others[name] = None if there == here else there
    return here, others


def address(text: str) -> str:
    """An address without a slash at its end.

    Raises:
        InvalidOption: one to which no key can be sent.
    """
    if not isinstance(text, str):
        raise InvalidOption("base_url", type(text).__name__, EXPECTED)
    text = text.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port
        clean = text.isprintable() and not any(map(str.isspace, text)) and "\\" not in text
    except ValueError:
        clean = False
    if not clean or parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidOption("base_url", shown(text), EXPECTED)
    if parts.username is not None or parts.password is not None:
        raise InvalidOption("base_url", shown(text), "an address without a password")
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        raise InvalidOption("base_url", shown(text), "an https address: a key is sent without TLS to this machine only")
    return text.rstrip("/")


def shown(text: str) -> str:
    """An address that can be shown: before an `@` may stand a password, and a query may hold a key."""
    head, at, host = text.rpartition("@")
    if not at:
        return without_query(text)
    scheme, mark, _ = head.partition("://")
    return f"{scheme}://…@{without_query(host)}" if mark else f"…@{without_query(host)}"

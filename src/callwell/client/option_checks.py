# SPDX-License-Identifier: Apache-2.0
"""Whether a client's options suit its provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.client.end_users import describe_hidden
from callwell.errors import InvalidOption, UnknownName
from callwell.observe.hooks import HEADER_NAME, TRANSPORT_HEADERS

if TYPE_CHECKING:
    from callwell.client.calls.options import Auth, ClientOptions
    from callwell.description.provider import Provider


def check_user_options(provider: Provider, options: ClientOptions) -> bool:
    """See that options fit the provider; whether each call must name an end user.

    Raises:
        InvalidOption: a user, a plan or a secret for a provider that asks for no end user; a wrong value.
        UnknownName: a plan that means nothing to the provider.
    """
    rule, plan = provider.profile.end_user, options.get("plan")
    if not isinstance(options.get("alpha", False), bool):
        raise InvalidOption("alpha", options.get("alpha"), "True or False")
    if rule is None:
        for name in ("for_user", "plan", "user_secret"):
            if (given := options.get(name)) is not None:
                raise unsupported_user_option(provider, name, given)
        return False
    if plan is not None and plan not in rule.required_on:
        raise UnknownName("plan", str(plan), rule.required_on, where=provider.name)
    return rule.required or plan is not None


def unsupported_user_option(provider: Provider, name: str, given: object) -> InvalidOption:
    """The error of an option about end users; what was given is not repeated."""
    return InvalidOption(name, describe_hidden(given), f"nothing: {provider.name} asks for no end user")


def with_key_header(provider: Provider, header: str | None) -> Provider:
    """The provider, whose key another header carries."""
    if header is None:
        return provider
    if not HEADER_NAME.fullmatch(header.lower()) or header.lower() in TRANSPORT_HEADERS:
        raise InvalidOption("key_header", header, "the name of a header that no transport writes")
    profile = provider.profile
    key = replace(profile.key, header=header.lower())
    return replace(provider, profile=replace(profile, key=key))


def check_auth(provider: Provider, given: Auth) -> Auth:
    """What is shown to the provider.

    Raises:
        InvalidOption: something that it does not take.
    """
    if given not in ("key", "token"):
        raise InvalidOption("auth", given, "`key` or `token`")
    if given == "token" and provider.profile.key.token is None:
        raise InvalidOption("auth", given, f"`key`: {provider.name} has no tokens")
    return given

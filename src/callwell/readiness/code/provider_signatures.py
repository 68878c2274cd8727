# SPDX-License-Identifier: Apache-2.0
"""Recognizes code that uses a provider: by the hosts, headers, variables and keys in its profile."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from callwell.description.catalog import bundled_names, load
from callwell.readiness.code.placeholders import may_be_key
from callwell.readiness.non_production import host_of, why_not_public

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.description.provider import Provider
    from callwell.readiness.project import Project

LITERAL_START: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{2,}")
"""The literal prefix of a pattern. Shorter than three characters, it would match too many words."""

KEY_TAIL: Final = r"[A-Za-z0-9_\-+/=.~]{8,}"
"""The rest of a key after its literal prefix: token68 of RFC 9110, section 11.2."""

URL_HOST: Final = r"(?:^|//)(?:[^/@\s]*@)?({hosts})(?::\d+)?(?=[/?#\x00]|$)"
"""The host in a URL. The characters after it must not extend it to another host."""


class KeyShape(NamedTuple):
    """The shape of a provider's keys.

    Attributes:
        prefix: their literal prefix.
        pattern: a regular expression for a key in a string.
        provider: the provider.
    """

    prefix: str
    pattern: re.Pattern[str]
    provider: Provider


class SignedUrlField(NamedTuple):
    """A field with a signed URL.

    Attributes:
        provider: the provider.
        operation: the operation that returns it.
        parts: its path, in the result of the operation or in one item of its list.
        never_expires: whether the URL is that of a public object.
    """

    provider: Provider
    operation: str
    parts: tuple[str, ...]
    never_expires: bool


class ProviderSignatures:
    """What identifies the use of some providers in code.

    Args:
        providers: the providers.
        addresses: more of their addresses, such as configured ones, each with the provider.
    """

    def __init__(self, providers: Iterable[Provider], addresses: Iterable[tuple[str, Provider]] = ()) -> None:
        self.providers = {provider.name: provider for provider in providers}
        self.hosts: dict[str, Provider] = {}
        self.key_variables: dict[str, Provider] = {}
        self.key_headers: dict[str, Provider] = {}
        self.user_headers: dict[str, Provider] = {}
        self.shapes: list[KeyShape] = []
        self.libraries: dict[str, Provider] = {}
        self.operations: dict[str, Provider] = {}
        for provider in self.providers.values():
            self._add(provider)
        for address, provider in addresses:
            self._add_host(address, provider)
        self.host_pattern = re.compile(
            URL_HOST.format(hosts="|".join(map(re.escape, self.hosts)) or "(?!)"), re.IGNORECASE
        )
        errors = [provider.profile.errors for provider in self.providers.values()]
        codes = {name for rule in errors for name in rule.code}
        self.message_fields = {name for rule in errors for name in rule.message} - codes

    def _add(self, provider: Provider) -> None:
        profile = provider.profile
        key = profile.key
        for rule in profile.environments.values():
            for address in (rule.base_url, *rule.servers.values()):
                self._add_host(address, provider)
            self.key_variables[rule.env or key.env] = provider
            self._add_key_header(rule.key_header or key.header, provider)
        self.key_variables[key.env] = provider
        self.libraries.update(dict.fromkeys(profile.libraries, provider))
        if profile.end_user is not None:
            self.user_headers[profile.end_user.header.lower()] = provider
        start = LITERAL_START.match(key.pattern)
        if start is not None:
            pattern = re.compile(rf"(?<![A-Za-z0-9_-]){start[0]}{KEY_TAIL}")
            self.shapes.append(KeyShape(prefix=start[0], pattern=pattern, provider=provider))
        for name, operation in provider.api.operations.items():
            self.operations.setdefault(name, provider)
            if operation.server:
                self._add_host(operation.server, provider)

    def _add_key_header(self, header: str, provider: Provider) -> None:
        self.key_headers.setdefault(header.lower(), provider)

    def _add_host(self, address: str, provider: Provider) -> None:
        host = host_of(address)
        if host and why_not_public(host) is None:  # an emulator is not a provider
            self.hosts.setdefault(host, provider)

    def find_host(self, text: str) -> str | None:
        r"""The provider's host in an address; None if it is another host.

        Args:
            text: an address or its beginning, or a host; `\0` for a part that is not known.
        """
        found = self.host_pattern.search(re.split(r"[?#]", text, maxsplit=1)[0])
        return None if found is None else found[1].lower()

    def find_key(self, text: str) -> tuple[str, Provider] | None:
        """A key of a known shape in a string, with its provider.

        Args:
            text: any string.
        """
        for shape in self.shapes:
            for found in shape.pattern.finditer(text):
                if may_be_key(found[0].removeprefix(shape.prefix)):
                    return found[0], shape.provider
        return None

    def upload_token_paths(self, host: str) -> tuple[str, ...]:
        """The paths of a host's operations that front ends may call: they take an upload token instead of the key.

        Args:
            host: a provider's host.
        """
        provider = self.hosts[host]
        rules = provider.profile.operations
        names = [name for name, rule in rules.items() if rule.upload is not None and rule.upload.token is not None]
        bases = {urlsplit(rule.base_url).path for rule in provider.profile.environments.values()}
        operations = provider.api.operations
        return tuple(
            f"{base.rstrip('/')}{operations[name].path}" for name in names if name in operations for base in bases
        )

    def signed_url_fields(self) -> Iterator[SignedUrlField]:
        """All fields that hold signed URLs."""
        for provider in self.providers.values():
            for name, rule in provider.profile.operations.items():
                if rule.asset is not None:
                    yield SignedUrlField(
                        provider=provider,
                        operation=rule.like or name,
                        parts=_without_prefix(rule.asset.url, provider.profile.result),
                        never_expires=rule.asset.public is not None,
                    )
                for path, asset in rule.signed.items():
                    # `signed` names the operation of the asset that the URL belongs to.
                    asset_operation = provider.profile.operations.get(asset)
                    asset_rule = None if asset_operation is None else asset_operation.asset
                    is_public = asset_rule is None or asset_rule.public is not None
                    yield SignedUrlField(
                        provider=provider, operation=name, parts=tuple(path.split(".")), never_expires=is_public
                    )


def _without_prefix(path: str, prefix: str | None) -> tuple[str, ...]:
    """The parts of a path below the path of results."""
    return tuple(path.removeprefix(f"{prefix}.").split("."))


@lru_cache(maxsize=1)
def read_signatures(project: Project) -> ProviderSignatures:
    """The signatures of all bundled providers and of those of a project's accounts, read once for all checks.

    Args:
        project: the project.
    """
    providers = {name: load(name) for name in bundled_names()}
    providers.update((account.provider.name, account.provider) for account in project.accounts)
    set_addresses = (
        (str(account.settings["base_url"].value), account.provider)
        for account in project.accounts
        if "base_url" in account.settings and account.settings["base_url"].is_set
    )
    return ProviderSignatures(providers.values(), set_addresses)

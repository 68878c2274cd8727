# SPDX-License-Identifier: Apache-2.0
"""A provider: its operations and its behaviour together, looked up by name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from callwell.core.rules.operations import OperationRule
from callwell.description import derived_operations, openapi, profile
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.core.rules.profile import Profile, QuotaRule
    from callwell.description.model import Api, Operation

NOTHING_SAID: Final = OperationRule()
"""What holds for an operation of which the profile says nothing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One deployment of a provider.

    Attributes:
        name: its name in the profile.
        base_url: the address to which operations' paths are added, without a slash at its end.
        headers: what goes with every request besides the key, by name; `{host}` stands for the address's host.
        operations: the operations that there are; None for all.
    """

    name: str
    base_url: str
    headers: Mapping[str, str]
    operations: tuple[str, ...] | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider.

    Attributes:
        name: how it is called in code.
        profile: its behaviour.
        api: its operations.
    """

    name: str
    profile: Profile
    api: Api

    def operation(self, name: str) -> Operation:
        """An operation by its dotted name.

        Raises:
            UnknownName: there is none; the nearest names are in the message.
        """
        try:
            return self.api.operations[name]
        except KeyError:
            raise UnknownName("operation", name, self.api.operations, where=self.name) from None

    def rule(self, name: str) -> OperationRule:
        """What the profile says about an operation.

        Raises:
            UnknownName: there is no such operation.
        """
        return self.profile.operations.get(self.operation(name).name, NOTHING_SAID)

    def environment(self, name: str | None = None) -> Environment:
        """An environment by its name; the default one without.

        Raises:
            UnknownName: there is none of that name.
        """
        rules = self.profile.environments
        if name is None:
            name = next((one for one, rule in rules.items() if rule.default), next(iter(rules)))
        if name not in rules:
            raise UnknownName("environment", name, rules, where=self.name)
        rule = rules[name]
        return Environment(
            name=name, base_url=rule.base_url.rstrip("/"), headers=rule.headers, operations=rule.operations
        )

    def environments_with_other_keys(self, environment: str) -> tuple[str, ...]:
        """The environments that do not take the keys of this one.

        Args:
            environment: a name that the profile knows.
        """
        rules, usual = self.profile.environments, self.profile.key.env
        mine = rules[environment].env or usual
        return tuple(name for name, rule in rules.items() if (rule.env or usual) != mine)

    def in_environment(self, environment: str) -> Provider:
        """The provider as it behaves in an environment: with its own limits, and its own place and header of the key.

        Args:
            environment: a name that the profile knows.
        """
        rule, profile_ = self.profile.environments[environment], self.profile
        if rule.env is None and rule.key_header is None and not rule.limits:
            return self
        quotas = {name: _limited(quota, rule.limits.get(name)) for name, quota in profile_.quotas.items()}
        key = profile_.key
        key = dataclasses.replace(key, env=rule.env or key.env, header=rule.key_header or key.header)
        return dataclasses.replace(self, profile=dataclasses.replace(profile_, quotas=quotas, key=key))


def _limited(quota: QuotaRule, limit: int | None) -> QuotaRule:
    return quota if limit is None else dataclasses.replace(quota, limit=limit)


def load_provider(folder: Path) -> Provider:
    """The provider that `openapi.json` and `profile.toml` in a folder describe.

    Raises:
        ProfileError: one of them cannot be used.
    """
    api = openapi.read(folder / "openapi.json")
    rules = profile.load(folder / "profile.toml", api)
    return Provider(name=rules.name, profile=rules, api=derived_operations.add_derived_operations(api, rules))

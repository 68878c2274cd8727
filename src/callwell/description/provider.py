# SPDX-License-Identifier: Apache-2.0
"""A provider: the operations of its OpenAPI document and the rules of its profile, in one record.

Nothing here does I/O, and nothing changes: a provider in another environment is another record. `loading` reads a
provider from its documents, `compiled` stores it in a file that is faster to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.rules.operations import OperationRule
from callwell.core.rules.profile import Profile
from callwell.description.model import Api
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from callwell.description.model import Operation

NO_RULE: Final = OperationRule()
"""The rule of an operation that the profile does not mention."""


class Environment(Struct, frozen=True, kw_only=True):
    """One deployment of a provider.

    Attributes:
        name: its name in the profile.
        base_url: the URL to which the paths of operations are appended, without a trailing slash.
        headers: headers of every request besides the key, by name; `{host}` in a value is the host of the address.
        operations: the names of the operations that exist in it; None for all.
    """

    name: str
    base_url: str
    headers: Mapping[str, str]
    operations: tuple[str, ...] | None


class Provider(Struct, frozen=True, kw_only=True):
    """A provider.

    Attributes:
        name: its name in code.
        profile: its behaviour.
        api: its operations.
        ignored: parts of the profile about operations that the document does not have, each as an error message.
    """

    name: str
    profile: Profile
    api: Api
    ignored: tuple[str, ...] = ()

    def operation(self, name: str) -> Operation:
        """An operation by its dotted name, or by an `operationId` that is unique in the document.

        Raises:
            UnknownName: there is no such operation; the message has the closest names, or the reason why it was left
                out.
        """
        found = self.api.operations.get(name)
        if found is not None:
            return found
        same = (
            [operation for operation in self.api.operations.values() if operation.operation_id == name] if name else []
        )
        if len(same) == 1:
            return same[0]
        why = ""
        if len(same) > 1:
            why = f"several operations have this operationId: {', '.join(operation.name for operation in same)}"
        for left_out in self.api.left_out:
            if name and name in (left_out.operation, left_out.operation_id):
                path = f"client.request({left_out.method!r}, {left_out.path!r})"
                why = why or f"{path} can make it, but it has no method ({left_out.reason})"
        raise UnknownName("operation", name, self.api.operations, owner=self.name, why=why)

    def rule(self, name: str) -> OperationRule:
        """What the profile says about an operation.

        Raises:
            UnknownName: there is no such operation.
        """
        return self.profile.operations.get(self.operation(name).name, NO_RULE)

    def environment(self, name: str | None = None) -> Environment:
        """An environment by its name; the default one for None.

        Raises:
            UnknownName: there is no such environment.
        """
        rules = self.profile.environments
        if name is None:
            name = next((environment for environment, rule in rules.items() if rule.default), next(iter(rules)))
        if name not in rules:
            raise UnknownName("environment", name, rules, owner=self.name)
        rule = rules[name]
        return Environment(
            name=name, base_url=rule.base_url.rstrip("/"), headers=rule.headers, operations=rule.operations
        )

    def environments_with_other_keys(self, environment: str) -> tuple[str, ...]:
        """The environments that refuse the keys of this one, because they have their own keys.

        Args:
            environment: the name of an environment in the profile.
        """
        rules = self.profile.environments
        default = self.profile.key.env
        variable = rules[environment].env or default
        return tuple(name for name, rule in rules.items() if (rule.env or default) != variable)

    def in_environment(self, environment: str) -> Provider:
        """The provider as it behaves in an environment, with that environment's limits, key variable and key header.

        Args:
            environment: the name of an environment in the profile.
        """
        rule = self.profile.environments[environment]
        if rule.env is None and rule.key_header is None and not rule.limits:
            return self
        quotas = {
            name: replace(quota, limit=rule.limits.get(name, quota.limit))
            for name, quota in self.profile.quotas.items()
        }
        key = self.profile.key
        key = replace(key, env=rule.env or key.env, header=rule.key_header or key.header)
        return replace(self, profile=replace(self.profile, quotas=quotas, key=key))

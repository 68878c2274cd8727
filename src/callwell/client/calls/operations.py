# SPDX-License-Identifier: Apache-2.0
"""What a description says about an operation, as the engine needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.client.calls.binding import Binder
from callwell.client.calls.context import CallPlan, PreparedCall
from callwell.core.rules.operations import OperationRule
from callwell.core.types import Traits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client.calls.options import ResolvedOptions
    from callwell.core.rules.operations import PagingRule
    from callwell.description.model import Operation
    from callwell.description.provider import Provider

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
IDEMPOTENT: Final = SAFE | {"PUT", "DELETE"}
"""Methods that may be repeated according to HTTP itself (RFC 9110, section 9.2)."""


class DeletedLookup(Struct, frozen=True):
    """An operation that still finds objects after another operation stopped finding them.

    Attributes:
        binder: makes its requests.
        plan: what the engine needs to know about it.
        required_names: the names of its required arguments. The other operation has them all.
    """

    binder: Binder
    plan: CallPlan
    required_names: frozenset[str]

    def prepare(self, options: ResolvedOptions, arguments: Mapping[str, object]) -> PreparedCall:
        """Its call, with the arguments of the other operation."""
        taken = {name: value for name, value in arguments.items() if name in self.required_names}
        return PreparedCall(self.plan, self.binder.bind(taken), options)


class OperationHandle(Struct, frozen=True):
    """One operation of a description, looked up once.

    Attributes:
        binder: makes its requests.
        rule: what the profile says about it, with paging parameters renamed to arguments.
        plan: what the engine needs to know about it.
        deleted_lookup: the operation that still finds what this one stopped finding, if there is one.
        is_plain: a single call of the engine is enough.
    """

    binder: Binder
    rule: OperationRule
    plan: CallPlan
    deleted_lookup: DeletedLookup | None = None
    is_plain: bool = True


def _no_server(server: str) -> str:  # noqa: ARG001 - as `ClientConfig.resolve_server`
    return ""


def find_operation(provider: Provider, name: str, resolve_server: Callable[[str], str] = _no_server) -> OperationHandle:
    """An operation by its name.

    Args:
        provider: the provider.
        name: the operation's name.
        resolve_server: returns the address of an operation's own server, or an empty string for the environment's; see
            `ClientConfig.resolve_server`. Without it, the handle is only for display.

    Raises:
        UnknownName: there is no such operation.
        InvalidOption: an address to which no key can be sent.
    """
    operation = provider.operation(name)
    rule = provider.rule(name)
    if rule.paging is not None:
        rule = replace(rule, paging=_with_argument_names(rule.paging, operation))
    quotas = _quotas(provider, operation.method, rule.quotas)
    traits = _traits(operation.method, rule.repeatable)
    plan = CallPlan(
        operation=operation.name,
        traits=traits,
        quotas=quotas,
        template=operation.path,
        media=operation.media,
        redirects=operation.redirects,
        tries_keys=traits.repeatable and not operation.redirects,
        takes_range=any(parameter.wire_name.lower() == "range" for parameter in operation.parameters),
    )
    lookup = None if rule.gone_if is None else _deleted_lookup(provider, rule.gone_if, resolve_server)
    is_plain = lookup is None and not plan.redirects
    server = resolve_server(operation.server) if operation.server else ""
    return OperationHandle(Binder(operation, server), rule, plan, lookup, is_plain)


def plan_undescribed(provider: Provider, method: str) -> CallPlan:
    """The plan of a request outside the description: it counts against all quotas of its method."""
    return CallPlan(method, _traits(method, None), _quotas(provider, method, None), None)


def _deleted_lookup(provider: Provider, name: str, resolve_server: Callable[[str], str]) -> DeletedLookup:
    found = find_operation(provider, name, resolve_server)
    parameters = provider.operation(name).parameters
    required_names = frozenset(parameter.name for parameter in parameters if parameter.required)
    return DeletedLookup(found.binder, found.plan, required_names)


def _traits(method: str, declared: bool | None) -> Traits:  # noqa: FBT001 - private
    repeatable = method in IDEMPOTENT if declared is None else declared
    return Traits(safe=method in SAFE, repeatable=repeatable, deletes=method == "DELETE")


def _quotas(provider: Provider, method: str, declared: tuple[str, ...] | None) -> tuple[str, ...]:
    """The names of the quotas that a call counts against: those of its method, unless the profile says which."""
    if declared is not None:
        return declared
    quotas = provider.profile.quotas.items()
    return tuple([name for name, quota in quotas if quota.methods is None or method in quota.methods])


def _with_argument_names(rule: PagingRule, operation: Operation) -> PagingRule:
    """How a list is read, with paging parameters renamed to arguments."""
    names = {parameter.wire_name: parameter.name for parameter in operation.parameters if parameter.location == "query"}
    size = None if rule.size is None else names.get(rule.size, rule.size)
    return replace(rule, position=names.get(rule.position, rule.position), size=size)


def group_names(provider: Provider) -> tuple[str, ...]:
    """The first parts of the operations' names."""
    return tuple(sorted({name.partition(".")[0] for name in provider.api.operations}))


def method_names(provider: Provider, group: str) -> tuple[str, ...]:
    """What can be called in a group: its operations, and the methods that save files."""
    named = {name.partition(".")[2] for name in provider.api.operations if name.partition(".")[0] == group}
    rules = provider.profile.operations.items()
    saved = {rule.asset.method for name, rule in rules if rule.asset is not None and name.partition(".")[0] == group}
    return tuple(sorted(named | {name for name in saved if name is not None}))


def paged_operations(provider: Provider) -> tuple[str, ...]:
    """The operations that have pages."""
    return tuple(name for name, rule in provider.profile.operations.items() if rule.paging)


def asset_operations(provider: Provider) -> tuple[str, ...]:
    """The operations that lead to a file."""
    return tuple(name for name, rule in provider.profile.operations.items() if rule.asset)


def operation_of_saving_method(provider: Provider, group: str, method: str) -> str | None:
    """The operation behind a method that saves a file, or None for any other method of the group."""
    rules = provider.profile.operations.items()
    named = (name for name, rule in rules if rule.asset is not None and rule.asset.method == method)
    return next((name for name in named if name.partition(".")[0] == group), None)


def upload_operations(provider: Provider) -> tuple[str, ...]:
    """The operations that take a large file."""
    return tuple(name for name, rule in provider.profile.operations.items() if rule.upload)

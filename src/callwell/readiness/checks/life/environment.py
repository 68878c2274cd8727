# SPDX-License-Identifier: Apache-2.0
"""Calls that go to a trial environment, to this machine, or to another address than the provider's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.client_code import read_client_code
from callwell.readiness.non_production import host_of, is_non_production, non_production_hosts, why_not_public
from callwell.readiness.origins import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.provider import Provider
    from callwell.readiness.project import ConfiguredAccount, Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the settings in effect, and the clients in code."""
    if not project.in_use:
        raise NotApplicable("the project uses no provider")
    for account in project.in_use:
        yield from _in_settings(account, project)
    code = read_client_code(project.files)
    for provider in {account.provider.name: account.provider for account in project.in_use}.values():
        for use in code.of(provider.name):
            environment = use.options.get("environment")
            if environment and environment.value in provider.profile.environments:
                yield from judge_environment(provider, str(environment.value), environment.place)
            address = use.options.get("base_url")
            if use.provider and address and isinstance(address.value, str):
                chosen = str(environment.value) if environment else provider.environment().name
                yield from judge_address(provider, chosen, address.value, address.place)
    yield from code.unchecked


def _in_settings(account: ConfiguredAccount, project: Project) -> Iterator[Finding]:
    chosen = account.settings["environment"]
    yield from judge_environment(account.provider, account.environment, place_of(chosen, project.root))
    address = account.settings["base_url"]
    if address.value is not None:
        place = place_of(address, project.root)
        yield from judge_address(account.provider, account.environment, str(address.value), place)


def judge_environment(provider: Provider, environment: str, place: Place | None) -> Iterator[Finding]:
    """What is wrong with an environment.

    Args:
        provider: the provider.
        environment: one of its environments.
        place: where it is chosen.
    """
    if not is_non_production(provider, environment):
        return
    live = [name for name in provider.profile.environments if not is_non_production(provider, name)]
    yield Finding(
        what=f"{provider.name} is used in its environment {environment}, which is for trials",
        place=place,
        fix=f"Choose {' or '.join(live) or 'an environment for production'}, with a key of that environment.",
        identity=f"environment {provider.name} {environment}",
    )


def judge_address(provider: Provider, environment: str, address: str, place: Place | None) -> Iterator[Finding]:
    """What is wrong with an address.

    Args:
        provider: the provider.
        environment: the environment that it is for.
        address: a base URL.
        place: where it is set.
    """
    rules = provider.profile.environments
    usual = {rule.base_url for name, rule in rules.items() if not is_non_production(provider, name)}
    if environment in rules:
        usual.add(rules[environment].base_url)  # the environment is judged by itself
    if address.strip().rstrip("/") in {own.rstrip("/") for own in usual}:
        return
    host = host_of(address)
    trial = non_production_hosts(provider).get(host)
    elsewhere = why_not_public(host)
    severity = None
    if trial is not None:
        what = f"the calls to {provider.name} go to its trial environment {trial} ({host})"
    elif elsewhere is not None:
        what = f"the calls to {provider.name} go to {host}, {elsewhere}"
    else:
        what = f"the calls to {provider.name} go to {host}, which is not its address in the profile"
        severity = Severity.WARNING
    fix = f"Remove the setting{f' ({place})' if place else ''}, so that the address of the profile is used."
    yield Finding(what=what, place=place, fix=fix, identity=f"address {provider.name} {host}", severity=severity)


CHECK = Check(
    id="life.environment",
    group=Group.LIFE,
    title="Calls go to the provider's production environment",
    severity=Severity.ERROR,
    why=(
        "A trial environment has other limits and other keys, and may cut, mark or delete what is sent to it. An "
        "emulator answers as the provider does, so nothing fails, but nothing is done."
    ),
    fix="Choose the production environment, and remove base_url.",
    run=run,
)

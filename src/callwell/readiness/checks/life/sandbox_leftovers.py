# SPDX-License-Identifier: Apache-2.0
"""Variables of trials in the configuration of production: addresses, keys, clocks, and TLS that is not verified."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.deployment.reading import read_deployment
from callwell.readiness.non_production import host_of, is_non_production, non_production_hosts, why_not_public

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.description.provider import Provider
    from callwell.readiness.deployment.facts import Variable
    from callwell.readiness.project import Project

CLOCK: Final = "CALLWELL_CLOCK"
OFF: Final = frozenset({"0", "false", "no", "off"})
ON: Final = frozenset({"1", "true", "yes", "on"})

MUST_BE_ON: Final = re.compile(
    r"(?:\w+_)?(?:(?:TLS|SSL|HTTPS)_?VERIFY|VERIFY_?(?:TLS|SSL|HTTPS)|TLS_REJECT_UNAUTHORIZED)|PYTHONHTTPSVERIFY"
)
"""Variables that turn the verification of certificates off by a no."""

MUST_BE_OFF: Final = re.compile(
    r"(?:\w+_)?(?:IGNORE_(?:TLS|SSL|HTTPS)(?:_ERRORS)?|INSECURE(?:_SKIP_VERIFY)?|(?:TLS|SSL)_(?:NO_VERIFY|INSECURE)|SKIP_(?:TLS|SSL)_VERIFY)"
)
"""Variables that turn it off by a yes."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the variables of all files that deploy the project."""
    facts = read_deployment(project.files)
    providers = {account.provider.name: account.provider for account in project.accounts}
    for variable in facts.variables:
        what = _judge(variable, providers.values())
        if what:
            yield Finding(
                what=what,
                place=variable.place,
                fix=f"Remove {variable.name} here, or move it to a file for tests.",
                identity=variable.name,
            )
    yield from facts.unchecked


def _judge(variable: Variable, providers: Iterable[Provider]) -> str:
    """What is wrong with a variable; empty if nothing is."""
    if variable.name == CLOCK:
        return f"{CLOCK} gives the program another clock than the machine's, as for tests"
    value = variable.value.strip().lower()
    verify_off = MUST_BE_ON.fullmatch(variable.name) and value in OFF
    if verify_off or (MUST_BE_OFF.fullmatch(variable.name) and value in ON):
        return f"{variable.name}={value} turns the verification of certificates off"
    for provider in providers:
        found = _judge_for(variable, provider)
        if found:
            return found
    return ""


def _judge_for(variable: Variable, provider: Provider) -> str:
    name = re.sub(r"[^A-Z0-9]+", "_", provider.name.upper())
    hosts = non_production_hosts(provider)
    trial = next((host for host in hosts if host in variable.value.lower()), None)
    if trial is not None:
        return f"{variable.name} has the address of the trial environment {hosts[trial]} of {provider.name}"
    rules = provider.profile.environments
    key_of = next((env for env, rule in rules.items() if rule.env == variable.name), None)
    if key_of is not None and is_non_production(provider, key_of):
        return f"{variable.name} is the key of the trial environment {key_of} of {provider.name}"
    if not variable.name.removeprefix("CALLWELL_").startswith(f"{name}_"):
        return ""
    if variable.name.endswith("_ENVIRONMENT") and variable.value in rules:
        is_trial = is_non_production(provider, variable.value)
        return f"{variable.name} chooses the trial environment {variable.value}" if is_trial else ""
    if variable.name.endswith("_BASE_URL"):
        host = host_of(variable.value)
        why = why_not_public(host) if host else None
        return f"{variable.name} leads to {host}, {why}" if why else ""
    return ""


CHECK = Check(
    id="life.sandbox-leftovers",
    group=Group.LIFE,
    title="The production configuration has no leftovers of trials",
    severity=Severity.ERROR,
    why="A variable that was set for tests and deployed with the rest leads real calls to a sandbox or an emulator.",
    fix="Remove the variable from the files that are deployed.",
    run=run,
)

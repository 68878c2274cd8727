# SPDX-License-Identifier: Apache-2.0
"""Calls that do not name the end user, where the provider asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.client_code import read_client_code
from callwell.readiness.deployment.processes import find_replicas
from callwell.readiness.deployment.reading import read_deployment
from callwell.readiness.origins import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.profile import EndUserRule
    from callwell.readiness.check import Place
    from callwell.readiness.client_code import ClientUse
    from callwell.readiness.project import ConfiguredAccount, Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the code that calls providers which ask for end users."""
    accounts = {account.provider.name: account for account in project.in_use if account.provider.profile.end_user}
    if not accounts:
        raise NotApplicable("no provider in use asks for the end user")
    code = read_client_code(project.files)
    made = {use.provider for use in code.uses if use.makes}
    for name, account in accounts.items():
        rule = account.provider.profile.end_user
        if rule is None or not made & {name, None}:
            continue  # commands name their user by --for-user
        uses = [use for use in code.of(name) if use.provider == name or made == {name} or not use.makes]
        if not any("for_user" in use.options or not use.complete for use in uses):
            yield _no_user(account, rule, uses, project)
        else:
            yield from _plan(account, rule, uses)
            yield from _secret(account, rule, uses, project)
    yield from code.unchecked


def _first(uses: list[ClientUse]) -> Place | None:
    return next((use.place for use in uses if use.makes), None)


def _plan_of(account: ConfiguredAccount, uses: list[ClientUse]) -> str | None:
    given = [use.options["plan"].value for use in uses if "plan" in use.options]
    return str(next(iter(given), account.settings["plan"].value) or "") or None


def _no_user(account: ConfiguredAccount, rule: EndUserRule, uses: list[ClientUse], project: Project) -> Finding:
    name = account.provider.name
    plan = _plan_of(account, uses)
    is_required = rule.required or plan in rule.required_on
    place = place_of(account.settings["plan"], project.root) if is_required and plan else None
    because = f", and the plan {plan} requires it" if is_required and plan else ""
    return Finding(
        what=f"no call to {name} names its end user (for_user){because}",
        place=_first(uses) or place,
        fix="Derive a client for each user: client.with_options(for_user=user.id).",
        identity=f"for_user {name}",
        severity=Severity.ERROR if is_required else Severity.WARNING,
    )


def _plan(account: ConfiguredAccount, rule: EndUserRule, uses: list[ClientUse]) -> Iterator[Finding]:
    if rule.required_on and not rule.required and _plan_of(account, uses) is None:
        plans = " or ".join(f'"{plan}"' for plan in rule.required_on)
        yield Finding(
            what=f"no plan is set for {account.provider.name}, so a call without an end user is sent",
            place=_first(uses),
            fix=f"If you pay by users, set plan={plans}: then no call is sent without one.",
            identity=f"plan {account.provider.name}",
            severity=Severity.NOTE,
        )


def _secret(
    account: ConfiguredAccount, rule: EndUserRule, uses: list[ClientUse], project: Project
) -> Iterator[Finding]:
    """Pseudonyms that differ from machine to machine, because each has made its own secret."""
    is_given = account.settings["user_secret"].is_set or any("user_secret" in use.options for use in uses)
    if not rule.pseudonym or is_given:
        return
    facts = read_deployment(project.files)
    machines = [one.place for one in find_replicas(facts) if not one.one_machine]
    where = next(iter((*facts.containers, *machines)), None)
    if where is not None:
        yield Finding(
            what=(
                f"the secret behind the pseudonyms for {account.provider.name} is made again in each container or "
                f"machine ({where}), so one user gets several"
            ),
            place=_first(uses),
            fix="Keep one secret where the keys are: user_secret=env:NAME or file:PATH.",
            identity=f"user_secret {account.provider.name}",
            severity=Severity.ERROR,
        )


CHECK = Check(
    id="life.end-user",
    group=Group.LIFE,
    title="Calls name their end user where the provider asks for it",
    severity=Severity.WARNING,
    why=(
        "The provider counts users by this header, and on some plans bills by it. Without it, support cannot find a "
        "user's calls; with a name that changes, one user is billed as several."
    ),
    fix="Give each call the ID of its user (for_user), and keep one secret for the pseudonyms of all machines.",
    run=run,
)

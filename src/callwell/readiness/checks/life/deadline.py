# SPDX-License-Identifier: Apache-2.0
"""Calls without a deadline, and deadlines that leave no time for the retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.client_code import UNKNOWN, read_client_code
from callwell.readiness.origins import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.profile import RetryRule
    from callwell.readiness.check import Place
    from callwell.readiness.client_code import ClientUse
    from callwell.readiness.project import Project

BATCH = "batch"


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the deadline in effect, and those in code."""
    if not project.in_use:
        raise NotApplicable("the project uses no provider")
    needed = {account.provider.name: longest_waits_s(account.provider.profile.retry) for account in project.in_use}
    for account in project.in_use:
        setting = account.settings["deadline"]
        if setting.is_set:
            place = place_of(setting, project.root)
            yield from _too_short(setting.value, account.provider.name, needed[account.provider.name], place)
    code = read_client_code(project.files)
    for use in code.uses:
        yield from _in_code(use, needed)
    yield from code.unchecked


def _in_code(use: ClientUse, needed: dict[str, float]) -> Iterator[Finding]:
    option = use.options.get("deadline_s")
    concerned = {name: waits_s for name, waits_s in needed.items() if use.is_of(name)}
    if option is None or option.value is UNKNOWN or not concerned:
        return
    if option.value is None:
        priority = use.options.get("priority")
        if priority is None or priority.value != BATCH:
            yield Finding(
                what="calls that a person may be waiting for have no deadline (deadline_s=None)",
                place=option.place,
                fix='Give deadline_s in seconds, or set priority="batch" if nobody waits for these calls.',
                identity="none",
            )
        return
    name = max(concerned, key=lambda provider: concerned[provider])
    yield from _too_short(option.value, name, concerned[name], option.place)


def _too_short(deadline_s: object, provider: str, waits_s: float, place: Place | None) -> Iterator[Finding]:
    if isinstance(deadline_s, int | float) and deadline_s < waits_s:
        yield Finding(
            what=(
                f"the deadline of {deadline_s:g} s is shorter than the waits between the attempts of a call to "
                f"{provider}, {waits_s:g} s at most"
            ),
            place=place,
            fix=f"Give more than {waits_s:g} s, or lower attempts or cap_s in the profile's [retry].",
            identity=f"short {provider}",
        )


def longest_waits_s(rule: RetryRule) -> float:
    """The longest that all waits between the attempts of one call take, 429 responses aside, in seconds.

    Args:
        rule: the provider's rule.
    """
    return sum(min(rule.cap_s, rule.base_s * 2.0**n) for n in range(min(rule.attempts, 64) - 1))


CHECK = Check(
    id="life.deadline",
    group=Group.LIFE,
    title="Calls have a deadline that leaves time for their retries",
    severity=Severity.WARNING,
    why=(
        "Without a deadline, callers wait as long as the provider is down. With a deadline shorter "
        "than the pauses between attempts, a short outage becomes an error."
    ),
    fix="Set a deadline that is longer than the waits between attempts, and as short as the user's patience.",
    run=run,
)

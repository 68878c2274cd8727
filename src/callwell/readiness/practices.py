# SPDX-License-Identifier: Apache-2.0
"""The providers' rules that ask for a check, from the tables `[practices]` of their profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.description.provider import Provider


class Rule(NamedTuple):
    """A provider's rule that asks for a check.

    Attributes:
        provider: the provider's display name.
        text: what the rule asks for, in a few words.
        page: the address of the page that states it.
    """

    provider: str
    text: str
    page: str


def find_rules(check_id: str, providers: Iterable[Provider]) -> tuple[Rule, ...]:
    """The rules that ask for a check, by its ID or its group; none if no provider does.

    Args:
        check_id: the check's ID.
        providers: the providers of the accounts in question; each counts once.
    """
    names = {check_id, check_id.partition(".")[0]}
    return tuple(
        Rule(provider=provider.profile.title, text=practice.rule, page=practice.page)
        for provider in {provider.name: provider for provider in providers}.values()
        for practice in provider.profile.practices.values()
        if not names.isdisjoint(practice.checks)
    )

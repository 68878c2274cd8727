# SPDX-License-Identifier: Apache-2.0
"""The profiles say which rules of the providers ask for which check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from callwell import providers
from callwell.readiness import registry
from callwell.readiness.check import Group
from callwell.readiness.practices import Rule, find_rules
from callwell.readiness.project import ConfiguredAccount, EffectiveSetting, Project
from callwell.readiness.run import run_check
from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = {name: providers.load(name).profile for name in providers.names()}
NAMES = {*registry.CHECKS, *Group}


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_name_checks_that_exist(name: str) -> None:
    """Every check that a bundled profile names is in the table, or is a group of it."""
    named = {check for practice in PROFILES[name].practices.values() for check in practice.checks}
    assert named - NAMES == set()


def test_rules_are_found_by_id_and_by_group() -> None:
    """A rule that names the group asks for each check of it; a provider with several accounts counts once."""
    userplane = providers.load("userplane")
    rules = find_rules("keys.file-mode", [userplane, userplane])
    assert rules == (
        Rule(
            provider="Userplane",
            text="keep keys in environment variables or a secret manager",
            page="https://docs.userplane.io/api/best-practices#store-keys-securely",
        ),
    )
    assert rules[0] in find_rules("leaks.anything", [userplane])
    assert find_rules("keys.nothing", [userplane]) == ()


def test_a_result_names_the_rules_of_the_project(tmp_path: Path) -> None:
    """The report says which rules of the project's own providers ask for a check."""
    account = ConfiguredAccount(
        provider=providers.load("userplane"),
        environment="production",
        settings={"key": EffectiveSetting(value="env:NO_KEY_HERE", origin="profile")},
        in_use=True,
    )
    result = run_check(Project(tmp_path, (account,)), registry.load("keys.file-mode"))
    assert result.asked_by == find_rules("keys.file-mode", [account.provider])
    assert result.asked_by


BULLETS = re.findall(
    r"^- \*(?:.|\n(?!- |\n|#))*", (pages.DOCS / "practices.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_every_rule_of_the_page_names_its_checks() -> None:
    """Or says that Callwell does it; the checks exist, and the page names each check that a profile names."""
    named: set[str] = set()
    for bullet in BULLETS:
        text = " ".join(bullet.split())
        checks = set(re.findall(r"`([a-z-]+(?:\.[a-z0-9-]+)?)`", text.partition(" Checks: ")[2]))
        assert checks or text.endswith("*Callwell does it.*"), text
        assert checks - NAMES == set()
        named |= checks
    asked = {check for profile in PROFILES.values() for rule in profile.practices.values() for check in rule.checks}
    assert asked - named == set()

# SPDX-License-Identifier: Apache-2.0
"""Accounts for tests of checks: the settings that nothing sets, and some that a test sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.client.settings import SETTINGS
from callwell.description import catalog
from callwell.readiness.project import ConfiguredAccount, EffectiveSetting, Project, Scope

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.provider import Provider

ORIGIN: Final = "callwell.toml:7"
"""Where tests say that a setting was set."""


def make_account(
    provider: str | Provider,
    environment: str | None = None,
    *,
    in_use: bool = True,
    origin: str = ORIGIN,
    **settings: str | float | None,
) -> ConfiguredAccount:
    """An account.

    Args:
        provider: its provider, or the name of a bundled one.
        environment: the environment; the default one if None.
        in_use: whether the project makes calls with it.
        origin: where the settings were set.
        settings: the settings that are set; the others are as the profile and the defaults say.
    """
    described = catalog.load(provider) if isinstance(provider, str) else provider
    there = described.environment(environment)
    values = {name: EffectiveSetting(row.default, "default") for name, row in SETTINGS.items()}
    values["environment"] = EffectiveSetting(there.name, origin if environment else "profile")
    values["base_url"] = EffectiveSetting(there.base_url, "profile")
    key = described.in_environment(there.name).profile.key
    values["key"] = EffectiveSetting(f"env:{key.env}", "profile")
    values |= {name: EffectiveSetting(value, origin) for name, value in settings.items()}
    return ConfiguredAccount(provider=described, environment=there.name, settings=values, in_use=in_use)


def make_project(
    root: Path, files: dict[str, str] | None = None, *accounts: ConfiguredAccount, scope: Scope | None = None
) -> Project:
    """A project.

    Args:
        root: its folder.
        files: strings to write, by name.
        accounts: its accounts; one of Userplane if there are none.
        scope: what to look at.
    """
    for name, text in (files or {}).items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Project(root, accounts or (make_account("userplane"),), scope)

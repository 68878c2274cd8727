# SPDX-License-Identifier: Apache-2.0
"""A provider in one environment, as a project is configured to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.provider import Provider


class EffectiveSetting(NamedTuple):
    """A setting of an account.

    Attributes:
        value: a string, seconds, a flag, or None if nothing is set.
        origin: the option, `env:VARIABLE`, file and line, `profile` or `default`.
    """

    value: str | float | None
    origin: str

    @property
    def is_set(self) -> bool:
        """Whether the user has set it."""
        return self.origin not in ("profile", "default")


class ConfiguredAccount(NamedTuple):
    """A provider in one environment, as the project is configured to use it.

    Attributes:
        provider: its description.
        environment: the environment's name.
        settings: all settings by name, as `callwell.client.settings.SETTINGS` has them.
        in_use: whether the project makes its calls in this environment; the others are there for their keys.
    """

    provider: Provider
    environment: str
    settings: Mapping[str, EffectiveSetting]
    in_use: bool

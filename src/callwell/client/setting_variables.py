# SPDX-License-Identifier: Apache-2.0
"""Names of the environment variables for settings.

A base URL belongs to one environment of a provider. The short variable (`APIVIDEO_BASE_URL`) is for the default
environment, and each environment has its own (`APIVIDEO_SANDBOX_BASE_URL`). So a variable that was set for tests never
receives the key of another environment.
"""

from __future__ import annotations

import re
from typing import Final

from callwell.client.settings import GLOBAL_SETTINGS

PREFIX: Final = "CALLWELL_"
BASE_URL: Final = "BASE_URL"


def variable_names(provider: str, environment: str, setting: str, *, is_default: bool) -> list[str]:
    """The variables of a setting, in order of precedence.

    Args:
        provider: the provider's name.
        environment: the environment; empty for the setting that chooses it.
        setting: the setting's name.
        is_default: whether the environment is the provider's default one.
    """
    names = []
    if environment:
        names.append(f"{PREFIX}{to_variable(provider)}_{to_variable(environment)}_{setting.upper()}")
        if setting == "base_url":
            names.append(base_url_variable(provider, environment))
    if setting != "base_url" or is_default:
        names.append(f"{PREFIX}{to_variable(provider)}_{setting.upper()}")
    if setting == "base_url" and is_default:
        names.append(base_url_variable(provider))
    if setting in GLOBAL_SETTINGS:
        names.append(f"{PREFIX}{setting.upper()}")
    return names


def base_url_variable(provider: str, environment: str = "") -> str:
    """The short variable for the address of a provider, or of one of its environments.

    Args:
        provider: the provider's name.
        environment: the environment; empty for the default one.
    """
    return "_".join(part for part in (to_variable(provider), to_variable(environment), BASE_URL) if part)


def to_variable(name: str) -> str:
    """A name as part of an environment variable: in capitals, with underscores."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")

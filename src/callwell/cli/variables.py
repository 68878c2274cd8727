# SPDX-License-Identifier: Apache-2.0
"""Names of the environment variables that set something, and advice about variables that look like one but are not.

A base URL belongs to one environment of a provider. The short variable (`APIVIDEO_BASE_URL`) is that of the default
environment, and each environment has one of its own (`APIVIDEO_SANDBOX_BASE_URL`). So a variable that was set for tests
never receives the key of another environment.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from callwell.client.settings import GENERAL, OF_ENVIRONMENT, SETTINGS
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

PREFIX: Final = "CALLWELL_"
BASE_URL: Final = "BASE_URL"

SIMILAR: Final = 0.6
"""The similarity (`difflib`) from which on one name is suggested for another; the default of `difflib` itself."""

OTHER_VARIABLES: Final = ("CONFIG", "DEBUG", "CLOCK")
"""Variables that are not settings of a provider; `callwell.cli.commands` explains them."""


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
    if setting in GENERAL:
        names.append(f"{PREFIX}{setting.upper()}")
    return names


def base_url_variable(provider: str, environment: str = "") -> str:
    """The short variable for the address of a provider, or of one of its environments.

    Args:
        provider: the provider's name.
        environment: the environment; empty for the default one.
    """
    return "_".join(part for part in (to_variable(provider), to_variable(environment), BASE_URL) if part)


def unknown_variables(
    variables: Mapping[str, str], providers: Collection[str], environments: Callable[[str], Collection[str]]
) -> dict[str, str]:
    """Variables that look like settings but set nothing, each with a sentence about it.

    Args:
        variables: all environment variables.
        providers: the names of the known providers.
        environments: returns the names of a provider's environments; called only if there is a suspicious variable.
    """
    general = {f"{PREFIX}{name.upper()}" for name in (*GENERAL, *OTHER_VARIABLES)}
    candidates = sorted(name for name in variables if _looks_like_setting(name, providers) and name not in general)
    if not candidates:
        return {}
    known = set(general)
    for provider in providers:
        known |= set(_all_variables(provider, environments(provider)))
    return {
        name: _wrong_environment(name, providers, environments) or _suggestion(name, known)
        for name in candidates
        if name not in known
    }


def to_variable(name: str) -> str:
    """A name as part of an environment variable: in capitals, with underscores."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


def _looks_like_setting(variable: str, providers: Collection[str]) -> bool:
    if variable.startswith(PREFIX):
        return True
    return variable.endswith(f"_{BASE_URL}") and any(variable.startswith(f"{to_variable(name)}_") for name in providers)


def _all_variables(provider: str, environments: Collection[str]) -> Iterator[str]:
    """Every variable that sets something for a provider."""
    for setting in SETTINGS:
        yield f"{PREFIX}{to_variable(provider)}_{setting.upper()}"
    yield base_url_variable(provider)
    for environment in environments:
        yield base_url_variable(provider, environment)
        for setting in (*OF_ENVIRONMENT, *GENERAL):
            yield f"{PREFIX}{to_variable(provider)}_{to_variable(environment)}_{setting.upper()}"


def _wrong_environment(
    variable: str, providers: Collection[str], environments: Callable[[str], Collection[str]]
) -> str | None:
    """A complaint if the variable names an environment that the provider does not have."""
    text = variable.removeprefix(PREFIX)
    for provider in providers:
        rest = text.removeprefix(f"{to_variable(provider)}_")
        setting = next((name for name in (*OF_ENVIRONMENT, *GENERAL) if rest.endswith(f"_{name.upper()}")), None)
        if rest == text or setting is None:
            continue
        environment = rest.removesuffix(f"_{setting.upper()}").lower()
        error = UnknownName("environment", environment, environments(provider), owner=provider)
        return f"{variable} sets nothing: {error}"
    return None


def _suggestion(variable: str, known: Collection[str]) -> str:
    # Without the common prefix, which would make all names similar.
    by_ending = {name.removeprefix(PREFIX): name for name in sorted(known)}
    matches = get_close_matches(variable.removeprefix(PREFIX), by_ending, n=1, cutoff=SIMILAR)
    if matches:
        return f"{variable} sets nothing: did you mean {by_ending[matches[0]]}?"
    return f"{variable} sets nothing: `callwell config --help` lists the variables that do"

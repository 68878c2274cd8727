# SPDX-License-Identifier: Apache-2.0
"""Advice about environment variables that look like settings but set nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from callwell.client.setting_variables import BASE_URL, PREFIX, base_url_variable, to_variable
from callwell.client.settings import ENVIRONMENT_SETTINGS, GLOBAL_SETTINGS, SETTINGS
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

SIMILAR: Final = 0.6
"""The similarity (`difflib`) from which on one name is suggested for another; the default of `difflib` itself."""

OTHER_VARIABLES: Final = ("CONFIG", "DEBUG", "CLOCK", "DRILL")
"""Variables that are not settings of a provider; `callwell.cli.commands` explains them."""


def unknown_variables(
    variables: Mapping[str, str], providers: Collection[str], environments: Callable[[str], Collection[str]]
) -> dict[str, str]:
    """Variables that look like settings but set nothing, each with a sentence about it.

    Args:
        variables: all environment variables.
        providers: the names of the known providers.
        environments: returns the names of a provider's environments; called only if there is a suspicious variable.
    """
    general = {f"{PREFIX}{name.upper()}" for name in (*GLOBAL_SETTINGS, *OTHER_VARIABLES)}
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
        for setting in (*ENVIRONMENT_SETTINGS, *GLOBAL_SETTINGS):
            yield f"{PREFIX}{to_variable(provider)}_{to_variable(environment)}_{setting.upper()}"


def _wrong_environment(
    variable: str, providers: Collection[str], environments: Callable[[str], Collection[str]]
) -> str | None:
    """A complaint if the variable names an environment that the provider does not have."""
    text = variable.removeprefix(PREFIX)
    settings = (*ENVIRONMENT_SETTINGS, *GLOBAL_SETTINGS)
    for provider in providers:
        rest = text.removeprefix(f"{to_variable(provider)}_")
        setting = next((name for name in settings if rest.endswith(f"_{name.upper()}")), None)
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

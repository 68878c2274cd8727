# SPDX-License-Identifier: Apache-2.0
"""The environment variables that set something, and what is said about those that look like one and are none.

A base URL belongs to one environment of a provider: the short variable (`APIVIDEO_BASE_URL`) is that of the environment
in use unless another is asked for, and each has one with its own name (`APIVIDEO_SANDBOX_BASE_URL`). So a variable set
for trials never sends the key of another environment there.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from callwell.client.settings import GENERAL, OF_ENVIRONMENT, SETTINGS
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

OURS: Final = "CALLWELL_"
ADDRESS: Final = "BASE_URL"
LIKE: Final = 0.6
"""How alike two names are at least, for the one to be meant by the other: `difflib` measures it."""

OTHERS: Final = ("CONFIG", "DEBUG", "CLOCK")
"""What is no setting of a provider: `callwell.cli.commands` explains them."""


def names(provider: str, environment: str, setting: str, *, usual: bool) -> list[str]:
    """The variables of a setting, in the order in which they count.

    Args:
        provider: its name.
        environment: the environment, empty for the setting that chooses it.
        setting: its name.
        usual: it is the environment that is used unless another one is asked for.
    """
    found = []
    if environment:
        found.append(f"{OURS}{upper(provider)}_{upper(environment)}_{setting.upper()}")
        if setting == "base_url":
            found.append(address(provider, environment))
    if setting != "base_url" or usual:
        found.append(f"{OURS}{upper(provider)}_{setting.upper()}")
    if setting == "base_url" and usual:
        found.append(address(provider))
    if setting in GENERAL:
        found.append(f"{OURS}{setting.upper()}")
    return found


def address(provider: str, environment: str = "") -> str:
    """The short variable that may hold another address of a provider, or of one of its environments.

    Args:
        provider: its name.
        environment: the environment; without, the one that is used unless another is asked for.
    """
    return "_".join(part for part in (upper(provider), upper(environment), ADDRESS) if part)


def strange(
    variables: Mapping[str, str], providers: Collection[str], environments: Callable[[str], Collection[str]]
) -> dict[str, str]:
    """Variables that look like ours and set nothing, each with a sentence about it.

    Args:
        variables: all there are.
        providers: the names of those that are known.
        environments: the names of a provider's environments; asked only if there is a reason to.
    """
    general = {f"{OURS}{name.upper()}" for name in (*GENERAL, *OTHERS)}
    ours = sorted(one for one in variables if _looks_ours(one, providers) and one not in general)
    if not ours:
        return {}
    known = set(general)
    for provider in providers:
        known |= set(_all(provider, environments(provider)))
    said = {}
    for one in ours:
        if one not in known:
            said[one] = _environment(one, providers, environments) or _nearest(one, known)
    return said


def upper(name: str) -> str:
    """A name as it stands in a variable."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


def _looks_ours(variable: str, providers: Collection[str]) -> bool:
    if variable.startswith(OURS):
        return True
    return variable.endswith(f"_{ADDRESS}") and any(variable.startswith(f"{upper(name)}_") for name in providers)


def _all(provider: str, environments: Collection[str]) -> Iterator[str]:
    """Every variable that sets something for a provider."""
    for setting in SETTINGS:
        yield f"{OURS}{upper(provider)}_{setting.upper()}"
    yield address(provider)
    for environment in environments:
        yield address(provider, environment)
        for setting in (*OF_ENVIRONMENT, *GENERAL):
            yield f"{OURS}{upper(provider)}_{upper(environment)}_{setting.upper()}"


def _environment(
    variable: str, providers: Collection[str], environments: Callable[[str], Collection[str]]
) -> str | None:
    """What is wrong with the variable of an environment that a provider does not have; None if it is not one."""
    text = variable.removeprefix(OURS)
    for provider in providers:
        rest = text.removeprefix(f"{upper(provider)}_")
        ending = next((one for one in (*OF_ENVIRONMENT, *GENERAL) if rest.endswith(f"_{one.upper()}")), None)
        if rest == text or ending is None:
            continue
        has = environments(provider)
        wanted = rest.removesuffix(f"_{ending.upper()}").lower()
        return f"{variable} sets nothing: {UnknownName('environment', wanted, has, where=provider)}"
    return None


def _nearest(variable: str, known: Collection[str]) -> str:
    # The common beginning would make all of them alike.
    by_ending = {one.removeprefix(OURS): one for one in sorted(known)}
    near = get_close_matches(variable.removeprefix(OURS), by_ending, n=1, cutoff=LIKE)
    if near:
        return f"{variable} sets nothing: did you mean {by_ending[near[0]]}?"
    return f"{variable} sets nothing: `callwell config --help` has the variables that do"

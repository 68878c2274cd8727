# SPDX-License-Identifier: Apache-2.0
"""Opens the states that a project's clients share, to read their records. A check never creates a state."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client.config import ClientConfig
from callwell.errors import CallwellError
from callwell.readiness.check import NotApplicable, Unchecked
from callwell.readiness.client_code import read_client_code
from callwell.readiness.origins import place_of
from callwell.state import open_state
from callwell.state.urls import mask_state_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.client.calls.options import ClientOptions
    from callwell.readiness.check import Place
    from callwell.readiness.project import ConfiguredAccount, Project
    from callwell.state import State

SQLITE: Final = "sqlite:///"
MEMORY: Final = ("memory:", "memory")
CHOOSE: Final = (
    'Run the check where the program runs, with the state that the program uses: `state = "sqlite:///PATH"` in '
    "callwell.toml, or CALLWELL_STATE."
)


class SharedState(NamedTuple):
    """A state.

    Attributes:
        url: its URL.
        state: the state, open.
        place: where it is chosen; None if it is the default.
        accounts: the accounts that use it, in every environment of their providers.
    """

    url: str
    state: State
    place: Place | None
    accounts: tuple[ConfiguredAccount, ...]


class _Choice(NamedTuple):
    """A state that settings or code choose for a provider."""

    url: str
    provider: str
    place: Place | None


def open_states(project: Project) -> Iterator[SharedState | Unchecked]:
    """Open the states of a project, one after the other; each is closed when the next one is asked for.

    Args:
        project: the project.

    Yields:
        the states, and why others could not be opened.

    Raises:
        NotApplicable: the project uses no provider with keys.
    """
    if not any(account.provider.profile.key.scheme != "none" for account in project.in_use):
        raise NotApplicable("the project uses no provider with keys")
    chosen: dict[str, list[_Choice]] = {}
    for choice in _choices(project):
        chosen.setdefault(choice.url, []).append(choice)
    in_memory = [choice for url in MEMORY for choice in chosen.pop(url, [])]
    if not chosen:
        what = "the clients of the project share no state (memory:), so nothing is known of the use of keys"
        yield Unchecked(what=what, place=in_memory[0].place if in_memory else None, fix=CHOOSE)
    for url, choices in chosen.items():
        providers = {choice.provider for choice in choices}
        accounts = tuple(account for account in project.accounts if account.provider.name in providers)
        problem = find_state_problem(url)
        if problem:
            yield Unchecked(what=problem, place=choices[0].place, fix=CHOOSE)
            continue
        try:
            state = open_state(url, existing=True)
        except CallwellError as error:
            what = f"the state {mask_state_url(url)} cannot be opened: {error}"
            yield Unchecked(what=what, place=choices[0].place, fix=CHOOSE)
            continue
        try:
            yield SharedState(url=url, state=state, place=choices[0].place, accounts=accounts)
        finally:
            state.close()


@contextmanager
def open_config(account: ConfiguredAccount, state: State) -> Iterator[ClientConfig]:
    """The configuration of an account's clients on an open state.

    Args:
        account: the account.
        state: the state, which stays open.
    """
    settings = account.settings
    options: ClientOptions = {
        "environment": account.environment,
        "account": str(settings["account"].value),
        "key": str(settings["key"].value),
        "state": state,
    }
    if settings["base_url"].is_set:
        options["base_url"] = str(settings["base_url"].value)
    config = ClientConfig.from_options(account.provider, options)
    try:
        yield config
    finally:
        config.close()


def _choices(project: Project) -> Iterator[_Choice]:
    """The states that the code chooses, and the configured ones of providers that the code never mentions."""
    uses = [use for use in read_client_code(project.files).uses if use.makes and "state" in use.options]
    for account in project.in_use:
        name = account.provider.name
        in_code = [use.options["state"] for use in uses if use.is_of(name)]
        for option in in_code:
            if isinstance(option.value, str):
                yield _Choice(option.value, name, option.place)
        setting = account.settings["state"]
        if not in_code or setting.is_set:
            yield _Choice(str(setting.value), name, place_of(setting, project.root))


def find_state_problem(url: str) -> str:
    """Why a state cannot be opened; empty if it can.

    Args:
        url: its URL.
    """
    file = Path(url.removeprefix(SQLITE)).expanduser()
    try:
        if url.startswith(SQLITE) and not file.exists():
            return f"the state file {file} does not exist here: no client has used it yet, or it is on another machine"
    except OSError as error:
        return f"the state file {file} cannot be examined: {error.strerror}"
    return ""

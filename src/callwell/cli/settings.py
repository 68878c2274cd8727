# SPDX-License-Identifier: Apache-2.0
"""What is set for a provider, and where: by an option, a variable, `callwell.toml`, or nowhere.

The first of these that says something counts:

1. the option (`--deadline`)
2. the variable of the environment (`CALLWELL_<PROVIDER>_<ENVIRONMENT>_DEADLINE`; for its address also
   `<PROVIDER>_<ENVIRONMENT>_BASE_URL`), then that of the provider (`CALLWELL_<PROVIDER>_DEADLINE`)
3. the variable for all (`CALLWELL_DEADLINE`)
4. `callwell.toml`: the table of the environment, that of the provider, the top
5. the provider's profile, or Callwell's default

What belongs to one provider (environment, address, key, auth, account, plan) cannot be said for all of them. An address
belongs to one environment: what names none (`<PROVIDER>_BASE_URL`, or `base_url` in the provider's table) is that of
the environment in use unless another one is asked for.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.cli import output
from callwell.cli import variables as names_of
from callwell.cli.config_file import FOLDER, Said, find
from callwell.client.settings import SETTINGS
from callwell.description import catalog
from callwell.errors import CallwellError, InvalidOption, StateError, UnknownName, UsageError
from callwell.keys import parse_source
from callwell.state import home

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from callwell.cli.config_file import ConfigFile
    from callwell.client.settings import Kind
    from callwell.description.provider import Provider

PROFILE: Final = "profile"
DEFAULT: Final = "default"


class Setting(NamedTuple):
    """What holds.

    Attributes:
        name: of the setting, as in `callwell.toml`.
        value: a text, seconds, true or false, or None where nothing is set.
        where: the option, `env:VARIABLE`, file and line, `profile` or `default`.
    """

    name: str
    value: str | float | None
    where: str

    @property
    def is_set(self) -> bool:
        """The user has said it."""
        return self.where not in (PROFILE, DEFAULT)


class Settings:
    """All that is set, but for options.

    Args:
        variables: the environment variables.
        file: the `callwell.toml` that holds, if any.
    """

    def __init__(self, variables: Mapping[str, str], file: ConfigFile | None) -> None:
        self._variables = variables
        self.file = file
        self._said = file.said if file else {}

    @classmethod
    def here(cls, *, quiet: bool = False) -> Settings:
        """What is set for this process.

        Args:
            quiet: say nothing of variables that set nothing.

        Raises:
            UsageError: `callwell.toml` does not say what it must.
        """
        named = os.environ.get("CALLWELL_CONFIG")
        made = cls(os.environ, find(named, Path.cwd(), Path("~").expanduser()))
        if not quiet:
            for sentence in made.unknown().values():
                output.say(f"callwell: {sentence}")
        return made

    def names(self) -> list[str]:
        """The providers that can be named: those that come with Callwell, and those of `callwell.toml`."""
        return sorted({*catalog.bundled_names(), *(self.file.folders() if self.file else ())})

    def load(self, name: str) -> Provider:
        """A provider.

        Args:
            name: one of `names`, or a folder.

        Raises:
            UnknownName: there is none.
            ProfileError: its description cannot be used.
        """
        folder = (self.file.folders() if self.file else {}).get(name)
        if folder is None:
            if catalog.bundled_name(name) is None and not (name and Path(name).is_dir()):
                raise UnknownName("provider", name, self.names(), why=catalog.why_not_a_folder(name))
            return catalog.load(name)
        if not Path(str(folder.value)).is_dir():
            raise UsageError(f"{folder.where}: {name}.{FOLDER}: there is no folder {folder.value}")
        described = catalog.load(Path(str(folder.value)))
        if described.name != name:
            raise UsageError(f"{folder.where}: the description in {folder.value} calls itself {described.name!r}")
        return described

    def general(self, name: str) -> Setting:
        """What holds for a provider of which nothing special is said.

        Args:
            name: one of `GENERAL`.
        """
        return _first(name, (self._variable(f"CALLWELL_{name.upper()}", name), self._said.get((name,))), default(name))

    def of(self, provider: Provider, options: Mapping[str, str | float | None]) -> dict[str, Setting]:
        """What holds for a provider, by name.

        Args:
            provider: the provider.
            options: what the command's options say.

        Raises:
            UnknownName: an environment that the provider does not have.
            InvalidOption: a variable that holds no number, or no place, where one is needed.
        """
        environment = self._environment(provider, options.get("environment"))
        return {"environment": environment} | {
            name: self._one(provider, str(environment.value), name, options.get(name))
            for name in SETTINGS
            if name != "environment"
        }

    def addresses(self, provider: Provider, held: Mapping[str, Setting]) -> dict[str, str]:
        """Where the environments of a provider are, as far as that is set.

        Args:
            provider: the provider.
            held: what holds for the one that is in use.
        """
        found = {name: self._one(provider, name, "base_url", None) for name in provider.profile.environments}
        found[str(held["environment"].value)] = held["base_url"]
        return {name: str(setting.value) for name, setting in found.items() if setting.is_set}

    def places(self, provider: Provider, environment: str, name: str) -> Iterator[tuple[str, Said | None]]:
        """Where a setting is looked for, in order and without the option, and what is said there."""
        usual = name != "base_url" or environment == self.usual(provider)
        for variable in names_of.names(provider.name, environment, name, usual=usual):
            yield f"env:{variable}", self._variable(variable, name)
        file = str(self.file.path) if self.file else "callwell.toml"
        tables = ((provider.name, environment), (provider.name,), ()) if usual else ((provider.name, environment),)
        said = [self._said[(*table, name)] for table in tables if (*table, name) in self._said]
        yield file, said[0] if said else None

    def unknown(self) -> dict[str, str]:
        """Variables that look like ours and set nothing, each with a sentence that says what is near."""
        return names_of.strange(self._variables, self.names(), self._environments)

    def passed_over(self, provider: Provider, held: Mapping[str, Setting]) -> str | None:
        """What to say if another environment's address is set, and not that of the one in use.

        Args:
            provider: the provider.
            held: what holds.
        """
        used = str(held["environment"].value)
        usual = self.usual(provider)
        if used == usual or held["base_url"].is_set:
            return None
        said = self._one(provider, usual, "base_url", None)
        if not said.is_set:
            return None
        mine = names_of.address(provider.name, used)
        return f"{said.where} is the address of {usual}: {used} is at {held['base_url'].value}, unless {mine} says else"

    def empty(self) -> list[str]:
        """Variables of settings that are there and empty: they count as not set."""
        other = {f"{names_of.OURS}{name}" for name in names_of.OTHERS}
        ours = (one for one in self._variables if one.startswith(names_of.OURS) and one not in other)
        return sorted(one for one in ours if not self._variables[one].strip())

    def usual(self, provider: Provider) -> str:
        """The environment that is used unless another one is asked for."""
        return str(self._one(provider, "", "environment", None).value)

    def _environments(self, name: str) -> Collection[str]:
        try:
            return self.load(name).profile.environments
        except CallwellError:  # what is wrong with a description is told where it is used
            return ()

    def _environment(self, provider: Provider, option: str | float | None) -> Setting:
        known = provider.profile.environments
        chosen = self._one(provider, "", "environment", option)
        if chosen.value not in known:
            where = provider.name if chosen.where.startswith("--") else f"{provider.name} ({chosen.where})"
            raise UnknownName("environment", str(chosen.value), known, where=where)
        for path, said in self._said.items():
            if len(path) > 2 and path[0] == provider.name and path[1] not in known:  # noqa: PLR2004 - an environment's
                raise UnknownName("environment", path[1], known, where=f"{provider.name} ({said.where})")
        return chosen

    def _one(self, provider: Provider, environment: str, name: str, option: str | float | None) -> Setting:
        if option is not None:
            return Setting(name, option, SETTINGS[name].flag)
        said = (one for _, one in self.places(provider, environment, name))
        return _first(name, said, _described(provider, environment, name))

    def _variable(self, variable: str, name: str) -> Said | None:
        text = self._variables.get(variable, "").strip()
        if not text:
            return None
        parse = PARSERS.get(SETTINGS[name].kind)
        return Said(text if parse is None else parse(variable, text), f"env:{variable}")


@contextmanager
def naming_the_state(held: Mapping[str, Setting]) -> Iterator[None]:
    """Say of a state that cannot be opened who named it, and where another one is named.

    Args:
        held: what holds.

    Raises:
        StateError: as it was raised, with that said.
    """
    try:
        yield
    except StateError as error:
        state = held["state"]
        if not str(state.value).startswith(str(SETTINGS["state"].path_prefix)):
            raise
        named = "" if state.where == DEFAULT else f"{state.where}: "
        text = str(error).removesuffix("; name another with --state")
        raise StateError(
            f"{named}{text}; name a place that can be written with --state sqlite:///PATH, CALLWELL_STATE or "
            "XDG_STATE_HOME"
        ) from error


def default(name: str) -> Setting:
    """What a setting is that nobody has set."""
    return Setting(name, default_state() if name == "state" else SETTINGS[name].default, DEFAULT)


def default_state() -> str:
    """A file in the XDG state folder, for all commands of a user.

    It is a file, so that a command that is killed and run again stays within the quota.
    """
    return f"{SETTINGS['state'].path_prefix}{home.default_folder() / 'state.db'}"


def _described(provider: Provider, environment: str, name: str) -> Setting:
    match name:
        case "environment":
            return Setting(name, provider.environment().name, PROFILE)
        case "base_url":
            return Setting(name, provider.environment(environment).base_url, PROFILE)
        case "key":
            return Setting(name, f"env:{provider.in_environment(environment).profile.key.env}", PROFILE)
        case _:
            return default(name)


def _first(name: str, said: Iterator[Said | None] | tuple[Said | None, ...], otherwise: Setting) -> Setting:
    return next((Setting(name, *one) for one in said if one is not None), otherwise)


def _seconds(variable: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise InvalidOption(variable, text, "seconds above zero")
    return seconds


def _yes_or_no(variable: str, text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise InvalidOption(variable, text, "1 or 0, true or false, yes or no")
    return known[text.lower()]


def _place(variable: str, text: str) -> str:
    """The place of a key; whatever else stands there may be a key, and is not repeated."""
    try:
        parse_source(text, "")
    except InvalidOption as error:
        raise InvalidOption(variable, f"a text of {len(text)} characters", "env:NAME or file:PATH") from error
    return text


PARSERS: Final[Mapping[Kind, Callable[[str, str], str | float]]] = {
    "seconds": _seconds,
    "flag": _yes_or_no,
    "secret": _place,
}
"""Readers of a variable's text by the kind of its setting; all other kinds are texts."""

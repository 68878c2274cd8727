# SPDX-License-Identifier: Apache-2.0
"""What is set for a provider, and where: by an option, a variable, `callwell.toml`, or nowhere.

The first of these that says something counts:

1. the option (`--deadline`)
2. the variable of the provider (`CALLWELL_<PROVIDER>_DEADLINE`; for its address also `<PROVIDER>_BASE_URL`)
3. the variable for all (`CALLWELL_DEADLINE`)
4. `callwell.toml`: the table of the environment, that of the provider, the top
5. the provider's profile, or Callwell's default

What belongs to one provider (environment, address, key, auth, account, plan) cannot be said for all of them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell import providers
from callwell.cli.config_file import FOLDER, GENERAL, OF_PROVIDER, PLACES, STATE_FILE, Said, find
from callwell.errors import InvalidOption, UnknownName, UsageError
from callwell.keys import parse_source
from callwell.state import home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.cli.config_file import ConfigFile
    from callwell.spec.provider import Provider

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
    def here(cls) -> Settings:
        """What is set for this process.

        Raises:
            UsageError: `callwell.toml` does not say what it must.
        """
        named = os.environ.get("CALLWELL_CONFIG")
        return cls(os.environ, find(named, Path.cwd(), Path("~").expanduser()))

    def names(self) -> list[str]:
        """The providers that can be named: those that come with Callwell, and those of `callwell.toml`."""
        return sorted({*providers.names(), *(self.file.folders() if self.file else ())})

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
            if providers.bundled_name(name) is None and not (name and Path(name).is_dir()):
                raise UnknownName("provider", name, self.names(), why=providers.why_unknown(name))
            return providers.load(name)
        if not Path(str(folder.value)).is_dir():
            raise UsageError(f"{folder.where}: {name}.{FOLDER}: there is no folder {folder.value}")
        described = providers.load(Path(str(folder.value)))
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
            for name in OF_PROVIDER
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
        for variable in variables(provider.name, name):
            yield f"env:{variable}", self._variable(variable, name)
        file = str(self.file.path) if self.file else "callwell.toml"
        tables = ((provider.name, environment), (provider.name,), ())
        said = [self._said[(*table, name)] for table in tables if (*table, name) in self._said]
        yield file, said[0] if said else None

    def unknown(self) -> dict[str, str]:
        """Variables that begin as ours do and are none, each with a provider's or setting's name that is near."""
        prefixes = [f"CALLWELL_{_upper(name)}_" for name in self.names()]
        known = {f"CALLWELL_{name.upper()}" for name in (*GENERAL, "config", "debug", "clock")}
        known |= {f"{prefix}{name.upper()}" for prefix in prefixes for name in OF_PROVIDER}
        strange = [one for one in self._variables if one.startswith("CALLWELL_") and one not in known]
        return {one: str(UnknownName("variable", one, known)) for one in sorted(strange)}

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
            return Setting(name, option, f"--{name.replace('_', '-')}")
        said = (one for _, one in self.places(provider, environment, name))
        return _first(name, said, _described(provider, environment, name))

    def _variable(self, variable: str, name: str) -> Said | None:
        text = self._variables.get(variable)
        if not text:
            return None
        if name == "deadline":
            return Said(_seconds(variable, text), f"env:{variable}")
        if name in ("exactly_once", "alpha"):
            return Said(_yes_or_no(variable, text), f"env:{variable}")
        return Said(_place(variable, text) if name in PLACES else text, f"env:{variable}")


def variables(provider: str, name: str) -> list[str]:
    """The environment variables of a setting, in the order in which they count.

    Args:
        provider: its name.
        name: of the setting.
    """
    own = [f"CALLWELL_{_upper(provider)}_{name.upper()}"]
    if name == "base_url":
        own.append(address_variable(provider))
    return [*own, f"CALLWELL_{name.upper()}"] if name in GENERAL else own


def address_variable(provider: str) -> str:
    """The short variable that may hold another address of a provider.

    Args:
        provider: its name.
    """
    return f"{_upper(provider)}_BASE_URL"


def default(name: str) -> Setting:
    """What a setting is that nobody has set."""
    known: dict[str, str | float] = {
        "state": default_state(),
        "account": "default",
        "auth": "key",
        "exactly_once": False,
    }
    return Setting(name, known.get(name), DEFAULT)


def default_state() -> str:
    """A file in the XDG state folder, for all commands of a user.

    It is a file, so that a command that is killed and run again stays within the quota.
    """
    return f"{STATE_FILE}{home.folder() / 'state.db'}"


def _described(provider: Provider, environment: str, name: str) -> Setting:
    match name:
        case "environment":
            return Setting(name, provider.environment().name, PROFILE)
        case "base_url":
            return Setting(name, provider.environment(environment).base_url, PROFILE)
        case "key":
            return Setting(name, f"env:{provider.within(environment).profile.key.env}", PROFILE)
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


def _upper(provider: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", provider.upper()).strip("_")

# SPDX-License-Identifier: Apache-2.0
"""Resolves the settings of a provider from options, environment variables, `callwell.toml` and defaults.

The first of these that has a value wins:

1. the option (`--deadline`)
2. the variable of the environment (`CALLWELL_<PROVIDER>_<ENVIRONMENT>_DEADLINE`; for its address also
   `<PROVIDER>_<ENVIRONMENT>_BASE_URL`), then the variable of the provider (`CALLWELL_<PROVIDER>_DEADLINE`)
3. the variable for all providers (`CALLWELL_DEADLINE`)
4. `callwell.toml`: the environment's table, the provider's table, the top
5. the provider's profile, or Callwell's default

Settings of one provider (environment, address, key, auth, account, plan) cannot be set for all of them. An address
belongs to one environment: where none is named (`<PROVIDER>_BASE_URL`, or `base_url` in the provider's table) it is the
address of the default environment.
"""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.cli import output, variables
from callwell.cli.config_file import FOLDER, SourcedValue, find_config_file
from callwell.client import setting_variables
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
    """A setting in effect.

    Attributes:
        name: the setting's name, as in `callwell.toml`.
        value: a string, seconds, a flag, or None if nothing is set.
        origin: the option, `env:VARIABLE`, file and line, `profile` or `default`.
    """

    name: str
    value: str | float | None
    origin: str

    @property
    def is_set(self) -> bool:
        """Whether the user has set it."""
        return self.origin not in (PROFILE, DEFAULT)


class Settings:
    """The sources of settings, except options.

    Args:
        environ: the environment variables.
        file: the `callwell.toml` that applies, if any.
    """

    def __init__(self, environ: Mapping[str, str], file: ConfigFile | None) -> None:
        self._environ = environ
        self.file = file
        self._file_values = file.values if file else {}

    @classmethod
    def discover(cls, *, folder: Path | None = None, quiet: bool = False) -> Settings:
        """Find the settings of this process: its environment variables, and the `callwell.toml` that applies.

        Args:
            folder: where the search for `callwell.toml` begins; the working folder by default.
            quiet: print no warning about variables that set nothing.

        Raises:
            UsageError: `callwell.toml` is not valid.
        """
        named = os.environ.get("CALLWELL_CONFIG")
        settings = cls(os.environ, find_config_file(named, folder or Path.cwd(), Path("~").expanduser()))
        if not quiet:
            for warning in settings.unknown_variables().values():
                output.say(f"callwell: {warning}")
        return settings

    def names(self) -> list[str]:
        """The known providers: the bundled ones, and those of `callwell.toml`."""
        return sorted({*catalog.bundled_names(), *self._folders()})

    def load(self, name: str) -> Provider:
        """Load a provider.

        Args:
            name: one of `names`, or a folder.

        Raises:
            UnknownName: there is no such provider.
            ProfileError: its description is not valid.
        """
        folder = self._folders().get(name)
        if folder is None:
            if catalog.bundled_name(name) is None and not (name and Path(name).is_dir()):
                raise UnknownName("provider", name, self.names(), why=catalog.why_not_a_folder(name))
            return _load_quietly(name)
        if not Path(str(folder.value)).is_dir():
            raise UsageError(f"{folder.origin}: {name}.{FOLDER}: there is no folder {folder.value}")
        provider = _load_quietly(Path(str(folder.value)))
        if provider.name != name:
            raise UsageError(
                f"{folder.origin}: the description in {folder.value} is named {provider.name!r}, not {name!r}"
            )
        return provider

    def general(self, name: str) -> Setting:
        """A setting for all providers, ignoring what is set for a single one.

        Args:
            name: one of `callwell.client.settings.GLOBAL_SETTINGS`.
        """
        values = (self._variable(f"CALLWELL_{name.upper()}", name), self._file_values.get((name,)))
        return _first(name, values, default(name))

    def resolve(self, provider: Provider, options: Mapping[str, str | float | None]) -> dict[str, Setting]:
        """All settings of a provider, by name.

        Args:
            provider: the provider.
            options: the values of the command's options.

        Raises:
            UnknownName: the provider has no such environment.
            InvalidOption: a variable does not hold a number, or a key source, where one is expected.
        """
        environment = self._environment(provider, options.get("environment"))
        return {"environment": environment} | {
            name: self._resolve_one(provider, str(environment.value), name, options.get(name))
            for name in SETTINGS
            if name != "environment"
        }

    def addresses(self, provider: Provider, values: Mapping[str, Setting]) -> dict[str, str]:
        """The addresses of the provider's environments that the user has set.

        Args:
            provider: the provider.
            values: the settings in effect.
        """
        found = {name: self._resolve_one(provider, name, "base_url", None) for name in provider.profile.environments}
        found[str(values["environment"].value)] = values["base_url"]
        return {name: str(setting.value) for name, setting in found.items() if setting.is_set}

    def sources(self, provider: Provider, environment: str, name: str) -> Iterator[tuple[str, SourcedValue | None]]:
        """Where a setting is looked up, in order and without the option, and what is set there."""
        # An address belongs to one environment: what names none is not for the others.
        shared = name != "base_url" or environment == self.default_environment(provider)
        for variable in setting_variables.variable_names(provider.name, environment, name, is_default=shared):
            yield f"env:{variable}", self._variable(variable, name)
        tables: list[tuple[str, ...]] = [(provider.name, environment)]
        if shared:
            tables += [(provider.name,), ()]
        values = [self._file_values[*table, name] for table in tables if (*table, name) in self._file_values]
        yield str(self.file.path) if self.file else "callwell.toml", values[0] if values else None

    def unknown_variables(self) -> dict[str, str]:
        """Variables that look like settings but set nothing, each with a sentence about it."""
        return variables.unknown_variables(self._environ, self.names(), self._environments)

    def unused_address(self, provider: Provider, values: Mapping[str, Setting]) -> str | None:
        """A warning if the default environment's address is set, but another environment without one is in use.

        Args:
            provider: the provider.
            values: the settings in effect.
        """
        environment = str(values["environment"].value)
        default_name = self.default_environment(provider)
        if environment == default_name or values["base_url"].is_set:
            return None
        other = self._resolve_one(provider, default_name, "base_url", None)
        if not other.is_set:
            return None
        own = setting_variables.base_url_variable(provider.name, environment)
        return (
            f"{other.origin} is the address of {default_name}; {environment} is at {values['base_url'].value} "
            f"(to change that, set {own})"
        )

    def empty_variables(self) -> list[str]:
        """Variables of settings that are empty: they count as not set."""
        others = {f"{setting_variables.PREFIX}{name}" for name in variables.OTHER_VARIABLES}
        ours = (name for name in self._environ if name.startswith(setting_variables.PREFIX) and name not in others)
        return sorted(name for name in ours if not self._environ[name].strip())

    def default_environment(self, provider: Provider) -> str:
        """The environment in use unless an option selects another one."""
        return str(self._resolve_one(provider, "", "environment", None).value)

    def _folders(self) -> dict[str, SourcedValue]:
        return self.file.folders() if self.file else {}

    def _environments(self, name: str) -> Collection[str]:
        try:
            return self.load(name).profile.environments
        except CallwellError:  # a faulty description is reported when it is used
            return ()

    def _environment(self, provider: Provider, option: str | float | None) -> Setting:
        known = provider.profile.environments
        chosen = self._resolve_one(provider, "", "environment", option)
        if chosen.value not in known:
            owner = provider.name if chosen.origin.startswith("--") else f"{provider.name} ({chosen.origin})"
            raise UnknownName("environment", str(chosen.value), known, owner=owner)
        for path, value in self._file_values.items():
            in_environment = len(path) > 2 and path[0] == provider.name  # noqa: PLR2004 - provider, environment, name
            if in_environment and path[1] not in known:
                raise UnknownName("environment", path[1], known, owner=f"{provider.name} ({value.origin})")
        return chosen

    def _resolve_one(self, provider: Provider, environment: str, name: str, option: str | float | None) -> Setting:
        if option is not None:
            return Setting(name, option, SETTINGS[name].flag)
        values = (value for _, value in self.sources(provider, environment, name))
        return _first(name, values, _from_profile(provider, environment, name))

    def _variable(self, variable: str, name: str) -> SourcedValue | None:
        text = self._environ.get(variable, "").strip()
        if not text:
            return None
        parse = PARSERS.get(SETTINGS[name].kind)
        return SourcedValue(text if parse is None else parse(variable, text), f"env:{variable}")


@contextmanager
def explaining_state_errors(values: Mapping[str, Setting]) -> Iterator[None]:
    """If the state cannot be opened, add to the error where it was set, and how to choose another one.

    Args:
        values: the settings in effect.

    Raises:
        StateError: as it was raised, with that addition.
    """
    try:
        yield
    except StateError as error:
        state = values["state"]
        if not str(state.value).startswith(str(SETTINGS["state"].path_prefix)):
            raise
        origin = "" if state.origin == DEFAULT else f"{state.origin}: "
        text = str(error).removesuffix("; name another with --state")
        raise StateError(
            f"{origin}{text}; choose a writable place with --state sqlite:///PATH, CALLWELL_STATE or XDG_STATE_HOME"
        ) from error


def default(name: str) -> Setting:
    """A setting that is not set anywhere."""
    return Setting(name, default_state() if name == "state" else SETTINGS[name].default, DEFAULT)


def _load_quietly(name: str | Path) -> Provider:
    """Load a provider, with its warnings as lines to print."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        provider = catalog.load(name)
    for warning in caught:
        output.say(f"callwell: {warning.message}")
    return provider


def default_state() -> str:
    """A file in the XDG state folder, for all commands of a user.

    It is a file so that a command that is killed and run again stays within the quota.
    """
    return f"{SETTINGS['state'].path_prefix}{home.default_folder() / 'state.db'}"


def _from_profile(provider: Provider, environment: str, name: str) -> Setting:
    match name:
        case "environment":
            return Setting(name, provider.environment().name, PROFILE)
        case "base_url":
            return Setting(name, provider.environment(environment).base_url, PROFILE)
        case "key":
            return Setting(name, f"env:{provider.in_environment(environment).profile.key.env}", PROFILE)
        case _:
            return default(name)


def _first(
    name: str, values: Iterator[SourcedValue | None] | tuple[SourcedValue | None, ...], otherwise: Setting
) -> Setting:
    found = (Setting(name, value.value, value.origin) for value in values if value is not None)
    return next(found, otherwise)


def _parse_seconds(variable: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise InvalidOption(variable, text, "seconds above zero")
    return seconds


def _parse_flag(variable: str, text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise InvalidOption(variable, text, "1 or 0, true or false, yes or no")
    return known[text.lower()]


def _parse_key_source(variable: str, text: str) -> str:
    """A key source. Anything else may be a key itself, so the message does not repeat it."""
    try:
        parse_source(text, "")
    except InvalidOption as error:
        raise InvalidOption(
            variable, f"a string of {len(text)} characters", "env:NAME, file:PATH or another key source"
        ) from error
    return text


PARSERS: Final[Mapping[Kind, Callable[[str, str], str | float]]] = {
    "seconds": _parse_seconds,
    "flag": _parse_flag,
    "secret": _parse_key_source,
}
"""By kind of setting: parses a variable's text. All other kinds are strings."""

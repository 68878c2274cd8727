# SPDX-License-Identifier: Apache-2.0
"""The accounts of a project that is checked: the providers that it uses, with the settings in effect."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from callwell.cli.settings import Settings
from callwell.description import catalog
from callwell.description.names import to_pascal_case
from callwell.errors import CallwellError, KeyMissing, UsageError
from callwell.keys import parse_source
from callwell.readiness.check import CannotCheck, Unchecked
from callwell.readiness.files import ProjectFiles
from callwell.readiness.files.listing import BareRepository
from callwell.readiness.project import ConfiguredAccount, EffectiveSetting, Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from callwell.cli.settings import Setting
    from callwell.description.provider import Provider
    from callwell.readiness.files import ProjectFile
    from callwell.readiness.project import Scope

CLIENT_CALL: Final = re.compile(rb"""Client\(\s*["']([^"'\n]{1,200})["']""")
"""A client made in Python: its provider is a name, or the folder of a description."""

PYTHON: Final = (".py", ".pyi", ".ipynb")


def open_project(path: Path, scope: Scope, named: Sequence[str]) -> Project:
    """The project in a folder, with its accounts.

    Args:
        path: the folder.
        scope: what to check.
        named: the providers to check; empty for those in use.

    Raises:
        UsageError: there is no such folder, it is empty, or no provider is in use.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is a file; name its folder" if path.exists() else f"there is no folder {path}")
    root = path.resolve()
    project = Project(root, scope=scope)
    files = ProjectFiles(root) if scope.staged else project.files  # what is staged need not name the providers
    listed: tuple[ProjectFile, ...] | None = None
    try:
        listed = tuple(files)
        if not listed:
            raise UsageError(f"{path} has no files: there is nothing to check")
    except BareRepository:  # its history is checked, and the checks of files are incomplete
        pass
    except CannotCheck as error:
        raise UsageError(f"{path}: {error.reason}; {error.fix}".rstrip("; ")) from error
    project.accounts, project.failed_descriptions = find_accounts(Settings.discover(folder=root), root, listed, named)
    return project


class ProjectAccounts(NamedTuple):
    """The accounts of a project.

    Attributes:
        accounts: the accounts that it uses, and the other environments of the same providers.
        failed_descriptions: descriptions that it names, and that could not be loaded.
    """

    accounts: tuple[ConfiguredAccount, ...]
    failed_descriptions: tuple[Unchecked, ...]


def find_accounts(
    settings: Settings, root: Path, files: Iterable[ProjectFile] | None, named: Sequence[str] = ()
) -> ProjectAccounts:
    """The accounts that a project uses.

    Args:
        settings: the settings of the project.
        root: its folder.
        files: its files; None for a bare repository, which has none, so that the providers in use are unknown.
        named: the providers to check; empty for those in use.

    Raises:
        UnknownName: there is no such provider.
        ProfileError: the description of a named one cannot be used.
        UsageError: no provider is in use.
    """
    providers = {provider.name: provider for provider in map(settings.load, named)}
    failed_descriptions: list[Unchecked] = []
    if not providers:
        providers = _providers_in_use(settings, root, files or (), failed_descriptions)
    if not providers and not failed_descriptions and files is not None:
        raise UsageError(
            f"no provider is in use in {root}: callwell.toml and the Python there name none, and no key is present; "
            f"name one with --provider, of {', '.join(settings.names())}"
        )
    accounts = (account for provider in providers.values() for account in accounts_of(settings, provider))
    return ProjectAccounts(tuple(accounts), tuple(failed_descriptions))


def _load_if_described(settings: Settings, name: str, failed_descriptions: list[Unchecked]) -> Provider | None:
    """A provider; None, and a reason in `failed_descriptions`, if its description cannot be used."""
    try:
        return settings.load(name)
    except CallwellError as error:
        fix = "Fix it: callwell operations FOLDER loads it, and reports the next problem."
        failed_descriptions.append(Unchecked(what=f"the description of {name} cannot be loaded: {error}", fix=fix))
        return None


def _providers_in_use(
    settings: Settings, root: Path, files: Iterable[ProjectFile], failed_descriptions: list[Unchecked]
) -> dict[str, Provider]:
    """The providers that are configured, have a key, or are named in the code."""
    loaded = {name: _load_if_described(settings, name, failed_descriptions) for name in settings.names()}
    known = {name: provider for name, provider in loaded.items() if provider is not None}
    used = {name for name in known if _is_configured(settings, name)}
    used |= {name for name, provider in known.items() if name not in used and _has_key(settings, provider)}
    folders: set[Path] = set()
    needles = {name: _names_in_code(provider) for name, provider in known.items()}
    for file in files:
        if not file.name.endswith(PYTHON):
            continue
        try:
            content = file.path.read_bytes()
        except OSError:  # the checks report it
            continue
        used |= {name for name, words in needles.items() if name not in used and any(map(content.__contains__, words))}
        folders |= set(_described_folders(content, (root, file.path.parent)))
    providers = {name: known[name] for name in known if name in used}
    for folder in sorted(folders):
        provider = _load_if_described(settings, str(folder), failed_descriptions)
        if provider is not None:
            providers.setdefault(provider.name, provider)
    return providers


def _is_configured(settings: Settings, name: str) -> bool:
    return settings.file is not None and any(path[0] == name for path in settings.file.values if len(path) > 1)


def _has_key(settings: Settings, provider: Provider) -> bool:
    return any(_key_is_present(settings, provider, environment) for environment in provider.profile.environments)


def _key_is_present(settings: Settings, provider: Provider, environment: str) -> bool:
    values = settings.resolve(provider, {"environment": environment})
    with suppress(KeyMissing):
        variable = provider.in_environment(environment).profile.key.env
        return bool(parse_source(str(values["key"].value), variable, accept_exposed=True).read())
    return False


def _names_in_code(provider: Provider) -> tuple[bytes, ...]:
    """Strings in Python code that uses a provider: its name, its generated client, or its host."""
    name = provider.name
    spellings = {name, name.replace("_", "-")}
    quoted = {f"{quote}{spelling}{quote}" for spelling in spellings for quote in ('"', "'")}
    generated = {f"callwell.providers.{name}", f"from callwell import {to_pascal_case(name)}"}
    hosts = {urlsplit(environment.base_url).hostname or "" for environment in provider.profile.environments.values()}
    return tuple(text.encode() for text in (quoted | generated | hosts) if text)


def _described_folders(content: bytes, bases: Sequence[Path]) -> Iterator[Path]:
    """The folders of descriptions that clients in the code use."""
    for match in CLIENT_CALL.finditer(content):
        text = match[1].decode("utf-8", "replace")
        if catalog.bundled_name(text) is not None:
            continue
        for base in bases:
            folder = base / text
            with suppress(OSError, ValueError):
                if (folder / "profile.toml").is_file():
                    yield folder.resolve()
                    break


def accounts_of(
    settings: Settings, provider: Provider, options: Mapping[str, str | float | None] | None = None
) -> Iterator[ConfiguredAccount]:
    """The account of a provider in the environment in use, and those of its other environments.

    Args:
        settings: the settings of the project.
        provider: the provider.
        options: the values of the command's options.
    """
    chosen = settings.resolve(provider, options or {})
    name = str(chosen["environment"].value)
    yield ConfiguredAccount(provider=provider, environment=name, settings=_in_effect(chosen), in_use=True)
    for other in provider.profile.environments:
        if other != name:
            values = settings.resolve(provider, {"environment": other})
            yield ConfiguredAccount(provider=provider, environment=other, settings=_in_effect(values), in_use=False)


def _in_effect(values: Mapping[str, Setting]) -> dict[str, EffectiveSetting]:
    return {name: EffectiveSetting(value=setting.value, origin=setting.origin) for name, setting in values.items()}

# SPDX-License-Identifier: Apache-2.0
"""The kinds of key sources: those of Callwell by a table, those of other packages by their entry points.

Each kind has a file, which is loaded when a place of that kind is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.errors import InvalidOption, KeyMissing
from callwell.keys.key import Key
from callwell.keys.spec import SourceSpec, guide_storing, split_place

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.keys.spec import KeySource, StoringGuide

GROUP: Final = "callwell.key_sources"
"""The group of entry points in which other packages name their kinds."""

RUNS_PROGRAMS: Final = frozenset({"command"})
"""Kinds that start a program, which a settings file must not do unless it is trusted."""


def open_source(given: str, variable: str, *, accept_exposed: bool) -> KeySource | None:
    """The source of a place; None if the text names none. Clients that name the same place share what was read.

    Args:
        given: the place as it was written.
        variable: the provider's usual environment variable.
        accept_exposed: read a key that others can read as well, to report on it.

    Raises:
        InvalidOption: the kind exists, but the place or an option is not one of its.
    """
    kind, options, place = split_place(given)
    if not kind or not place:
        return None
    spec = SourceSpec(kind, place, options, variable=variable, accept_exposed=accept_exposed)
    source = _open_own(spec) or _open_plugin(spec)
    if source is None or source.lease_s is None:
        return source
    from callwell.keys.leased import LeasedSource  # a file has no lease

    return LeasedSource(source, f"{given}\0{variable}")


def _open_own(spec: SourceSpec) -> KeySource | None:
    """A source of Callwell's."""
    match spec.kind:
        case "file":
            from callwell.keys.file import FileSource

            return FileSource.from_spec(spec)
        case "dir":
            from callwell.keys.directory import DirectorySource

            return DirectorySource(spec)
        case "command":
            from callwell.keys.command import CommandSource

            return CommandSource(spec)
        case "keyring":
            from callwell.keys.desktop import DesktopKeyringSource

            return DesktopKeyringSource(spec)
        case "vault":
            from callwell.keys.vault import VaultSource

            return VaultSource(spec)
        case "aws-secret":
            from callwell.keys.aws import AwsSource

            return AwsSource(spec)
    return None


def _open_plugin(spec: SourceSpec) -> KeySource | None:
    """A source of another package's."""
    from importlib.metadata import entry_points  # slow to load

    found = entry_points(group=GROUP, name=spec.kind)
    for entry in found:
        try:
            return PluginSource(spec.kind, entry.load()(spec))
        except InvalidOption:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the package raises; its text may hold the key
            reason = f"a kind of key source that works ({entry.value} failed: {type(error).__name__})"
            raise InvalidOption("key", f"{spec.kind}:…", reason) from None
    return None


class PluginSource:
    """Wraps another package's source: its errors reach the caller without their text, which may hold the key.

    Args:
        kind: its kind.
        inner: what the package made.
    """

    def __init__(self, kind: str, inner: KeySource) -> None:
        self._kind = kind
        self._inner = inner
        self.location: str = inner.location
        self.can_change: bool = inner.can_change

    @property
    def lease_s(self) -> float | None:
        """How long a key is kept that was read now: the package may say so again with each reading."""
        return self._inner.lease_s

    @property
    def file(self) -> Path | None:
        """The file that has the key, if there is one."""
        return self._inner.file

    def read(self) -> Key:
        """The key that the package reads."""
        try:
            key: object = self._inner.read()
        except KeyMissing:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the package raises; its text may hold the key
            reason = f"the source failed with {type(error).__name__}"
        else:
            if isinstance(key, Key) and key:
                return key
            reason = "the source gave none"
        raise KeyMissing(f"no key: {self.location}: {reason}; see the documentation of the {self._kind} source")

    def how_to_store(self) -> StoringGuide:
        """What the package says, if it says anything."""
        return guide_storing(self._inner)

    def revision(self) -> object:
        """What the package says."""
        return self._inner.revision()

# SPDX-License-Identifier: Apache-2.0
"""The kinds of key sources: Callwell's own in a table, those of other packages by entry points.

Each kind has a module, which is loaded when a place of that kind is used.
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
"""The entry point group for kinds from other packages."""

RUNS_PROGRAMS: Final = frozenset({"command"})
"""Kinds that start a program, which only a trusted settings file may do."""


def open_source(given: str, variable: str, *, accept_exposed: bool) -> KeySource | None:
    """The source for a place; None if the text does not name one. Clients with the same place share the key.

    Args:
        given: the place as it was written.
        variable: the provider's usual environment variable.
        accept_exposed: read a key even if others can read it, to report on it.

    Raises:
        InvalidOption: the kind exists, but the place or an option is invalid for it.
    """
    kind, options, place = split_place(given)
    if not kind or not place:
        return None
    spec = SourceSpec(kind, place, options, variable=variable, accept_exposed=accept_exposed)
    source = _open_builtin(spec) or _open_plugin(spec)
    if source is None or source.lease_s is None:
        return source
    from callwell.keys.leased import LeasedSource  # a file has no lease

    return LeasedSource(source, f"{given}\0{variable}")


def _open_builtin(spec: SourceSpec) -> KeySource | None:
    """One of Callwell's sources."""
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
    """A source from another package."""
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
    """Wraps another package's source: its errors reach the caller without their text, which may contain the key.

    Args:
        kind: its kind.
        inner: the package's source.
    """

    def __init__(self, kind: str, inner: KeySource) -> None:
        self._kind = kind
        self._inner = inner
        self.location: str = inner.location
        self.can_change: bool = inner.can_change

    @property
    def lease_s(self) -> float | None:
        """How long a key that is read now is kept; the package may change this with each read."""
        return self._inner.lease_s

    @property
    def file(self) -> Path | None:
        """The file that has the key, if there is one."""
        return self._inner.file

    def read(self) -> Key:
        """The key that the package returns."""
        try:
            key: object = self._inner.read()
        except KeyMissing:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the package raises; its text may hold the key
            reason = f"the source failed with {type(error).__name__}"
        else:
            if isinstance(key, Key) and key:
                return key
            reason = "the source returned none"
        raise KeyMissing(f"no key: {self.location}: {reason}; see the documentation of the {self._kind} source")

    def how_to_store(self) -> StoringGuide:
        """The package's instructions, if it has any."""
        return guide_storing(self._inner)

    def revision(self) -> object:
        """The package's revision."""
        return self._inner.revision()

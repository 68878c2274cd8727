# SPDX-License-Identifier: Apache-2.0
"""Finds a provider: a bundled one by its name, any other one by the folder of its description.

The bundled providers are data, one folder each below `providers/`. The typed clients generated from that data are in
the same folders and import the client, so this module must not import them: it finds their classes by name at run time,
like plugins. So all imports in the package point inwards.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from callwell.description.compiled import read_compiled
from callwell.description.names import to_pascal_case
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from callwell.description.provider import Provider

FOLDER: Final = Path(__file__).parent.parent / "providers"
"""The folder with the folders of the bundled providers."""

ARCHIVED: Final = "Callwell is imported from an archive, where it cannot read its providers: install it, or unpack it"


@functools.cache
def bundled_names() -> tuple[str, ...]:
    """The names of the bundled providers, sorted."""
    return tuple(sorted(file.parent.name for file in FOLDER.glob("*/profile.toml")))


def bundled_name(text: str) -> str | None:
    """The name of the bundled provider that a string refers to; None if there is no such provider.

    Args:
        text: a name, in which dashes may stand for underscores.
    """
    name = text.replace("-", "_")
    return name if name in bundled_names() else None


def load(name_or_path: str | Path) -> Provider:
    """Load a provider. A bundled one is read once per process.

    Args:
        name_or_path: the name of a bundled provider, in which dashes may stand for underscores, or a folder with
            `openapi.json` and `profile.toml`.

    Raises:
        UnknownName: there is neither such a bundled provider nor such a folder.
        ProfileError: the description in the folder cannot be used.
    """
    # The name takes precedence: a folder that happens to be named after a bundled provider must not replace it.
    if isinstance(name_or_path, str) and (name := bundled_name(name_or_path)):
        return _load_bundled(name)
    folder = Path(name_or_path)
    if not str(name_or_path) or not folder.is_dir():
        raise UnknownName("provider", str(name_or_path), bundled_names(), why=why_not_a_folder(name_or_path))
    return _load_folder(folder)


@functools.cache
def _load_bundled(name: str) -> Provider:
    folder = FOLDER / name
    return read_compiled(folder) or _load_folder(folder)


def _load_folder(folder: Path) -> Provider:
    from callwell.description import index  # slow to import, and not needed for compiled descriptions

    provider = index.load(folder)
    if provider.ignored:
        import warnings  # rarely needed

        for message in provider.ignored:
            warnings.warn(message, stacklevel=2)
    return provider


def generated_client(name: str, kind: Literal["Client", "AsyncClient"]) -> type[Any] | None:
    """The generated client class of a bundled provider; None for any other provider.

    Only the module of the requested side is imported.

    Args:
        name: the provider's name, as for `load`.
        kind: the sync or the async class.
    """
    known = bundled_name(name)
    if known is None:
        return None
    side = kind.removesuffix("Client")
    module = importlib.import_module(f"callwell.providers.{known}.{side.lower() or 'sync'}_client")
    generated: type[Any] = getattr(module, side + to_pascal_case(known))
    return generated


def why_not_a_folder(name_or_path: str | Path) -> str:
    """Why there is no description at a path; empty if the string looks like the name of a bundled provider.

    Args:
        name_or_path: as for `load`.
    """
    text = str(name_or_path)
    if text and Path(text).is_file():
        return "that is a file; name the folder that has openapi.json and profile.toml"
    looks_like_a_path = "/" in text or "\\" in text or text.startswith((".", "~"))
    if looks_like_a_path or isinstance(name_or_path, Path):
        return "there is no such folder"
    return "" if FOLDER.is_dir() else ARCHIVED

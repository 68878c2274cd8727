# SPDX-License-Identifier: Apache-2.0
"""The providers that come with Callwell, and those that users describe in folders of their own."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from callwell.description.names import pascal
from callwell.description.provider import load_provider
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from callwell.description.provider import Provider

__all__ = ["FOLDER", "bundled_name", "client_class", "load", "names", "why_unknown"]

FOLDER: Final = Path(__file__).parent
"""Where the bundled providers are, a folder each."""


@functools.cache
def names() -> tuple[str, ...]:
    """The names of the bundled providers, sorted."""
    return tuple(sorted(file.parent.name for file in FOLDER.glob("*/profile.toml")))


def bundled_name(text: str) -> str | None:
    """The bundled provider that a text names, with underscores or with dashes; None for any other text."""
    name = text.replace("-", "_")
    return name if name in names() else None


def load(name_or_path: str | Path) -> Provider:
    """A provider.

    Args:
        name_or_path: a bundled provider's name, in which dashes may stand for underscores, or a folder with
            `openapi.json` and `profile.toml`.

    Raises:
        UnknownName: neither a bundled provider nor a folder.
        ProfileError: the folder's description cannot be used.
    """
    if isinstance(name_or_path, str) and (name := bundled_name(name_or_path)):
        return _bundled(name)
    folder = Path(name_or_path)
    if not str(name_or_path) or not folder.is_dir():
        raise UnknownName("provider", str(name_or_path), names(), why=why_unknown(name_or_path))
    return load_provider(folder)


def client_class(name: str, kind: Literal["Client", "AsyncClient"]) -> type[Any] | None:
    """The generated client class of a bundled provider, None for any other.

    Args:
        name: the provider's name, as for `load`.
        kind: whether the sync or the async one is wanted.
    """
    known = bundled_name(name)
    if known is None:
        return None
    side = kind.removesuffix("Client")
    module = importlib.import_module(f"{__name__}.{known}.{side.lower() or 'sync'}_client")
    found: type[Any] = getattr(module, side + pascal(known))
    return found


def why_unknown(name_or_path: str | Path) -> str:
    """Why a place holds no description; nothing for what looks like a name.

    Args:
        name_or_path: as for `load`.
    """
    text = str(name_or_path)
    if text and Path(text).is_file():
        return "that is a file; name the folder that has openapi.json and profile.toml"
    looks_like_a_place = "/" in text or "\\" in text or text.startswith((".", "~"))
    return "there is no such folder" if looks_like_a_place or isinstance(name_or_path, Path) else ""


@functools.cache
def _bundled(name: str) -> Provider:
    return load_provider(FOLDER / name)

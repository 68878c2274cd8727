# SPDX-License-Identifier: Apache-2.0
"""Names of a package that are loaded when they are first used, so that importing it costs next to nothing."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def export_lazily(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`.

    Args:
        package: its name, or that of a module that stands for others.
        homes: the names that each module has to offer; its own name among them is the module itself.
    """
    known = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> Any:
        if name not in known:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(known[name])
        found = module if known[name] == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *known})

    return get, names

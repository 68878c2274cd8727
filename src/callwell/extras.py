# SPDX-License-Identifier: Apache-2.0
"""How to install what a part of Callwell needs and is not there, from a clone as from a wheel.

Callwell itself is on no index, so that no hint names it: the packages of an extra are read from its own metadata and
are named one by one, for the interpreter that misses them.
"""

from __future__ import annotations

import re
import shlex
import sys
from importlib import metadata
from typing import Final

_NEEDED_BY: Final = re.compile(r"""extra\s*==\s*["']([\w-]+)["']""")


def install_command(extra: str) -> str:
    """A command that installs an extra's packages; where these are not known, what to do in a clone.

    Args:
        extra: its name in `pyproject.toml`.
    """
    packages = requirements(extra)
    if not packages:
        return f"pip install '.[{extra}]' in a clone of Callwell"
    return shlex.join([sys.executable or "python3", "-m", "pip", "install", *packages])


def requirements(extra: str) -> list[str]:
    """The packages of an extra with the versions that fit; none if Callwell was not installed, but only found.

    Args:
        extra: its name in `pyproject.toml`.
    """
    try:
        all_of_them = metadata.requires("callwell") or []
    except metadata.PackageNotFoundError:
        return []
    parted = (one.partition(";") for one in all_of_them)
    return ["".join(package.split()) for package, _, marker in parted if extra in _NEEDED_BY.findall(marker)]

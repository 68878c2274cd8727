# SPDX-License-Identifier: Apache-2.0
"""How to install the optional packages for a part of Callwell, from a clone or a wheel.

Callwell is not on a package index, so its own name cannot be installed with an extra. The packages of an extra are read
from Callwell's own metadata, and the command names each of them and the interpreter.
"""

from __future__ import annotations

import re
import shlex
import sys
from typing import Final

_NEEDED_BY: Final = re.compile(r"""extra\s*==\s*["']([\w-]+)["']""")


def install_command(extra: str) -> str:
    """The command that installs the packages of an extra; in a clone without metadata, the command for the clone.

    Args:
        extra: its name in `pyproject.toml`.
    """
    packages = requirements(extra)
    if not packages:
        return f"pip install '.[{extra}]' in a clone of Callwell"
    return shlex.join([sys.executable or "python3", "-m", "pip", "install", *packages])


def requirements(extra: str) -> list[str]:
    """The packages of an extra, with their versions; none if Callwell has no metadata, since it was not installed.

    Args:
        extra: its name in `pyproject.toml`.
    """
    from importlib import metadata  # slow to load, and hardly ever needed

    try:
        requires = metadata.requires("callwell") or []
    except metadata.PackageNotFoundError:
        return []
    packages = []
    for requirement in requires:
        package, _, marker = requirement.partition(";")
        if extra in _NEEDED_BY.findall(marker):
            packages.append("".join(package.split()))
    return packages

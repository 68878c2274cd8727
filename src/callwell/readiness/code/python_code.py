# SPDX-License-Identifier: Apache-2.0
"""The user's Python: its files and the code cells of its notebooks, read and parsed once for all checks.

A file is only parsed if its text contains a term of a check: parsing takes two milliseconds per 140 lines, a text
search some microseconds.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.description.collection import without_gc
from callwell.readiness.check import NotApplicable, Place, Unchecked
from callwell.readiness.code.constants import Constants
from callwell.readiness.code.notebooks import NotANotebook, read_cells
from callwell.readiness.code.provider_signatures import read_signatures
from callwell.readiness.code.python_module import PythonModule, is_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from callwell.readiness.check import Finding
    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.files import ProjectFile, ProjectFiles
    from callwell.readiness.project import Project

SUFFIXES: Final = (".py", ".pyw", ".ipynb")

MAX_BYTES: Final = 4 * 2**20
"""The largest source that is parsed. The largest module of CPython's own library has 0.7 MiB; larger ones are data."""

LIBRARY_FOLDERS: Final = frozenset({"site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox", ".nox"})
"""Folders of third-party code."""

IMPORT: Final = re.compile(
    rb"^[ \t]*(?:import|from)[ \t]+"
    rb"(?:httpx|requests|aiohttp|urllib3|urllib\.request|niquests|pyreqwest|http\.client)\b",
    re.MULTILINE,
)
"""Imports of a file that may call a provider, so that it must be parsable."""

UNPARSABLE: Final = (SyntaxError, ValueError, RecursionError, MemoryError)
"""Errors of the parser: `ValueError` for a null byte, the last two for expressions that are nested too deeply."""

CELL_FLAGS: Final = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


class Source(NamedTuple):
    """A file as it was read.

    Attributes:
        file: the file.
        data: its bytes.
    """

    file: ProjectFile
    data: bytes


class PythonCode:
    """All Python of a project.

    Args:
        files: the project's files.
        signatures: what identifies the use of a provider.
    """

    def __init__(self, files: ProjectFiles, signatures: ProviderSignatures) -> None:
        self.signatures = signatures
        self._files = files
        self._parsed: dict[str, PythonModule | Unchecked | None] = {}
        self._having: dict[str, set[str]] = {}

    @cached_property
    def _read(self) -> tuple[tuple[Source, ...], tuple[Unchecked, ...]]:
        sources = []
        unchecked = list(self._files.problems())
        for file in self._files:
            if not file.name.endswith(SUFFIXES) or not LIBRARY_FOLDERS.isdisjoint(file.name.split("/")):
                continue
            try:
                sources.append(Source(file=file, data=file.path.read_bytes()))
            except OSError as error:
                unchecked.append(
                    Unchecked(what=f"it cannot be read: {error.strerror or error}", place=Place(file.name))
                )
        return tuple(sources), tuple(unchecked)

    def provider_modules(self, *terms: str, senders: bool = False) -> Iterator[PythonModule | Unchecked]:
        """Yield the modules that mention Callwell, a provider's host, or a constant with such a host; no tests.

        Args:
            terms: other strings, one of which is enough.
            senders: also report files that cannot be parsed and may send requests: they import an HTTP library, or are
                not UTF-8, so that their imports cannot be read.

        Raises:
            NotApplicable: the project has no Python.
        """
        terms = ("callwell", *self.signatures.hosts, *self._constants.names, *self.signatures.libraries, *terms)
        yield from self.modules(*terms)
        if senders:
            mentioned = self._mentioning(terms)
            for source in self._read[0]:
                name = source.file.name
                if name not in mentioned and not is_test(name) and may_send(source.data):
                    unchecked = find_syntax_error(name, source.data)
                    if unchecked is not None:
                        yield unchecked

    def modules(self, *terms: str, tests: bool = False) -> Iterator[PythonModule | Unchecked]:
        """Yield the modules that contain one of these terms, and an `Unchecked` for each module that cannot be parsed.

        Args:
            terms: strings, one of which is enough.
            tests: include the project's tests.

        Raises:
            NotApplicable: the project has no Python.
        """
        sources, unread = self._read
        if not sources and not unread:
            raise NotApplicable("the project has no Python")
        yield from unread
        mentioned = self._mentioning(terms)
        for source in sources:
            name = source.file.name
            if name in mentioned and (tests or not is_test(name)):
                module = self._module(source)
                if module is not None:
                    yield module

    def _mentioning(self, terms: Iterable[str]) -> set[str]:
        """The names of the files with one of these strings in them. Each text is searched for once."""
        found: set[str] = set()
        for term in terms:
            if term not in self._having:
                data = term.encode()
                self._having[term] = {source.file.name for source in self._read[0] if data in source.data}
            found |= self._having[term]
        return found

    @cached_property
    def _constants(self) -> Constants:
        """Addresses of providers that modules import from one another."""
        mentioned = self._mentioning(self.signatures.hosts)
        found = (self._module(source) for source in self._read[0] if source.file.name in mentioned)
        return Constants((module for module in found if isinstance(module, PythonModule)), self.signatures)

    def _find_constant(self, name: str) -> tuple[str, ...]:
        return self._constants.find(name)

    def _module(self, source: Source) -> PythonModule | Unchecked | None:
        name = source.file.name
        if name not in self._parsed:
            module = parse(name, source.data)
            if isinstance(module, PythonModule):
                module.signatures = self.signatures
                module.find_constant = self._find_constant
            self._parsed[name] = module
        return self._parsed[name]


@lru_cache(maxsize=1)
def read_python(project: Project) -> PythonCode:
    """The Python of a project, read and parsed once for all checks.

    Args:
        project: the project.
    """
    return PythonCode(project.files, read_signatures(project))


def may_send(data: bytes) -> bool:
    """Whether a file may send requests: it imports an HTTP library, or its imports cannot be read.

    Args:
        data: the bytes of the file.
    """
    if IMPORT.search(data):
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return b"\0" in data


def parse(name: str, data: bytes) -> PythonModule | Unchecked | None:
    """Parse a file or a notebook.

    Args:
        name: the file, relative to the project's root.
        data: its bytes.

    Returns:
        None for a notebook in another language.
    """
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 2**20:.1f} MiB"
        fix = "Move the data out of the code, or leave the file out."
        return Unchecked(what=f"it has {size} and is too large to be parsed", place=Place(name), fix=fix)
    try:
        with _parse_quietly():
            if name.endswith(".ipynb"):
                return _parse_notebook(name, data)
            return PythonModule(name, ast.parse(data, filename=name))
    except UNPARSABLE as error:
        return unparsable(name, error, data)


def find_syntax_error(name: str, data: bytes) -> Unchecked | None:
    """Parse a file only to find syntax errors; None if it is valid.

    Args:
        name: the file, relative to the project's root.
        data: its bytes.
    """
    if name.endswith(".ipynb") or len(data) > MAX_BYTES:
        module = parse(name, data)
        return module if isinstance(module, Unchecked) else None
    try:
        with _parse_quietly():
            compile(data, name, "exec", dont_inherit=True)  # takes half the time of a syntax tree
    except UNPARSABLE as error:
        return unparsable(name, error, data)
    return None


@contextmanager
def _parse_quietly() -> Iterator[None]:
    r"""Parse without warnings of the user's own code (`\d` in a string), and without searches for cycles of objects.

    Syntax trees have no cycles, but their many objects trigger so many collections that these take half of the time.
    """
    with without_gc(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def unparsable(name: str, error: Exception, data: bytes = b"") -> Unchecked:
    """Why a file cannot be parsed.

    Args:
        name: the file, relative to the project's root.
        error: what the parser raised.
        data: the bytes of the file.
    """
    fix = "Save it as UTF-8 text that this version of Python can parse, or leave it out."
    line = error.lineno if isinstance(error, SyntaxError) else None
    if isinstance(error, RecursionError | MemoryError):
        return Unchecked(what="its expressions are nested too deeply to be parsed", place=Place(name), fix=fix)
    undecodable = _first_undecodable_line(data)
    if undecodable is not None:
        return Unchecked(what="it is not in the encoding that it declares", place=Place(name, undecodable), fix=fix)
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    return Unchecked(what=f"it does not parse: {what}", place=Place(name, line or 1), fix=fix)


def _first_undecodable_line(data: bytes) -> int | None:
    """The first line that is not in the file's declared encoding."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    except (SyntaxError, LookupError):
        return 1
    return None


def _parse_notebook(name: str, data: bytes) -> PythonModule | Unchecked | None:
    try:
        cells = read_cells(data.decode("utf-8-sig"))
    except NotANotebook as error:
        return Unchecked(
            what=f"the notebook cannot be read: {error}", place=Place(name), fix="Save it again in Jupyter."
        )
    if not cells:
        return None
    body: list[ast.stmt] = []
    starts = []
    start = 1
    for cell in cells:
        try:
            tree: ast.Module = compile(cell.source, name, "exec", CELL_FLAGS)
        except SyntaxError as error:
            index = (error.lineno or 1) - 1
            line = cell.lines[index] if index < len(cell.lines) else None
            fix = "Correct the cell, or delete it."
            what = f"cell {cell.number} does not parse: {error.msg}"
            return Unchecked(what=what, place=Place(name, line), fix=fix)
        ast.increment_lineno(tree, start - 1)
        body.extend(tree.body)
        starts.append((start, cell))
        start += len(cell.lines) + 1
    return PythonModule(name, ast.Module(body=body, type_ignores=[]), tuple(starts))


def check_modules(
    modules: Iterable[PythonModule | Unchecked], check: Callable[[PythonModule], Iterator[Finding]]
) -> Iterator[Finding | Unchecked]:
    """Check modules one by one, so that an error in one does not hide findings in the others.

    Args:
        modules: the modules, and those that could not be parsed.
        check: checks one module.
    """
    for module in modules:
        if isinstance(module, Unchecked):
            yield module
            continue
        try:
            yield from check(module)
        except RecursionError as error:
            yield unparsable(module.name, error)

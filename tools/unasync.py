#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the sync side from the async side, token by token: the client and its tests.

The async files are in the rooms of `client`, next to modules that both sides share; their sync counterparts are in the
same rooms below `client/_sync`. A module has a counterpart if it awaits something, or has a class named `Async…`.

The async side is written by hand, the sync side never. Two kinds of change are made: the words `async` and `await` go,
and names are changed by the table below. What differs by more than names (locks, sleeping, running several things at
once) is in one hand-written file for each side, listed in HANDWRITTEN.

Code is read with `tokenize`, so that a word in a string is never taken for code. Strings and comments get the same
names, and lose `async` and `await` only where these stand before code (`async with`, `await name(`), so that examples
in docstrings come out right. An f-string counts as one string, on every Python: an `await` inside one is refused.

`--check` writes everything into an empty folder and compares whole trees, byte for byte: neither an edited file nor an
extra one nor one that was left over can hide.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import subprocess
import sys
import tempfile
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent

RENAMES: Final = {
    "_async": "_sync",
    "AbstractAsyncContextManager": "AbstractContextManager",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter": "iter",
    "anext": "next",
    "asynccontextmanager": "contextmanager",
}
"""Names with their own counterpart; every other name loses a leading `Async` if a capital follows it."""

CLIENT: Final = Path("src/callwell/client")
TARGETS: Final = (CLIENT / "_sync", Path("tests/client/_sync"))
"""The sync folders: that of the client mirrors its rooms, that of the tests is next to their async folder."""

HANDWRITTEN: Final = {(CLIENT / "_sync").as_posix(): ("__init__.py", "concurrency/primitives.py")}
"""Files of a sync folder that are written by hand, and so are their counterparts on the async side."""

ASYNC_ONLY: Final = frozenset({"concurrency/event_loop.py"})
"""Files of the client without a counterpart: bulk work, which is asynchronous."""

HEADER: Final = "# Generated from {name} by tools/unasync.py; do not edit\n"
SPDX: Final = "# SPDX-License-Identifier:"

_NAME: Final = re.compile(r"(?<!\w)[^\W\d]\w*")
_PREFIX: Final = re.compile(r"^(_*)Async(?=[A-Z])")
_WORD_BEFORE_CODE: Final = re.compile(r"\basync (?=(?:with|for|def)\b)|\bawait (?=[\w.]+\()")
_STRING_PARTS: Final = ("FSTRING", "TSTRING")


class Span(NamedTuple):
    """A piece of source that changes: an `async` or `await` that is removed, or text with names that change."""

    start: int
    end: int
    is_removed: bool


def main() -> int:
    """Write the sync side, or report how it differs; the exit code is 1 if something is wrong."""
    complaints = differences(ROOT) if "--check" in sys.argv[1:] else write(ROOT)
    for complaint in complaints:
        print(f"unasync: {complaint}")
    return bool(complaints)


def differences(root: Path) -> list[str]:
    """How the sync trees under `root` differ from what would be written now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        return compare(fresh, generate(root, fresh), root, existing_files(root))


def write(root: Path) -> list[str]:
    """Write the sync trees under `root` and remove left-over files. Returns what is in the way."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generated = generate(root, fresh)
        for path in generated:
            put(root / path, (fresh / path).read_bytes())
        for path in existing_files(root) - generated:
            if path.suffix == ".py" and "by tools/unasync.py" in (root / path).read_text(encoding="utf-8"):
                (root / path).unlink()
        return compare(fresh, generated, root, existing_files(root))


def generate(root: Path, into: Path) -> set[Path]:
    """Write the sync counterparts of the async files under `root` into the empty folder `into`; relative paths."""
    generated = set()
    modules = modules_with_sync_side(root)
    for target in TARGETS:
        for path, name in sources(root, target):
            if name.as_posix() not in HANDWRITTEN.get(target.as_posix(), ()):
                text = to_sync_file(
                    import_sync_modules(path.read_text(encoding="utf-8"), modules), path.relative_to(root).as_posix()
                )
                put(into / target / name, text.encode())
                generated.add(target / name)
    if generated:
        _ruff(into, "check", "--select", "I", "--fix")
        _ruff(into, "format")
    return generated


def sources(root: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """The async files with a counterpart in a sync folder, and the names of the counterparts."""
    beside = root / target.parent / "_async"
    files = sorted(beside.rglob("*.py"))
    if files:  # a folder that holds nothing but `__pycache__` is left over from before a move
        yield from ((path, path.relative_to(beside)) for path in files)
        return
    for path in sorted((root / target.parent).rglob("*.py")):
        name = path.relative_to(root / target.parent)
        if "_sync" in name.parts or name.as_posix() in ASYNC_ONLY:
            continue
        is_room = path.name == "__init__.py" and len(name.parts) > 1
        if is_room or is_async(path.read_text(encoding="utf-8")):
            yield path, name


def is_async(source: str) -> bool:
    """Whether a module belongs to one side only: it awaits something, or has a class named `Async…`."""
    return any(
        isinstance(node, ast.AsyncFunctionDef | ast.Await)
        or (isinstance(node, ast.ClassDef) and _PREFIX.match(node.name) is not None)
        for node in ast.walk(ast.parse(source))
    )


def modules_with_sync_side(root: Path) -> list[str]:
    """The modules of the client that have a counterpart, longest first."""
    found = [name for _, name in sources(root, CLIENT / "_sync") if name.name != "__init__.py"]
    names = [name.with_suffix("").as_posix().replace("/", ".") for name in found]
    return sorted(names, key=len, reverse=True)


def import_sync_modules(source: str, modules: list[str]) -> str:
    """Source that imports the counterparts of modules instead of the modules."""
    if not modules:
        return source
    names = "|".join(map(re.escape, modules))
    return re.sub(rf"\bcallwell\.client\.({names})\b", r"callwell.client._sync.\1", source)


def existing_files(root: Path) -> set[Path]:
    """The files of the sync trees under `root` that should be generated, relative."""
    return {
        target / name
        for target in TARGETS
        for path in (root / target).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
        for name in [path.relative_to(root / target)]
        if name.as_posix() not in HANDWRITTEN.get(target.as_posix(), ())
    }


def compare(fresh: Path, generated: set[Path], root: Path, there: set[Path]) -> list[str]:
    """How the files `there` under `root` differ from those `made` under `fresh`, byte for byte."""
    stale = {path for path in generated & there if (fresh / path).read_bytes() != (root / path).read_bytes()}
    return sorted(
        [f"{path}: missing; run `make generate`" for path in generated - there]
        + [f"{path}: differs from its source; run `make generate`" for path in stale]
        + [f"{path}: extra, nothing generates it" for path in there - generated]
    )


def put(path: Path, content: bytes) -> None:
    """Write a file and its folders; a file that is right already is not touched."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def to_sync_file(source: str, name: str) -> str:
    """The sync counterpart of an async source file, with its header, not yet formatted.

    Raises:
        SystemExit: something async is left, as an `await` inside an f-string would be.
    """
    text = convert(source)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Await):
            sys.exit(f"unasync: {name}: an `async` or `await` inside an f-string; take it out of there")
    first, line_end, rest = text.partition("\n")
    header = HEADER.format(name=name)
    return first + line_end + header + rest if first.startswith(SPDX) else header + text


def convert(source: str) -> str:
    """Source without `async` and `await`, and with the names of the sync side."""
    pieces = []
    done = 0
    for span in _spans(source):
        pieces.append(source[done : span.start])
        pieces.append("" if span.is_removed else _rename(source[span.start : span.end]))
        done = span.end
    return "".join([*pieces, source[done:]])


def _rename(text: str) -> str:
    """A name, a string or a comment as the sync side has it."""
    return _NAME.sub(
        lambda match: RENAMES.get(match[0]) or _PREFIX.sub(r"\1", match[0]), _WORD_BEFORE_CODE.sub("", text)
    )


def _spans(source: str) -> Iterator[Span]:
    """The pieces of source to change, in order. Nested f-strings are one piece, as before Python 3.12."""
    starts = list(itertools.accumulate((len(line) for line in io.StringIO(source)), initial=0))
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    begins: list[int] = []
    for token, following in itertools.pairwise(tokens):
        start, end, after = (
            starts[row - 1] + column if row <= len(starts) else len(source)
            for row, column in (token.start, token.end, following.start)
        )
        kind, _, edge = tokenize.tok_name[token.type].partition("_")
        if kind in _STRING_PARTS and edge == "START":
            begins.append(start)
        elif kind in _STRING_PARTS and edge == "END":
            begin = begins.pop()
            if not begins:
                yield Span(begin, end, is_removed=False)
        elif begins:
            continue
        elif token.type == tokenize.NAME and token.string in {"async", "await"}:
            yield Span(start, after if following.start[0] == token.end[0] else end, is_removed=True)
        elif token.type in {tokenize.NAME, tokenize.STRING, tokenize.COMMENT}:
            yield Span(start, end, is_removed=False)


def _ruff(folder: Path, *arguments: str) -> None:
    """Run ruff over a folder with the project's own settings."""
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
    subprocess.run([sys.executable, "-m", "ruff", *arguments, *config, "."], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The import lines of generated modules.

A module imports the names that it uses, out of a fixed list. Names that only annotations use are imported under
`TYPE_CHECKING`, so that a client loads fast.
"""

from __future__ import annotations

import itertools
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from callwell.codegen.layout import WIDTH, Brackets, format_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STANDARD_LIBRARY: Final = {
    "enum": ("StrEnum",),
    "functools": ("cached_property",),
    "pathlib": ("Path",),
    "typing": ("TYPE_CHECKING", "Any", "Final", "Literal", "Required", "TypeAlias", "TypedDict", "cast"),
}
SIDE: Final = {"callwell.client": ("NOT_GIVEN", "AsyncGroup", "Group")}
STANDALONE: Final = {"callwell.client": ("NOT_GIVEN", "AsyncClient", "AsyncGroup", "Client", "Group")}
"""Run-time imports from Callwell: `SIDE` for a bundled client, `STANDALONE` for a client outside the library. Only the
latter imports its base class here; a bundled one gets it from `TYPED`, see `base` of `import_lines`."""

TYPES_ONLY: Final = {
    "collections.abc": ("Callable", "Mapping", "Sequence"),
    "os": ("PathLike",),
    "typing": ("Self", "Unpack"),
    "callwell.client": (
        *("Asset", "AsyncAsset", "AsyncFileSource", "AsyncPager", "AsyncStream", "ClientOptions", "FileContent"),
        *("FileSource", "NotGiven", "Pager", "Saved", "ServerSentEvent", "Stream", "Uploaded", "UploadOptions"),
    ),
    "callwell.description.provider": ("Provider",),
}
NAMES: Final = frozenset(
    name
    for names in (*STANDARD_LIBRARY.values(), *STANDALONE.values(), *TYPES_ONLY.values(), ("HERE",))
    for name in names
)
"""Every name that a generated module may import. It declares nothing under these names."""

TYPED: Final = "callwell.providers.typed"
"""The module with the public client classes for type checkers, with an overload for each bundled provider."""

NOTHING: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})

_CAST: Final = re.compile(r'cast\(\s*"(\w+)"')
_FUNCTIONAL: Final = re.compile(r"^\w+ = TypedDict\((?:\n(?:    .*\n)+\)|.+)$", re.MULTILINE)
_NESTED_STRING: Final = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1""")
_FIELD_TYPE: Final = re.compile(r"""["']: (".*?(?<!\\)"|'.*?(?<!\\)')""")
_USE: Final = r"(?<!def )(?<!\.)\b{name}\b(?!: )"
"""A use of a name, not the declaration of a field, argument or method: `cast: bool` does not use `cast`."""

_STRING: Final = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"')


def import_lines(
    names: Iterable[str],
    callwell: Mapping[str, Sequence[str]] = STANDALONE,
    *,
    own: Mapping[str, Sequence[str]] = NOTHING,
    base: str = "",
) -> str:
    """The import lines of a module, after its `from __future__` line.

    Args:
        names: those that the rest of the module uses, see `used_names`.
        callwell: names that it may import from Callwell at run time, by module.
        own: names that it imports from other modules of its provider, for type checkers only, by module; a relative
            module begins with a dot.
        base: the base class of its client: type checkers take it from `TYPED`, programs from `callwell.client`.
    """
    used = {*names, *itertools.chain.from_iterable(own.values())}
    types_only: dict[str, Sequence[str]] = {**TYPES_ONLY, **own}
    if base:
        types_only[TYPED] = (base,)
    typing_blocks = _import_blocks(types_only, used, "    ")
    if typing_blocks:
        used.add("TYPE_CHECKING")
    code: list[str] = []
    for block in _import_blocks({**STANDARD_LIBRARY, **callwell}, used, ""):
        code += ["", *block]
    if typing_blocks:
        code += ["", "if TYPE_CHECKING:", *typing_blocks[0]]
        for block in typing_blocks[1:]:
            code += ["", *block]
    if base:
        code += ["else:", f"    from callwell.client import {base}"]
    return "\n".join(code) + "\n"


def used_names(body: str) -> set[str]:
    """The names that code uses. Of strings, only those in a `cast` or a functional `TypedDict` count.

    Args:
        body: the code.
    """
    types = [text for code in _FUNCTIONAL.findall(body) for text in _FIELD_TYPE.findall(code)]
    in_types = re.findall(r"\w+", _NESTED_STRING.sub("", " ".join(text[1:-1] for text in types)))
    text = _STRING.sub('""', body)
    names = set(re.findall(r"\w+", text))
    names -= {name for name in names & NAMES if not re.search(_USE.format(name=name), text)}
    return {*names, *_CAST.findall(body), *in_types}


def _import_blocks(modules: Mapping[str, Sequence[str]], used: set[str], indent: str) -> list[list[str]]:
    """The imports of used names: a block each for the standard library, Callwell and relative modules."""
    standard_library: list[str] = []
    callwell: list[str] = []
    relative: list[str] = []
    for module, names in sorted(modules.items()):
        wanted = [name for name in names if name in used]
        if not wanted:
            continue
        line = f"{indent}from {module} import {', '.join(wanted)}"
        code = [line]
        if len(line) > WIDTH:
            code = format_lines(Brackets(f"from {module} import (", wanted, ")"), indent)
        block = callwell if module.startswith("callwell") else standard_library
        if module.startswith("."):
            block = relative
        block += code
    return [block for block in (standard_library, callwell, relative) if block]

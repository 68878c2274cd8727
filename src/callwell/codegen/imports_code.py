# SPDX-License-Identifier: Apache-2.0
"""The imports that a generated client needs: those of the possible ones whose names it uses."""

from __future__ import annotations

import itertools
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from callwell.codegen.layout import WIDTH, Brackets, lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUNTIME: Final = {
    "enum": ("StrEnum",),
    "functools": ("cached_property",),
    "pathlib": ("Path",),
    "typing": ("TYPE_CHECKING", "Any", "Final", "Literal", "Required", "TypeAlias", "TypedDict", "cast"),
}
SIDE: Final = {"callwell.client": ("NOT_GIVEN", "AsyncGroup", "Group")}
STANDALONE: Final = {"callwell.client": ("NOT_GIVEN", "AsyncClient", "AsyncGroup", "Client", "Group")}
"""A client outside the library has its own folder and no name that `callwell.Client` would know."""

TYPES: Final = {
    "collections.abc": ("Callable", "Mapping", "Sequence"),
    "os": ("PathLike",),
    "typing": ("Self", "Unpack"),
    "callwell.client": (
        *("Asset", "AsyncAsset", "AsyncFileSource", "AsyncPager", "ClientOptions", "FileContent", "FileSource"),
        *("NotGiven", "Pager", "Saved", "Uploaded", "UploadOptions"),
    ),
    "callwell.description.provider": ("Provider",),
}
NAMES: Final = frozenset(
    name for names in (*RUNTIME.values(), *STANDALONE.values(), *TYPES.values(), ("HERE",)) for name in names
)
"""What a generated client may import: nothing else in it has one of these names."""

TYPED: Final = "callwell.providers.typed"
NOTHING: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})

_STRING: Final = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"')


def imports(
    body: str,
    runtime: Mapping[str, Sequence[str]] = STANDALONE,
    own: Mapping[str, Sequence[str]] = NOTHING,
    base: str = "",
) -> str:
    """The import lines of a module, after its `from __future__` line.

    Args:
        body: the rest of the module.
        runtime: what it may need of ours when it is run.
        own: what it needs of its provider's other modules, for type checkers only.
        base: the class of ours that its client derives from, of which a type checker knows more.
    """
    used = {*re.findall(r"\w+", _STRING.sub('""', body)), *itertools.chain.from_iterable(own.values())}
    types = _blocks({**TYPES, **own, **({TYPED: (base,)} if base else {})}, used, "    ")
    if types:
        used.add("TYPE_CHECKING")
    code = [line for block in _blocks({**RUNTIME, **runtime}, used, "") for line in ("", *block)]
    if types:
        code += ["", "if TYPE_CHECKING:", *types[0], *(line for block in types[1:] for line in ("", *block))]
    if base:
        code += ["else:", f"    from callwell.client import {base}"]
    return "\n".join(code) + "\n"


def _blocks(modules: Mapping[str, Sequence[str]], used: set[str], indent: str) -> list[list[str]]:
    """Import lines of what is used: one block for the standard library, one for ours."""
    blocks: list[list[str]] = [[], []]
    for module, names in sorted(modules.items()):
        wanted = [name for name in names if name in used]
        if wanted:
            head = f"from {module} import "
            line = indent + head + ", ".join(wanted)
            fits = len(line) <= WIDTH
            blocks[module.startswith("callwell")] += (
                [line] if fits else lines(Brackets(f"{head}(", wanted, ")"), indent)
            )
    return [block for block in blocks if block]

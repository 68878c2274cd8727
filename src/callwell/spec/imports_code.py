# SPDX-License-Identifier: Apache-2.0
"""The imports that a generated client needs: those of the possible ones whose names it uses."""

from __future__ import annotations

import re
from typing import Final

from callwell.spec.layout import WIDTH, Brackets, lines

RUNTIME: Final = {
    "enum": ("StrEnum",),
    "functools": ("cached_property",),
    "pathlib": ("Path",),
    "typing": ("TYPE_CHECKING", "Any", "Final", "Literal", "Required", "TypeAlias", "TypedDict", "cast"),
}
BUNDLED: Final = {
    "callwell.client": ("NOT_GIVEN", "AsyncGroup", "Group"),
    "callwell.providers.typed": ("AsyncClient", "Client"),
}
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
    "callwell.spec.provider": ("Provider",),
}
NAMES: Final = frozenset(
    name for names in (*RUNTIME.values(), *STANDALONE.values(), *TYPES.values(), ("HERE",)) for name in names
)
"""What a generated client may import: nothing else in it has one of these names."""

_STRING: Final = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"')


def imports(body: str, *, standalone: bool = False) -> str:
    """The import lines of a module, after its `from __future__` line.

    Args:
        body: the rest of the module.
        standalone: it is no part of the library.
    """
    used = set(re.findall(r"\w+", _STRING.sub('""', body)))
    types = _blocks(TYPES, used, "    ")
    if types:
        used.add("TYPE_CHECKING")
    runtime = RUNTIME | (STANDALONE if standalone else BUNDLED)
    code = [line for block in _blocks(runtime, used, "") for line in ("", *block)]
    if types:
        code += ["", "if TYPE_CHECKING:", *types[0], *(line for block in types[1:] for line in ("", *block))]
    return "\n".join(code) + "\n"


def _blocks(modules: dict[str, tuple[str, ...]], used: set[str], indent: str) -> list[list[str]]:
    """Import lines of what is used: one block for the standard library, one for ours."""
    blocks: list[list[str]] = [[], []]
    for module, names in modules.items():
        wanted = [name for name in names if name in used]
        if wanted:
            head = f"from {module} import "
            line = indent + head + ", ".join(wanted)
            fits = len(line) <= WIDTH
            blocks[module.startswith("callwell")] += (
                [line] if fits else lines(Brackets(f"{head}(", wanted, ")"), indent)
            )
    return [block for block in blocks if block]

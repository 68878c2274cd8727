# SPDX-License-Identifier: Apache-2.0
"""Reads YAML the way OpenAPI defines it: JSON values in another notation.

PyYAML reads YAML 1.1, in which `no` is false, `2024-01-01` is a date and `12:30` is the number 750. OpenAPI requires
the types of JSON (section "Format"), so this module uses YAML 1.2's core schema instead of PyYAML's rules. Keys are
always
strings: the response `200:` is "200".

An alias (`*name`) takes nine bytes and may refer to a value of any size: nine levels of nine aliases each expand to a
billion values. PyYAML shares the values, but a walk through the document would never end. So values are counted with
all aliases expanded, before any are constructed. Most documents have no alias, and counting the parser's events
suffices.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from callwell.description.error import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.error import KeyPath

MAX_VALUES: Final = 10_000_000
"""The most values of a document with aliases expanded: GitHub's document, the largest known, has 0.6 million."""

MAX_DEPTH: Final = 500
"""The most levels of nesting. Real documents have under 40; at ten thousand, the C parser would overflow the stack."""

_LoaderBase: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader reads 4 MB in 2 s, the other one in 30 s; some platforms have no C loader."""

_MAP: Final = "tag:yaml.org,2002:map"
_MERGE: Final = "tag:yaml.org,2002:merge"
_OPENING: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _Loader(_LoaderBase):  # type: ignore[misc] # one of two classes
    """PyYAML's safe loader with the scalars of YAML 1.2.

    Attributes:
        repeats: whether a constructed object has a repeated key.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way: a class without those of its base
    repeats: bool = False

    def construct_key(self, node: yaml.Node) -> str:
        """Construct a key as the string in the text."""
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "expected a string as key", node.start_mark)
        return str(node.value)

    def construct_map(self, node: yaml.MappingNode) -> Any:
        """Construct an object; the values merged by `<<` go first."""
        mapping: dict[str, Any] = {}
        yield mapping
        self.repeats = self.repeats or len({str(key.value) for key, _ in node.value}) < len(node.value)
        self.flatten_mapping(node)
        for key, value in node.value:
            mapping[self.construct_key(key)] = self.construct_object(value)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
_Loader.add_constructor(_MAP, _Loader.construct_map)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


def read_yaml(content: bytes) -> tuple[Any, bool]:
    """Parse a YAML text, and return whether an object has a repeated key: the last one counts.

    Raises:
        DescriptionError: the text is not YAML, is nested too deeply, or expands to too many values.
    """
    try:
        has_aliases = _check_events(content)
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, False
            if has_aliases:
                _check_nodes(node)
            value = loader.construct_document(node)
            return value, loader.repeats
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as error:
        raise DescriptionError(("document",), f"expected YAML, found an error: {_one_line(error)}") from error


def error_line(error: BaseException | None) -> int | None:
    """The line of a parser error, from 1."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return mark.line + 1 if mark else None


def yaml_line(text: str, path: KeyPath) -> int | None:
    """The line of a key in a YAML text, from 1; if the key does not exist, the line of the nearest value around it.

    Args:
        text: a valid YAML text.
        path: the path of the key; list indexes are keys too.
    """
    node = yaml.compose(text, Loader=_Loader)
    line = None
    for key in path:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if getattr(pair[0], "value", None) == key]
        elif isinstance(node, yaml.SequenceNode) and key.isdigit():
            found = [(item, item) for item in node.value[int(key) : int(key) + 1]]
        else:
            break
        if not found:
            break
        line = found[0][0].start_mark.line + 1
        node = found[0][1]
    return line


def _check_events(content: bytes) -> bool:
    """Check the depth, and the number of values without aliases. Returns whether there are aliases."""
    depth = 0
    values = 0
    has_aliases = False
    for event in yaml.parse(content, Loader=_LoaderBase):
        if isinstance(event, yaml.ScalarEvent):
            values += 1
        elif isinstance(event, _OPENING):
            values += 1
            depth += 1
            if depth > MAX_DEPTH:
                raise DescriptionError(("document",), f"expected at most {MAX_DEPTH} levels, found more")
        elif isinstance(event, _CLOSING):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            has_aliases = True
    if values > MAX_VALUES:
        raise DescriptionError(("document",), f"expected at most {MAX_VALUES:,} values, found more")
    return has_aliases


def repeated_yaml_keys(text: str) -> Iterator[tuple[KeyPath, int, int]]:
    """Find each repeated key: its path, and the lines of both occurrences, from 1.

    Args:
        text: a valid YAML text.
    """
    seen: set[int] = set()
    stack: list[tuple[yaml.Node | None, KeyPath]] = [(yaml.compose(text, Loader=_Loader), ())]
    while stack:
        node, path = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            children = [(item, (*path, str(index))) for index, item in enumerate(node.value)]
            stack.extend(reversed(children))
        elif isinstance(node, yaml.MappingNode):
            firsts: dict[str, yaml.Node] = {}
            for key, _ in node.value:
                first = firsts.setdefault(str(key.value), key)
                if first is not key and key.tag != _MERGE:
                    yield (*path, str(key.value)), first.start_mark.line + 1, key.start_mark.line + 1
            children = [(value, (*path, str(key.value))) for key, value in node.value]
            stack.extend(reversed(children))


def _check_nodes(root: yaml.Node) -> None:
    """Check the number of values with aliases expanded."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[yaml.Node, bool]] = [(root, False)]
    while stack:
        node, is_counted = stack.pop()
        children = _children(node)
        if is_counted:
            open_nodes.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
            if sizes[id(node)] > MAX_VALUES:
                expected = f"expected at most {MAX_VALUES:,} values, found more: its aliases repeat each other"
                raise DescriptionError(("document",), expected)
        elif id(node) in open_nodes:
            raise DescriptionError(
                ("document",), "expected values that end, found an alias inside the value that it names"
            )
        elif id(node) not in sizes:
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in children)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _one_line(error: Exception) -> str:
    problem = getattr(error, "problem", None)
    return str(problem or error).replace("\n", " ")

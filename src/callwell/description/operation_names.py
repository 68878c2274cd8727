# SPDX-License-Identifier: Apache-2.0
"""Names each operation of a document: a group and a method in snake case, such as `repos.list_for_user`.

A name depends on its own operation alone, so the names stay when a document grows. The rules:

1. An `operationId` that already has this form, such as `things.list`, is the name.
2. An `operationId` with `/`, `.`, `:` or `#` is split at the last of them into group and method:
   `repos/list-for-user` becomes `repos.list_for_user`.
3. An `operationId` that only repeats the HTTP method and the path is treated like a missing one: the name is made from
   the path. (With a tag, one in camel case does not count as a repetition: `getAccounts` is a person's choice.) The
   part before the first variable is the group, and the rest makes the method:

       POST /v1/charges                    charges.create        GET  /v1/charges            charges.list
       GET  /v1/charges/{charge}           charges.get           GET  /v1/charges/search     charges.search
       POST /v1/charges/{charge}/refunds   charges.create_refund POST /v1/payouts/{id}/reverse  payouts.reverse

4. Otherwise, the group is the first tag, or else the path before its first variable. The method is the `operationId`
   without the words of the group, and without articles: `get-a-show`, tagged `Shows`, becomes `shows.get`. If only the
   HTTP method remains, the verb is that of rule 3: `getPets` becomes `pets.list`.

5. Before rule 2: an `operationId` that names a controller class and its method, such as `CatsController_findAll`. The
   group is the first tag, or else the class without the word `controller`: `cats.find_all`. Words of the class after
   those of the tag are appended to a method without a noun: `AuthorizationRolesController_list`, tagged
   `authorization`, becomes `authorization.list_roles`.

Versions and file suffixes in a path are not words (`/v1`, `/2010-04-01`, `.json`). A version at the beginning of a tag
is removed, and the tag is made plural if the path is: `Api20100401Message` of `/Messages.json` becomes `messages`.
Additions of frameworks are removed first: `read_item_items__item_id__get`, `get-/items/{id}_getById`, the tag
`pet-controller`.

A Python keyword, or a group named like an attribute of every client (`pages`), gets a trailing underscore. If two
operations have the same name, the one with the shorter path keeps it; the other one gets the last variable of its path,
the whole `operationId`, the HTTP method or a number appended, whatever is free first. Names by rule 1 take precedence.
"""

from __future__ import annotations

import itertools
import keyword
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.description.names import to_snake_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLIENT_NAMES: Final = frozenset(
    {
        *("aclose", "asset", "call", "call_raw", "close", "config", "ledger", "pages", "provider", "request"),
        *("spent", "stream", "upload", "uploader", "with_options"),
    }
)
"""The attributes of every client. No derived group gets one of these names."""

ARTICLES: Final = frozenset({"a", "an", "the"})

COLLECTION_VERBS: Final = {"GET": "list", "POST": "create", "PUT": "replace", "PATCH": "update"}
ITEM_VERBS: Final = {"GET": "get", "POST": "update", "PUT": "replace", "PATCH": "update"}
"""Verbs for HTTP methods on a collection, and on one item (RFC 9110, section 9.3). Any other method is its own verb."""

READING_ACTIONS: Final = frozenset({"search", "export", "download", "find"})
"""Last words of a path that say what a GET does. The last word of a POST always does."""

PLURALS: Final = {
    "children": "child",
    "statuses": "status",
    "aliases": "alias",
    "indices": "index",
    **{word: word for word in ("alias", "canvas", "bias", "sms", "mms", "dns")},
}
"""Words with an irregular plural, and words that only look like plurals, with their singular."""

NON_NOUNS: Final = frozenset({"all", "one", "many", "by", "id"})
"""Words after the verb of a method that are not its object: `find_all`, `get_by_id`."""

_SEPARATOR: Final = re.compile(r"[/.:#]+")
_CONTROLLER: Final = re.compile(r"(?:.*[/.:#])?(\w+?)_?Controller[_.:#/]+(.+)", re.IGNORECASE | re.DOTALL)
"""A controller class and its method, as in NestJS (`CatsController_findAll`) and Phoenix (`App.CatController.show`)."""

_CONTROLLER_TAG: Final = re.compile(r"_(rest_)?controller$")
"""The end of a tag that springdoc derives from a class."""

_VERSION: Final = re.compile(r"v\d+([._]?\d+)*((alpha|beta)\d*)?|\d+([.-]\d+)*|api|rest", re.IGNORECASE)
_VERSION_IN_TAG: Final = re.compile(r"api_?\d{4,}_(?=.)")
_ENDING: Final = re.compile(r"\.(json|xml)$", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\{([^{}]*)\}|([^{}]+)")


class OperationSource(NamedTuple):
    """What an operation's name is derived from.

    Attributes:
        operation_id: its `operationId`; empty if there is none, or if it is not a string.
        tag: its first tag; empty without tags.
        method: the HTTP method in upper case.
        path: the path template.
    """

    operation_id: str
    tag: str
    method: str
    path: str


class PathWords(NamedTuple):
    """The words of a path.

    Attributes:
        before: the fixed parts before the first variable, in snake case.
        after: the fixed parts after it.
        variables: the variables.
        ends_in_variable: whether the last part is a variable.
    """

    before: list[str]
    after: list[str]
    variables: list[str]
    ends_in_variable: bool


def is_operation_name(name: str) -> bool:
    """Whether a string already has the form of a name: a group and a method in snake case, as in `things.list`."""
    parts = name.split(".")
    return len(parts) == 2 and all(part.isidentifier() and to_snake_case(part) == part for part in parts)  # noqa: PLR2004 - a group and a method


def name_operations(sources: Sequence[OperationSource]) -> list[str]:
    """Give all operations of a document unique names, in their order."""
    names = [""] * len(sources)
    taken: set[str] = set()
    for index, source in enumerate(sources):
        if is_operation_name(source.operation_id) and source.operation_id not in taken:
            names[index] = source.operation_id
            taken.add(source.operation_id)

    def specificity(index: int) -> tuple[int, str, str]:
        return sources[index].path.count("/"), sources[index].path, sources[index].method

    for index in sorted((index for index, name in enumerate(names) if not name), key=specificity):
        names[index] = next(name for name in _candidates(sources[index]) if name not in taken)
        taken.add(names[index])
    return names


def _candidates(source: OperationSource) -> Iterator[str]:
    """The name of an operation, and alternatives if that is taken."""
    words = read_path(source.path)
    group, method = _derive(source, words)
    group = _to_group_name(group)
    method = _to_method_name(method, source.method)
    yield f"{group}.{method}"
    if words.ends_in_variable:
        yield f"{group}.{method.rstrip('_')}_by_{words.variables[-1]}"
    full = to_snake_case(_SEPARATOR.sub("_", source.operation_id))
    if full:
        yield f"{group}.{_to_method_name(full, source.method)}"
    method = f"{method.rstrip('_')}_{source.method.lower()}"
    yield f"{group}.{method}"
    yield from (f"{group}.{method}_{number}" for number in itertools.count(2))


def _derive(source: OperationSource, words: PathWords) -> tuple[str, str]:
    """Derive group and method by rules 2 to 4. Either may still be empty or a keyword."""
    operation_id = _without_route(source)
    parts = [part for part in map(to_snake_case, _SEPARATOR.split(operation_id)) if part]
    if not parts or _repeats_path(operation_id, source):
        return _derive_from_path(source.method, words)
    controller = _CONTROLLER.fullmatch(operation_id)
    if controller is not None:
        return _derive_from_class(to_snake_case(controller[1]), to_snake_case(controller[2]), source.tag, words)
    if len(parts) > 1:
        return "_".join(parts[:-1]), parts[-1]
    group = _tag_name(source.tag, words) or "_".join(words.before)
    method = _without_group(parts[0], group)
    return group, _verb(source.method, words) if method == source.method.lower() else method


def _derive_from_class(class_name: str, method: str, tag: str, words: PathWords) -> tuple[str, str]:
    """Derive group and method by rule 5."""
    group = _tag_name(tag, words) or class_name
    before, after = _split_at_group(class_name.split("_"), group)
    method = _without_group(method, group)
    _, *nouns = [word for word in method.split("_") if word not in NON_NOUNS] or [""]
    more = class_name if before is None else "_".join(after)
    return group, method if nouns or more in ("", method) else f"{method}_{more}"


def _without_route(source: OperationSource) -> str:
    """Remove the HTTP method and path that a framework appends to an `operationId`, as FastAPI does, or prepends."""
    route = re.sub(r"\W", "_", source.path)
    method = source.method.lower()
    name = source.operation_id.removesuffix(f"{route}_{method}").removeprefix(f"{method}-{source.path}_")
    return name or source.operation_id


def _repeats_path(operation_id: str, source: OperationSource) -> bool:
    """Whether an `operationId` merely repeats the HTTP method and the path, such as `PostChargesCharge`."""
    if source.tag and operation_id != operation_id.lower():
        return False
    text = re.sub(r"[\W_]+", "", operation_id).lower()
    method = source.method.lower()
    ends = {len(method)} if text.startswith(method) else set()  # where the compared part may end in the text
    for segment in source.path.split("/"):
        for variable, fixed in _TOKEN.findall(segment):
            word = re.sub(r"[\W_]+", "", _ENDING.sub("", variable or fixed).lower())
            spellings = {word}
            if variable:
                spellings = {word, "id", ""}
            elif _VERSION.fullmatch(fixed):
                spellings = {word, ""}
            ends = {end + len(spelling) for end in ends for spelling in spellings if text.startswith(spelling, end)}
    return len(text) in ends


def read_path(path: str) -> PathWords:
    """Read the words of a path template, without versions. `me` and `@me` stand for an ID, so they are left out."""
    before: list[str] = []
    after: list[str] = []
    variables: list[str] = []
    ends_in_variable = False
    for segment in path.partition("?")[0].split("/"):
        if _VERSION.fullmatch(segment):
            continue
        for variable, fixed in _TOKEN.findall(_ENDING.sub("", segment)):
            word = to_snake_case(variable or fixed)
            if not word:
                continue
            ends_in_variable = bool(variable) or word == "me"
            if ends_in_variable:
                variables.append(word)
            else:
                (after if variables else before).append(word)
    if not before:  # the path begins with a variable, so the words after it must do
        before = after[:1] or variables[:1]
        after = after[1:]
    return PathWords(before=before, after=after, variables=variables, ends_in_variable=ends_in_variable)


def _derive_from_path(method: str, words: PathWords) -> tuple[str, str]:
    group = words.before
    tail = words.after
    if not words.variables and len(group) > 1 and not _is_plural(group[-1]):
        tail = group[-1:]
        group = group[:-1]
    verb = _verb(method, words)
    if not tail:
        return "_".join(group), verb
    last = tail[-1]
    is_action = method == "POST" or (method == "GET" and last in READING_ACTIONS)
    if is_action and not words.ends_in_variable and not _is_plural(last):
        return "_".join(group), "_".join(tail)
    if verb != "list":
        tail = [*tail[:-1], _to_singular(last)]
    return "_".join(group), "_".join([verb, *tail])


def _verb(method: str, words: PathWords) -> str:
    """The verb for an HTTP method on a path."""
    verbs = ITEM_VERBS if words.ends_in_variable else COLLECTION_VERBS
    verb = verbs.get(method, method.lower())
    last = (words.after or words.before or [""])[-1]
    return "get" if verb == "list" and not _is_plural(last) else verb


def _tag_name(tag: str, words: PathWords) -> str:
    """The group by a tag."""
    name = to_snake_case(tag)
    name = _CONTROLLER_TAG.sub("", name)
    cut = _VERSION_IN_TAG.sub("", name)
    if cut == name:
        return name
    in_path = {_to_singular(word): word for word in "_".join([*words.before, *words.after]).split("_")}
    *first, last = cut.split("_")
    return "_".join([*first, in_path.get(last, last)])


def _without_group(operation_id: str, group: str) -> str:
    """The words of an `operationId` without those of its group; all words if no others remain."""
    words = [word for word in operation_id.split("_") if word not in ARTICLES]
    before, after = _split_at_group(words, group)
    return "_".join([*(before or ()), *after]) or operation_id


def _split_at_group(words: list[str], group: str) -> tuple[list[str] | None, list[str]]:
    """Split words into those before a group's words and those after; None and all words if they do not contain it."""
    # Only here is `people` the plural of `person`: in paths Stripe has both.
    singular = [_to_singular(word) if word != "people" else "person" for word in words]
    repeated = [_to_singular(word) if word != "people" else "person" for word in group.split("_")]
    for start in range(len(words) - len(repeated) + 1):
        end = start + len(repeated)
        if singular[start:end] == repeated:
            return words[:start], words[end:]
    return None, words


def _to_group_name(name: str) -> str:
    if not name or name[0].isdigit():
        name = f"api_{name}".strip("_")
    return f"{name}_" if keyword.iskeyword(name) or name in CLIENT_NAMES else name


def _to_method_name(name: str, method: str) -> str:
    if not name or name[0].isdigit():
        name = f"{method.lower()}_{name}".strip("_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _is_plural(name: str) -> bool:
    return _to_singular(name) != name


def _to_singular(word: str) -> str:
    """The singular of an English word. It need not be right, only always the same."""
    if word in PLURALS:
        return PLURALS[word]
    if word.endswith("ies") and len(word) > len("series"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word

# SPDX-License-Identifier: Apache-2.0
"""Gives each operation of a document its name: a group and a method in snake case, `repos.list_for_user`.

The rule. A name depends on its own operation alone, so a document that grows keeps the names it had:

1. An `operationId` that is a group and a method in this form already, `things.list`, is the name.
2. In one with `/`, `.`, `:` or `#`, what is before the last of them is the group, what is after it is the method:
   `repos/list-for-user` is `repos.list_for_user`.
3. One that repeats the HTTP method and the path says nothing more than they do, nor does a missing one. The path says
   all then. (With a tag, one with capitals does not count as repeating: `getAccounts` is a person's choice.) The group
   is what precedes the first variable, and what follows makes the method:

       POST /v1/charges                    charges.create        GET  /v1/charges            charges.list
       GET  /v1/charges/{charge}           charges.get           GET  /v1/charges/search     charges.search
       POST /v1/charges/{charge}/refunds   charges.create_refund POST /v1/payouts/{id}/reverse  payouts.reverse

4. In any other, the group is the first tag, or else the path before its first variable. The method is the
   `operationId` without the words of the group, and without articles: `get-a-show`, tagged `Shows`, is `shows.get`.
   If no more than the HTTP method remains, the verb is that of rule 3: `getPets` is `pets.list`.

5. One that names a class of a server and its method, `CatsController_findAll`, goes before rule 2. The group is the
   first tag, or else the class, and the word `controller` is left out: `cats.find_all`. What the class says after
   the words of the tag follows a method without a noun: `AuthorizationRolesController_list`, tagged `authorization`,
   is `authorization.list_roles`.

Versions and file endings in a path are not words (`/v1`, `/2010-04-01`, `.json`). A tag that begins with the version of
the API is cut, and is plural if the path is: `Api20100401Message` of `/Messages.json` is `messages`. What a framework
adds is taken off first: `read_item_items__item_id__get`, `get-/items/{id}_getById`, the tag `pet-controller`.

A keyword of Python, or a group with the name of something that every client has (`pages`), gets an underscore after
it. If two operations have one name, the shorter path keeps it; the other name gets the last variable of its path, the
whole `operationId`, the HTTP method or a number, whatever is free first. Rule 1 goes before all others.
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
"""The attributes of every client. No derived group has one of these names."""

ARTICLES: Final = frozenset({"a", "an", "the"})

COLLECTION_VERBS: Final = {"GET": "list", "POST": "create", "PUT": "replace", "PATCH": "update"}
ITEM_VERBS: Final = {"GET": "get", "POST": "update", "PUT": "replace", "PATCH": "update"}
"""What HTTP methods do to a collection, and to one thing (RFC 9110, section 9.3). Any other is its own verb."""

READING_ACTIONS: Final = frozenset({"search", "export", "download", "find"})
"""Last words of a path that say what a GET does, as the last word of a POST always does."""

PLURALS: Final = {
    "children": "child",
    "statuses": "status",
    "aliases": "alias",
    "indices": "index",
    **{word: word for word in ("alias", "canvas", "bias", "sms", "mms", "dns")},
}
"""Words of APIs with a plural of their own, and those that only look like plurals, with their singular."""

NO_NOUNS: Final = frozenset({"all", "one", "many", "by", "id"})
"""Words of a method beside its verb that do not say what it works on: `find_all`, `get_by_id`."""

_SEPARATOR: Final = re.compile(r"[/.:#]+")
_CONTROLLER: Final = re.compile(r"(?:.*[/.:#])?(\w+?)_?Controller[_.:#/]+(.+)", re.IGNORECASE | re.DOTALL)
"""A class and its method, as NestJS (`CatsController_findAll`) and Phoenix (`App.CatController.show`) write them."""

_CONTROLLER_TAG: Final = re.compile(r"_(rest_)?controller$")
"""How a tag ends that springdoc makes of a class."""

_VERSION: Final = re.compile(r"v\d+([._]?\d+)*((alpha|beta)\d*)?|\d+([.-]\d+)*|api|rest", re.IGNORECASE)
_VERSION_IN_TAG: Final = re.compile(r"api_?\d{4,}_(?=.)")
_ENDING: Final = re.compile(r"\.(json|xml)$", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\{([^{}]*)\}|([^{}]+)")


class OperationSource(NamedTuple):
    """What a document says about an operation that its name can be made of.

    Attributes:
        operation_id: its `operationId`; empty if it has none, or one that is not text.
        tag: its first tag, empty without tags.
        method: the HTTP method in capitals.
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
        ends_in_variable: a variable is the last part.
    """

    before: list[str]
    after: list[str]
    variables: list[str]
    ends_in_variable: bool


def is_operation_name(name: str) -> bool:
    """Whether a string already is a name: a group and a method in snake case, as in `things.list`."""
    parts = name.split(".")
    return len(parts) == 2 and all(part.isidentifier() and to_snake_case(part) == part for part in parts)  # noqa: PLR2004 - a group and a method


def name_operations(sources: Sequence[OperationSource]) -> list[str]:
    """The names of all operations of a document, in their order, each once."""
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
    """The name of an operation, and the names that it gets if others have that already."""
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
    """The group and the method by rules 2 to 4. Either may still be empty or a keyword."""
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
    """The group and the method by rule 5."""
    group = _tag_name(tag, words) or class_name
    before, after = _split_at_group(class_name.split("_"), group)
    method = _without_group(method, group)
    _, *nouns = [word for word in method.split("_") if word not in NO_NOUNS] or [""]
    more = class_name if before is None else "_".join(after)
    return group, method if nouns or more in ("", method) else f"{method}_{more}"


def _without_route(source: OperationSource) -> str:
    """An `operationId` without the method and the path that a framework puts after the name, as FastAPI, or before."""
    route = re.sub(r"\W", "_", source.path)
    method = source.method.lower()
    name = source.operation_id.removesuffix(f"{route}_{method}").removeprefix(f"{method}-{source.path}_")
    return name or source.operation_id


def _repeats_path(operation_id: str, source: OperationSource) -> bool:
    """Whether an `operationId` is the HTTP method and the path once more, such as `PostChargesCharge`."""
    if source.tag and operation_id != operation_id.lower():
        return False
    text = re.sub(r"[\W_]+", "", operation_id).lower()
    method = source.method.lower()
    ends = {len(method)} if text.startswith(method) else set()  # where what has been compared may end in the text
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
    """The words of a path template, without versions. `me` and `@me` stand for an id, and so do not count."""
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
    if not before:  # the path begins with a variable: what follows it has to do
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
    """What a method does to what a path names."""
    verbs = ITEM_VERBS if words.ends_in_variable else COLLECTION_VERBS
    verb = verbs.get(method, method.lower())
    last = (words.after or words.before or [""])[-1]
    return "get" if verb == "list" and not _is_plural(last) else verb


def _tag_name(tag: str, words: PathWords) -> str:
    """The group that a tag names."""
    name = to_snake_case(tag)
    name = _CONTROLLER_TAG.sub("", name)
    cut = _VERSION_IN_TAG.sub("", name)
    if cut == name:
        return name
    in_path = {_to_singular(word): word for word in "_".join([*words.before, *words.after]).split("_")}
    *first, last = cut.split("_")
    return "_".join([*first, in_path.get(last, last)])


def _without_group(operation_id: str, group: str) -> str:
    """The words of an `operationId` without those of its group; all of them if no others are there."""
    words = [word for word in operation_id.split("_") if word not in ARTICLES]
    before, after = _split_at_group(words, group)
    return "_".join([*(before or ()), *after]) or operation_id


def _split_at_group(words: list[str], group: str) -> tuple[list[str] | None, list[str]]:
    """The words before those of a group, and those after them; None and all words if the group is not among them."""
    # Only here are people persons: in paths Stripe has both.
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
    """An English word without the ending of its plural. It need not be right, only always the same."""
    if word in PLURALS:
        return PLURALS[word]
    if word.endswith("ies") and len(word) > len("series"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word

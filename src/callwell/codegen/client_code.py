# SPDX-License-Identifier: Apache-2.0
"""The code of a provider's typed client: error codes, types, and a class for each group of operations.

`bundled_code` and `package_code` divide these parts into modules:

    class Code(StrEnum)            the documented error codes
    class Thing(TypedDict)         types of arguments and results, each after those that it refers to
    class AsyncThings(AsyncGroup)  a class for each group of operations: a method for each operation
    class AsyncTiny(AsyncClient)   the client: an attribute for each group
    class Things(Group)            the sync side, the same without `async` and `await`
    class Tiny(Client)

A method holds no logic. It passes its arguments to a method of its group, which binds, checks and sends them. The rule
of the operation decides which method that is, and what it returns:

    rule      returns              calls
    (none)    the result           Group._call
    paging    Pager[Item]          Group._pages
    (stream)  Stream[Event]        Group._stream, if the operation only returns events or JSON lines
    asset     Asset                Group._asset; a second method saves the file, if the rule names one
    upload    Uploaded[Result]     Group._upload; also takes the arguments of the operation that creates the object

Generated code depends on the description alone, never on the date, the machine, or the order of a set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from msgspec.structs import replace

from callwell.codegen import imports_code
from callwell.codegen.annotations import AnnotationWriter
from callwell.codegen.class_names import ClassNames, to_class_name
from callwell.codegen.events_code import UNION_NAME, declare_events
from callwell.codegen.layout import Brackets, docstring, format_lines, quote
from callwell.codegen.shapes import find_components
from callwell.description import schemas
from callwell.description.names import shadows_builtin, to_identifier, to_pascal_case
from callwell.description.operation_names import CLIENT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callwell.description.model import Operation, Parameter
    from callwell.description.provider import Provider

CODES: Final = "Code"
"""The name of the class of error codes."""

USED_IN_METHODS: Final = frozenset({"self", "cast"})
"""Names that a generated method uses itself. No argument gets one of them."""

SHADOW_COMMENT: Final = "noqa: A002 - the provider's own name"
RESULT_TYPES: Final = {"json": "", "text": "str", "bytes": "bytes", "any": "Any", "events": "str", "lines": "str"}
"""The annotation of a result that is not JSON, by `AnswerType.kind`."""

SIDES: Final = {"Async": "async", "": "sync"}
"""The prefix of a side's class names, and the side's name."""

_NON_WORD: Final = re.compile(r"\W+", re.ASCII)

GroupMethod = Literal["_call", "_pages", "_stream", "_asset", "_upload"]
"""The method of a group that carries out an operation."""


class MethodCode(NamedTuple):
    """The method of one operation, the same for both sides.

    Attributes:
        operation: the operation.
        kind: the group's method that carries it out.
        type: the type of its result or of its items; of an asset, the name of the method that saves the file, or empty.
        is_typed: whether the type is more than `Any`, so that the result of the group's method is cast to it.
        parameters: its parameters.
        annotated: the code of each parameter.
        comments: comments on parameters, by index.
    """

    operation: Operation
    kind: GroupMethod
    type: str
    is_typed: bool
    parameters: tuple[Parameter, ...]
    annotated: list[str]
    comments: dict[int, str]


class ClientParts(NamedTuple):
    """The parts of a client, before they are written for either side.

    Attributes:
        provider: the provider.
        client: the name of the client's class without the prefix of a side.
        classes: the name of each group's class without the prefix of a side, by group.
        methods: the methods of each group.
        types: the code of the class of error codes and of each type, by name.
    """

    provider: Provider
    client: str
    classes: dict[str, str]
    methods: dict[str, list[MethodCode]]
    types: dict[str, str]


def collect_parts(provider: Provider) -> ClientParts:
    """Collect the parts of a provider's client.

    Args:
        provider: the provider.
    """
    groups: dict[str, list[Operation]] = {}
    for operation in provider.api.operations.values():
        groups.setdefault(operation.name.partition(".")[0], []).append(operation)
    components = find_components(provider.api.operations.values())
    client = to_pascal_case(provider.name)
    if client in imports_code.NAMES:
        client = f"{client}Api"
    classes = _group_classes(groups, client, components)
    reserved = {side + name for side in SIDES for name in (client, *classes.values())}
    annotations = AnnotationWriter(reserved | imports_code.NAMES | {CODES, UNION_NAME}, components)
    methods = {
        group: [_method(provider, operation, annotations) for operation in operations]
        for group, operations in groups.items()
    }
    declare_events(provider, annotations)
    types = _error_codes(provider) | annotations.declarations
    return ClientParts(provider=provider, client=client, classes=classes, methods=methods, types=types)


def _group_classes(groups: Iterable[str], client: str, components: Iterable[str]) -> dict[str, str]:
    """Name the class of each group. `Group` is appended to a name that is taken.

    The document's schemas keep their names, because users write them in annotations.
    """
    taken = {client, CODES, UNION_NAME, *imports_code.NAMES, *map(to_class_name, components)}
    names = ClassNames((), ())
    classes: dict[str, str] = {}
    for group in groups:
        name = to_class_name(group)
        if name in taken or f"Async{name}" in taken:
            name = f"{name}Group"
        classes[group] = names.claim(name)
    return classes


def _error_codes(provider: Provider) -> dict[str, str]:
    """The class of error codes, if any are documented."""
    codes = provider.profile.errors.codes
    if not codes:
        return {}
    members = [f"    {to_identifier(_NON_WORD.sub('_', code).upper())} = {quote(code)}" for code in codes]
    summary = docstring(f"The error codes that {provider.profile.title} documents.", "    ")
    return {CODES: "\n".join([f"class {CODES}(StrEnum):", summary, "", *members])}


def _method(provider: Provider, operation: Operation, annotations: AnnotationWriter) -> MethodCode:
    kind, type_name = _result(provider, operation, annotations)
    owned = _method_parameters(provider, operation)
    parameters = tuple(parameter for _, parameter in owned)
    return MethodCode(
        operation=operation,
        kind=kind,
        type=type_name,
        is_typed=not annotations.is_any(type_name),
        parameters=parameters,
        annotated=[_annotated(parameter, to_pascal_case(*owner.split(".")), annotations) for owner, parameter in owned],
        comments={
            index: SHADOW_COMMENT
            for index, parameter in enumerate(parameters)
            if shadows_builtin(_python_name(parameter))
        },
    )


def _result(provider: Provider, operation: Operation, annotations: AnnotationWriter) -> tuple[GroupMethod, str]:
    """The `kind` and the `type` of a method's `MethodCode`."""
    rule = provider.rule(operation.name)
    name = to_pascal_case(*operation.name.split("."))
    if rule.asset:
        return "_asset", rule.asset.method or ""
    if rule.paging:
        items = schemas.at_path(operation.response_schema, rule.paging.first_item) or {}
        return "_pages", annotations.result(items, f"{name}Item")
    if operation.only_streams:
        return "_stream", "ServerSentEvent" if operation.media[0].kind == "events" else "Any"
    schema: Mapping[str, Any] | None = operation.response_schema
    if provider.profile.result and operation.response_schema:
        schema = schemas.at_path(operation.response_schema, provider.profile.result)
    described = {"description": f"What {operation.name} returns.", **(schema or {})}
    result = annotations.result(described, name, others=_other_results(operation))
    return "_upload" if rule.upload else "_call", result


def _other_results(operation: Operation) -> list[str]:
    """The annotations of results that are not JSON: every type if the caller can choose one, else those accepted."""
    can_choose = any(
        parameter.location == "header" and parameter.wire_name.lower() == "accept" for parameter in operation.parameters
    )
    accepted = operation.accept.split(", ")
    kinds = [answer.kind for answer in operation.media if can_choose or answer.name in accepted]
    found = [RESULT_TYPES[kind] for kind in kinds]
    return ["Any"] if "Any" in found else list(dict.fromkeys(filter(None, found)))


def _method_parameters(provider: Provider, operation: Operation) -> list[tuple[str, Parameter]]:
    """The parameters of a method, each with the operation that it belongs to.

    An upload takes the parameters of its own operation, except those that the uploader fills in, and those of the
    operation that creates the object. Callers give either the object or what creates it, so none of these is required.
    """
    own = [(operation.name, parameter) for parameter in operation.parameters]
    rule = provider.rule(operation.name).upload
    if rule is None:
        return own
    filled_in = (rule.file, rule.range, rule.target)
    own = [(name, parameter) for name, parameter in own if parameter.name not in filled_in]
    target = next(parameter for parameter in operation.parameters if parameter.name == rule.target)
    optional = [(operation.name, target)]
    if rule.create is not None:
        optional += [(rule.create, parameter) for parameter in provider.operation(rule.create).parameters]
    return [*own, *((name, replace(parameter, required=False)) for name, parameter in optional)]


def _python_name(parameter: Parameter) -> str:
    name = to_identifier(parameter.name)
    return f"{name}_" if name in USED_IN_METHODS else name


def _annotated(parameter: Parameter, owner: str, annotations: AnnotationWriter) -> str:
    """A parameter with its annotation and its default."""
    annotation = annotations.argument(parameter.schema, owner + to_pascal_case(parameter.name))
    code = f"{_python_name(parameter)}: {annotation}"
    if schemas.is_nullable(parameter.schema):
        # None is a value that is sent, so NOT_GIVEN stands for an argument that is left out.
        return f"{code} | None" if parameter.required else f"{code} | NotGiven | None = NOT_GIVEN"
    return code if parameter.required else f"{code} | None = None"


def group_code(parts: ClientParts, group: str, side: str) -> str:
    """The class of a group on one side.

    Args:
        parts: the parts of the client.
        group: one of its groups.
        side: one of `SIDES`.
    """
    name = side + parts.classes[group]
    summary = f"{group.replace('_', ' ')} of {parts.provider.profile.title}"
    code = [f"class {name}({side}Group):", docstring(summary, "    ")]
    for method in parts.methods[group]:
        code += ["", *_method_code(method, side)]
    return "\n".join(code)


def _method_code(method: MethodCode, side: str) -> list[str]:
    operation = method.operation
    is_upload = method.kind == "_upload"
    waits = bool(side) and method.kind in ("_call", "_upload")  # a pager and an asset are waited for later
    returned = {
        "_upload": f"Uploaded[{method.type}]",
        "_asset": f"{side}Asset",
        "_pages": f"{side}Pager[{method.type}]",
        "_stream": f"{side}Stream[{method.type}]",
        "_call": method.type,
    }[method.kind]
    items = ["self"]
    if is_upload:
        items.append(f"file: {side}FileSource")
    if method.annotated:
        items.append("*")
    comments = {index + len(items): comment for index, comment in method.comments.items()}
    items += method.annotated
    if is_upload:
        items.append("**options: Unpack[UploadOptions]")
    head = f"{'async ' if waits else ''}def {_method_name(operation)}("
    signature = Brackets(head, items, f") -> {returned}:", comments)
    arguments = Brackets(
        "{", [f'"{parameter.name}": {_python_name(parameter)}' for parameter in method.parameters], "}"
    )
    passed: list[str | Brackets] = [f'"{operation.name}"', arguments]
    if is_upload:
        passed = [f'"{operation.name}"', "file", arguments, "options"]
    call = Brackets(f"{'await ' if waits else ''}self.{method.kind}(", passed, ")")
    if method.kind == "_call" and method.is_typed:
        call = Brackets("cast(", [f'"{method.type}"', call], ")")
    code = format_lines(signature, "    ")
    code.append(docstring(operation.summary or operation.name, "        "))
    code += format_lines(call._replace(head=f"return {call.head}"), "        ")
    if method.kind == "_asset" and method.type:
        code += ["", *_save_method_code(method, side)]
    return code


def _save_method_code(method: MethodCode, side: str) -> list[str]:
    """The code of the method that saves the file of an asset."""
    operation = method.operation
    required = sum(parameter.required for parameter in method.parameters)  # these come first
    items = ["self", *method.annotated[:required], "path: str | PathLike[str]", "*", *method.annotated[required:]]
    items.append("progress: Callable[[int], None] | None = None")
    comments = {
        # after `self`, and an optional one also after the path and the star
        index + (1 if index < required else 3): comment
        for index, comment in method.comments.items()
    }
    head = f"{'async ' if side else ''}def {to_identifier(method.type)}("
    signature = Brackets(head, items, ") -> Saved:", comments)
    arguments = ", ".join(f"{name}={name}" for name in map(_python_name, operation.parameters))
    asset = f"{'await ' if side else ''}self.{_method_name(operation)}({arguments})"
    call = Brackets(f"return {asset}.save(", ["path", "resume=True", "progress=progress"], ")")
    summary = f"{operation.summary or operation.name}, saved; calling it again resumes a save that was stopped"
    return [*format_lines(signature, "    "), docstring(summary, "        "), *format_lines(call, "        ")]


def _method_name(operation: Operation) -> str:
    return to_identifier(operation.name.partition(".")[2])


def client_class_code(parts: ClientParts, side: str, *, constructor: str = "", groups_from: str = "") -> str:
    """The class of the client on one side.

    Args:
        parts: the parts of the client.
        side: one of `SIDES`.
        constructor: the code of its constructor, if it has one of its own.
        groups_from: the package with a module for each group, loaded on first use; empty if the groups are in the
            module of the client.
    """
    title = parts.provider.profile.title
    code = [f"class {side}{parts.client}({side}Client):", docstring(f"The {SIDES[side]} client of {title}", "    ")]
    if constructor:
        code.append(constructor)
    for group, name in parts.classes.items():
        code += [
            "",
            "    @cached_property",
            f"    def {attribute_name(group)}(self) -> {side}{name}:",
            docstring(f"{group.replace('_', ' ')} of {title}", "        "),
        ]
        if groups_from:
            code += [f"        from {groups_from}.{attribute_name(group)} import {side}{name}", ""]
        code.append(f"        return {side}{name}(self)")
    return "\n".join(code)


def attribute_name(group: str) -> str:
    """The name of a group's attribute on the client, and of its module if it has one."""
    name = to_identifier(group)
    return f"{name}_" if name in CLIENT_NAMES else name

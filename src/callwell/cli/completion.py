# SPDX-License-Identifier: Apache-2.0
"""What could stand at the cursor of a command line that is being typed.

A shell calls `callwell` with `_CALLWELL_COMPLETE` (its name) and `_CALLWELL_LINE` (the line up to the cursor), and gets
one candidate a line, with a tab and a word of help where it can show that. Of the commands, only the one that is typed
is loaded. A candidate that ends in `=` or `:` wants more behind it, so that the shell adds no space.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from typer.core import TyperGroup

from callwell.cli.commands import COMMANDS, root
from callwell.errors import CallwellError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typer.core import TyperCommand

    from callwell.description.model import Operation
    from callwell.description.provider import Provider

LINE: Final = "_CALLWELL_LINE"
WORD_BREAK: Final = re.compile(r".*[=:]")
"""What bash takes for words of their own before the one that it completes."""

Values = defaultdict[str, list[str]]


class Candidate(NamedTuple):
    """A word that could stand there.

    Attributes:
        word: the whole word.
        help: a few words about it, or nothing.
    """

    word: str
    help: str = ""


class ParsedWords(NamedTuple):
    """What the words after a command's name say.

    Attributes:
        values: by parameter.
        waiting: the option whose value comes next.
        rest: of a group, the words from the command in it on.
    """

    values: Values
    waiting: Any
    rest: Sequence[str]


def answer(shell: str) -> int:
    """Print the candidates for the line that a shell has handed over.

    Args:
        shell: its name.

    Returns:
        the exit code.
    """
    words, last = split(os.environ.get(LINE, ""))
    for found in candidates(words[1:], last):
        if shell == "bash":
            begun = WORD_BREAK.match(last)
            sys.stdout.write(f"{found.word[begun.end() if begun else 0 :]}\n")
        else:
            about = " ".join(found.help.split())
            sys.stdout.write(f"{found.word}\t{about}\n" if about else f"{found.word}\n")
    return 0


def split(line: str) -> tuple[list[str], str]:
    """The words of a line up to the cursor, and the word that is being typed.

    Args:
        line: as it was typed; its last quote may be open.
    """
    for quote in ("", "'", '"'):
        try:
            words = shlex.split(f"{line}.{quote}")
        except ValueError:
            continue
        return words[:-1], words[-1][:-1]
    return [], ""


def candidates(words: Sequence[str], last: str) -> list[Candidate]:
    """What could stand at the cursor.

    Args:
        words: the whole words after `callwell`.
        last: the word that is being typed.
    """
    command: Any = root()
    name, read = "", _read(command, words)
    while isinstance(command, TyperGroup) and read.rest:
        name = read.rest[0]
        try:
            command = command.get_command(command.make_context("", [], resilient_parsing=True), name)
        except UnknownName:
            return []
        if command is None:
            return []
        read = _read(command, read.rest[1:])
    try:
        return [one for one in _offered(command, name, read, last) if one.word.startswith(last)]
    except CallwellError:
        return []


def _read(command: TyperCommand | TyperGroup, words: Sequence[str]) -> ParsedWords:
    options = {name: one for one in command.params for name in one.opts if name.startswith("-")}
    arguments = [one for one in command.params if not one.opts[0].startswith("-")]
    values, left = Values(list), list(words)
    while left:
        if isinstance(command, TyperGroup) and not left[0].startswith("-"):
            return ParsedWords(values, None, left)
        word = left.pop(0)
        if not word.startswith("-"):
            taker = next((one for one in arguments if one.nargs == -1 or not values[one.name]), None)
            values[taker.name if taker else ""].append(word)
            continue
        name, sign, value = word.partition("=")
        option: Any = options.get(name)
        if option is None or option.is_flag:
            continue
        if not sign and not left:
            return ParsedWords(values, option, ())
        values[option.name].append(value if sign else left.pop(0))
    return ParsedWords(values, None, ())


def _offered(command: TyperCommand | TyperGroup, name: str, read: ParsedWords, last: str) -> Iterable[Candidate]:
    if read.waiting is not None:
        return _values(command, name, read, read.waiting, last)
    if last.startswith("-"):
        option, sign, value = last.partition("=")
        for one in command.params:
            if sign and option in one.opts:
                found = _values(command, name, read, one, value)
                return [Candidate(f"{option}={each.word}", each.help) for each in found]
        return _options(command, read)
    if isinstance(command, TyperGroup):
        table = (
            COMMANDS
            if not name
            else {one: (made.help or "").partition("\n")[0] for one, made in command.commands.items()}
        )
        return [Candidate(one, about) for one, about in table.items()]
    for one in command.params:
        if not one.opts[0].startswith("-") and (one.nargs == -1 or not read.values[one.name]):
            return _values(command, name, read, one, last)
    return []


def _options(command: TyperCommand | TyperGroup, read: ParsedWords) -> Iterator[Candidate]:
    for one in command.params:
        option: Any = one
        if option.opts[0].startswith("-") and (option.multiple or not read.values[option.name]):
            yield Candidate(option.opts[0], option.help or "")
    yield Candidate("--help", "Show this message and exit.")


def _values(
    command: TyperCommand | TyperGroup, name: str, read: ParsedWords, parameter: Any, last: str
) -> Iterable[Candidate]:
    known: dict[str, Callable[[], Iterable[Candidate]]] = {
        "provider": _providers,
        "operation": lambda: _operations(_provider(read), lists=name == "list"),
        "arguments": lambda: _arguments(_provider(read).operation(read.values["operation"][0]), read, last),
        "environment": lambda: map(Candidate, _provider(read).profile.environments),
        "key": lambda: (Candidate("env:", "an environment variable"), Candidate("file:", "a file")),
        "others": _settable,
    }
    if parameter.name in known:
        return known[parameter.name]()
    context = command.make_context(name, [], resilient_parsing=True)
    return [Candidate(item.value) for item in parameter.shell_complete(context, last) if item.type == "plain"]


def _providers() -> Iterator[Candidate]:
    from callwell.cli.settings import Settings

    return map(Candidate, Settings.here(quiet=True).names())


def _provider(read: ParsedWords) -> Provider:
    from callwell.cli.settings import Settings

    return Settings.here(quiet=True).load(read.values["provider"][0])


def _operations(provider: Provider, *, lists: bool) -> Iterator[Candidate]:
    for name, operation in provider.api.operations.items():
        if not lists or provider.rule(name).paging:
            yield Candidate(name, operation.summary)


def _arguments(operation: Operation, read: ParsedWords, last: str) -> Iterator[Candidate]:
    from callwell.client.calls.validation import describe_schema
    from callwell.description.schemas import alternatives, type_names

    name, sign, _ = last.partition("=")
    given = {one.partition("=")[0].rstrip(":") for one in read.values["arguments"]}
    for one in operation.parameters:
        lists = "array" in type_names(one.schema)
        if sign and one.name == name:
            schema = one.schema.get("items", {}) if lists else one.schema
            for one_of in alternatives(schema):
                texts = ("true", "false") if "boolean" in type_names(one_of) else one_of.get("enum", ())
                yield from (Candidate(f"{name}={text}") for text in texts if text is not None)
        elif not sign and (lists or one.name not in given):
            takes = "true or false" if type_names(one.schema) == ["boolean"] else describe_schema(one.schema)
            yield Candidate(f"{one.name}=", f"{takes}{', required' if one.required else ''}")


def _settable() -> Iterator[Candidate]:
    from callwell.cli.emulate import SETTABLE

    return (Candidate(f"{name}=") for name in SETTABLE)

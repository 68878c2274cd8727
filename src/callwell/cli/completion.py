# SPDX-License-Identifier: Apache-2.0
"""Completes command lines.

A shell calls `callwell` with `_CALLWELL_COMPLETE` (its name) and `_CALLWELL_LINE` (the line up to the cursor). It gets
one candidate a line, followed by a tab and a short help text if the shell can show one. Only the module of the typed
command is loaded. The shell adds no space after a candidate that ends in `=` or `:`, because a value follows.
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
"""Bash treats the text up to `=` or `:` as its own word, and completes only what follows."""

Values = defaultdict[str, list[str]]


class Candidate(NamedTuple):
    """A possible word.

    Attributes:
        word: the whole word.
        help: a short string about it, may be empty.
    """

    word: str
    help: str = ""


KEY_SOURCES: Final = (
    Candidate("aws-secret:", "AWS Secrets Manager or Parameter Store"),
    Candidate("command:", "a program that prints the key"),
    Candidate("dir:", "a directory with a file for each secret"),
    Candidate("env:", "an environment variable"),
    Candidate("file:", "a file"),
    Candidate("keyring:", "the keyring of the desktop"),
    Candidate("vault:", "HashiCorp Vault or OpenBao"),
)
"""The kinds of key sources."""


class ParsedWords(NamedTuple):
    """The words after a command's name, as options and arguments.

    Attributes:
        values: the values typed so far, by parameter.
        pending: the option that the word at the cursor is a value of, if any.
        rest: for a group, the words from its subcommand on.
    """

    values: Values
    pending: Any
    rest: Sequence[str]


def print_completions(shell: str) -> int:
    """Print the candidates for the line in `_CALLWELL_LINE`.

    Args:
        shell: the shell's name.

    Returns:
        the exit code.
    """
    words, last = split(os.environ.get(LINE, ""))
    for candidate in candidates(words[1:], last):
        if shell == "bash":
            typed = WORD_BREAK.match(last)
            line = candidate.word[typed.end() :] if typed else candidate.word
        else:
            help_text = " ".join(candidate.help.split())
            line = f"{candidate.word}\t{help_text}" if help_text else candidate.word
        sys.stdout.write(f"{line}\n")
    return 0


def split(line: str) -> tuple[list[str], str]:
    """Split a line into its complete words and the word at the cursor.

    Args:
        line: the line up to the cursor; its last quote may be open.
    """
    # The dot keeps an empty last word; the quote closes one that may be open.
    for quote in ("", "'", '"'):
        try:
            words = shlex.split(f"{line}.{quote}")
        except ValueError:
            continue
        return words[:-1], words[-1][:-1]
    return [], ""


def candidates(words: Sequence[str], last: str) -> list[Candidate]:
    """The possible words at the cursor.

    Args:
        words: the complete words after `callwell`.
        last: the word at the cursor.
    """
    command: Any = root()
    name = ""
    parsed = _parse(command, words)
    while isinstance(command, TyperGroup) and parsed.rest:
        name = parsed.rest[0]
        try:
            command = command.get_command(command.make_context("", [], resilient_parsing=True), name)
        except UnknownName:
            return []
        if command is None:
            return []
        parsed = _parse(command, parsed.rest[1:])
    try:
        found = _candidates(command, name, parsed, last)
        return [candidate for candidate in found if candidate.word.startswith(last)]
    except CallwellError:
        return []


def _parse(command: TyperCommand | TyperGroup, words: Sequence[str]) -> ParsedWords:
    options = {name: parameter for parameter in command.params for name in parameter.opts if name.startswith("-")}
    arguments = [parameter for parameter in command.params if not _is_option(parameter)]
    values = Values(list)
    left = list(words)
    while left:
        if isinstance(command, TyperGroup) and not left[0].startswith("-"):
            return ParsedWords(values, None, left)
        word = left.pop(0)
        if not word.startswith("-"):
            argument = next(
                (candidate for candidate in arguments if candidate.nargs == -1 or not values[candidate.name]), None
            )
            values[argument.name if argument else ""].append(word)
            continue
        name, sign, value = word.partition("=")
        option: Any = options.get(name)
        if option is None or option.is_flag:
            continue
        if not sign and not left:
            return ParsedWords(values, option, ())
        values[option.name].append(value if sign else left.pop(0))
    return ParsedWords(values, None, ())


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def _candidates(command: TyperCommand | TyperGroup, name: str, parsed: ParsedWords, last: str) -> Iterable[Candidate]:
    if parsed.pending is not None:
        return _values(command, name, parsed, parsed.pending, last)
    if last.startswith("-"):
        option, sign, value = last.partition("=")
        for parameter in command.params:
            if sign and option in parameter.opts:
                found = _values(command, name, parsed, parameter, value)
                return [Candidate(f"{option}={candidate.word}", candidate.help) for candidate in found]
        return _options(command, parsed)
    if isinstance(command, TyperGroup):
        if not name:
            return [Candidate(word, about) for word, about in COMMANDS.items()]
        subcommands = command.commands.items()
        return [Candidate(word, (found.help or "").partition("\n")[0]) for word, found in subcommands]
    for parameter in command.params:
        if not _is_option(parameter) and (parameter.nargs == -1 or not parsed.values[str(parameter.name)]):
            return _values(command, name, parsed, parameter, last)
    return []


def _options(command: TyperCommand | TyperGroup, parsed: ParsedWords) -> Iterator[Candidate]:
    for parameter in command.params:
        option: Any = parameter
        if _is_option(option) and (option.multiple or not parsed.values[option.name]):
            yield Candidate(option.opts[0], option.help or "")
    yield Candidate("--help", "Show this message and exit.")


def _values(
    command: TyperCommand | TyperGroup, name: str, parsed: ParsedWords, parameter: Any, last: str
) -> Iterable[Candidate]:
    known: dict[str, Callable[[], Iterable[Candidate]]] = {
        "provider": _providers,
        "operation": lambda: _operations(_provider(parsed), lists=name == "list"),
        "arguments": lambda: _arguments(_provider(parsed).operation(parsed.values["operation"][0]), parsed, last),
        "environment": lambda: map(Candidate, _provider(parsed).profile.environments),
        "key": lambda: KEY_SOURCES,
        "provider_arguments": _providers,
        "provider_options": _providers,
        "set_values": _emulator_options,
    }
    if parameter.name in known:
        return known[parameter.name]()
    context = command.make_context(name, [], resilient_parsing=True)
    return [Candidate(item.value) for item in parameter.shell_complete(context, last) if item.type == "plain"]


def _providers() -> Iterator[Candidate]:
    from callwell.cli.settings import Settings

    return map(Candidate, Settings.discover(quiet=True).names())


def _provider(parsed: ParsedWords) -> Provider:
    from callwell.cli.settings import Settings

    return Settings.discover(quiet=True).load(parsed.values["provider"][0])


def _operations(provider: Provider, *, lists: bool) -> Iterator[Candidate]:
    from callwell.description.plain_text import first_sentence

    for name, operation in provider.api.operations.items():
        if not lists or provider.rule(name).paging:
            yield Candidate(name, first_sentence(operation.summary))


def _arguments(operation: Operation, parsed: ParsedWords, last: str) -> Iterator[Candidate]:
    from callwell.client.calls.validation import describe_schema
    from callwell.description.schemas import alternatives, type_names

    name, sign, _ = last.partition("=")
    typed = {word.partition("=")[0].rstrip(":") for word in parsed.values["arguments"]}
    for parameter in operation.parameters:
        is_list = "array" in type_names(parameter.schema)
        if sign and parameter.name == name:
            schema = parameter.schema.get("items", {}) if is_list else parameter.schema
            for choice in alternatives(schema):
                texts = ("true", "false") if "boolean" in type_names(choice) else choice.get("enum", ())
                yield from (Candidate(f"{name}={text}") for text in texts if text is not None)
        elif not sign and (is_list or parameter.name not in typed):
            expected = (
                "true or false" if type_names(parameter.schema) == ["boolean"] else describe_schema(parameter.schema)
            )
            yield Candidate(f"{parameter.name}=", f"{expected}, required" if parameter.required else expected)


def _emulator_options() -> Iterator[Candidate]:
    from callwell.cli.emulate import SETTABLE

    return (Candidate(f"{name}=") for name in SETTABLE)

# SPDX-License-Identifier: Apache-2.0
"""Rows of a manifest, and what is wrong with them before anything is sent."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.client.calls.validation import check_value, describe_schema
from callwell.errors import CallwellError, FileProblem, InvalidOption, RowFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.core.rules.assess import AssessRule
    from callwell.description.provider import Provider

TEXT = "expected_text"


class AssessmentRow(NamedTuple):
    """One recording that is to be assessed.

    Attributes:
        file: it.
        text: what was to be said, for operations that want to know.
        user: the caller's own id of the speaker.
        accent: the accent that is expected; that of the assessment unless given.
        operation: the operation; that of the assessment unless given.
        manifest: the file that says so, empty if there is none.
        number: its line there, from 1.
    """

    file: Path
    text: str | None = None
    user: str | None = None
    accent: str | None = None
    operation: str | None = None
    manifest: str = ""
    number: int = 0

    def failed(self, error: CallwellError) -> RowFailed:
        """The error that says which row it is."""
        return RowFailed(str(self.file), error, manifest=self.manifest, row=self.number)


class Task(NamedTuple):
    """A row with nothing left open.

    Attributes:
        row: it.
        operation: the operation's full name.
        rule: what the profile says of it.
        arguments: all that it is called with but the recording.
    """

    row: AssessmentRow
    operation: str
    rule: AssessRule
    arguments: Mapping[str, str]


class RowNeeds(NamedTuple):
    """What a row's operation takes besides the recording, and whether the row has it.

    Attributes:
        operation: its full name.
        accent: it takes an accent.
        has_accent: one is said, by the row or for all.
        text: it takes what was to be said.
        has_text: the row says it.
    """

    operation: str
    accent: bool
    has_accent: bool
    text: bool
    has_text: bool


class AssessmentRules:
    """What a provider's assessments take.

    Args:
        provider: the provider.
        operation: the one that is meant where a row names none: its name, or the last part of it.
        accent: likewise.

    Raises:
        UsageError: the provider assesses nothing.
        InvalidOption: no such operation.
    """

    def __init__(self, provider: Provider, *, operation: str | None = None, accent: str | None = None) -> None:
        self._provider = provider
        self._rules = {name: rule.assess for name, rule in provider.profile.operations.items() if rule.assess}
        if not self._rules:
            raise UsageError(f"{provider.name} assesses no recordings, as far as its profile says")
        self._accent = accent
        self._default = next((name for name, rule in self._rules.items() if rule.default), None)
        self._default = self._named(operation)
        if accent is not None:
            self._takes_accent(self._default, accent)

    def task(self, row: AssessmentRow) -> Task:
        """A row as it will be sent.

        Raises:
            CallwellError: what is wrong with it.
        """
        if not row.file.is_file():
            raise FileProblem(f"{row.file}: {'is a folder' if row.file.is_dir() else 'no such file'}")
        operation = self._named(row.operation)
        rule, arguments = self._rules[operation], dict[str, str]()
        if rule.accent is not None:
            arguments[rule.accent] = self._takes_accent(operation, row.accent or self._accent)
        if rule.text is not None:
            arguments[rule.text] = _text(operation, rule, row.text)
        return Task(row, operation, rule, arguments)

    def takes(self, row: AssessmentRow) -> RowNeeds:
        """What a row's operation takes; of one that is unknown, nothing: it fails alone."""
        try:
            operation = self._named(row.operation)
        except InvalidOption:
            return RowNeeds(str(row.operation), accent=False, has_accent=False, text=False, has_text=False)
        rule = self._rules[operation]
        return RowNeeds(
            operation,
            accent=rule.accent is not None,
            has_accent=bool(row.accent or self._accent),
            text=rule.text is not None,
            has_text=bool(row.text and row.text.strip()),
        )

    def accents(self, operation: str) -> str:
        """The accents that an operation takes, for people."""
        return describe_schema(self._accent_schema(operation))

    def free(self) -> str | None:
        """The short name of an operation that needs no text, if there is one."""
        return next((name.rpartition(".")[2] for name, rule in self._rules.items() if rule.text is None), None)

    def _named(self, name: str | None) -> str:
        full = [one for one in self._rules if name in (one, one.rpartition(".")[2])]
        if name is None and self._default is not None:
            return self._default
        if len(full) != 1:
            raise InvalidOption("operation", name, f"one of {', '.join(self._rules)}")
        return full[0]

    def _takes_accent(self, operation: str, accent: str | None) -> str:
        rule = self._rules[operation]
        schema = self._accent_schema(operation)
        if rule.accent is None or accent is None:
            raise InvalidOption(
                "accent", accent, describe_schema(schema) if rule.accent else f"none: {operation} has no such"
            )
        check_value("accent", schema, accent)
        return accent

    def _accent_schema(self, operation: str) -> Mapping[str, Any]:
        schemas = {one.name: one.schema for one in self._provider.operation(operation).parameters}
        return schemas.get(self._rules[operation].accent or "", {})


def _text(operation: str, rule: AssessRule, text: str | None) -> str:
    if text is None or not text.strip():
        raise InvalidOption(TEXT, text, f"what was to be said, for {operation}")
    letters = [one for one in text if one.isalpha()]
    if not letters:
        raise InvalidOption(TEXT, text, "a text with words in it")
    wrong = next((one for one in letters if rule.script and _script(one) != rule.script), None)
    if wrong is not None:
        expected = f"a text in {str(rule.script).capitalize()} letters; {wrong!r} is {_script(wrong).capitalize()}"
        raise InvalidOption(TEXT, text, expected)
    return text


def _script(letter: str) -> str:
    """The script of a letter, as its name begins in Unicode; a compatibility form counts as what it stands for."""
    name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "unknown")
    return name.replace("-", " ").partition(" ")[0].lower()
